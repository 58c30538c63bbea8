"""A pass over a bright disc, and refinements that change all of it alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from Sli2VolSlicerLib.engine.devices import choose_device
from Sli2VolSlicerLib.engine.methods.copy_mask import CopyMask
from Sli2VolSlicerLib.engine.passes import Pass, SliceResult, begin_pass
from Sli2VolSlicerLib.engine.protocol import PassRules, Refinement, Region
from Sli2VolSlicerLib.engine.refinement.network import RefinementNetwork, RefinementSettings
from Sli2VolSlicerLib.engine.refinement.network_refinement import NetworkRefinement
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.working_grid import WorkingGrid

SHAPE = (10, 30, 34)
SMALL = RefinementSettings((4, 4, 4, 4))


def disc() -> np.ndarray:
    row, column = np.mgrid[: SHAPE[1], : SHAPE[2]]
    return (row - 14) ** 2 + (column - 16) ** 2 < 36


def stack(between: float = 1.0) -> SliceStack:
    noise = np.random.default_rng(0).normal(0, 0.05, SHAPE)
    return SliceStack((np.where(disc(), 1.0, 0.2) + noise).astype(np.float32), (between, 1.0, 1.0))


def a_pass(
    results: int = 4, anchor: int = 2, confidence: float = 0.8, between: float = 1.0, scale: float = 1.0
) -> Pass:
    """A pass upwards that found the drawn disc on so many slices, `between` pixels apart."""
    grid = WorkingGrid(stack(between), scale)
    run = begin_pass(grid, PassRules(), 1, anchor, 1, disc())
    whole, found = Region(0, grid.shape[0], 0, grid.shape[1]), grid.soft_from_mask(disc()).astype(np.float16)
    run.results.extend(SliceResult(whole, found, confidence) for _ in range(results))
    return run


def a_result(area: int, expected_dice: float = 1.0) -> SliceResult:
    """A slice of so many pixels."""
    soft = np.zeros((1, 10), np.float16)
    soft[0, :area] = 1
    return SliceResult(Region(0, 1, 0, 10), soft, 0.9, expected_dice)


def changing(by: float, sure: float = 1.0) -> NetworkRefinement:
    """A refinement that adds `by` to the log odds everywhere."""
    torch.manual_seed(0)
    network = RefinementNetwork(SMALL)
    assert network.change.bias is not None
    torch.nn.init.constant_(network.change.bias, by)
    return NetworkRefinement(network, replace(choose_device("cpu"), precision=torch.float32), sure)


class RefinedCopy(CopyMask):
    """Copies the mask; what comes of it is given."""

    def __init__(self, refinement: Refinement) -> None:
        self._refinement = refinement

    @property
    def refinement(self) -> Refinement:
        return self._refinement
