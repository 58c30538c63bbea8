"""The default's result, its outlines looked at again by a small network fitted to this one structure.

What it gives, and that it gives little, is told in Docs/results.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch.nn import functional

from ..devices import Device, choose_device
from ..fitting import STRIDE, FitSettings, Lesson, fit
from ..passes import PRESENT
from ..protocol import (
    Carrier,
    CarryingMethod,
    Draft,
    FilledSlice,
    PassRules,
    Refinement,
    Region,
    SliceSource,
    Tell,
    bounding_region,
)
from ..refinement.network_refinement import changed, log_odds

_SIDE = 64
"""Pixels along the longer side of what the network sees; smaller structures are not magnified."""

_LEAST_SIDE = 16
_LEAST_MARGIN, _MARGIN = 12, 0.15
_BEYOND = 3
"""Slices beyond the result's ends that it is shown as empty, ..."""

_TRUST_BEYOND = 0.1
"""... and how much that is trusted: the end may be wrong."""

_NO_TRUST, _FULL_TRUST = 0.5, 0.9
"""Slices expected to have the lower Dice teach nothing, with the higher one as much as drawn ones."""

_SHARE, _BAND = 0.3, 0.1
"""Share of its change that is made, and how far from the outline, in square roots of the slice's area."""


class Overfit:
    """A carrying method whose result is finished by a fitted network.

    Args:
        carrying: makes the result.
        settings: how the network is fitted.
        device: by its name; the fitting itself is for the CPU, it is too small to be worth a GPU's journeys.
    """

    def __init__(self, carrying: CarryingMethod, settings: FitSettings | None = None, device: str = "cpu") -> None:
        self._carrying = carrying
        self._settings = settings or FitSettings()
        chosen = choose_device(device)
        self._fitted_on = chosen if chosen.kind == "cpu" else Device("cpu", torch.float32)

    @property
    def name(self) -> str:
        return "overfit"

    @property
    def device_name(self) -> str:
        return self._carrying.device_name

    @property
    def notes(self) -> tuple[str, ...]:
        return self._carrying.notes

    @property
    def rules(self) -> PassRules:
        return self._carrying.rules

    @property
    def refinement(self) -> Refinement | None:
        return self._carrying.refinement

    def open(self, source: SliceSource) -> Carrier:
        return self._carrying.open(source)

    def finish(self, source: SliceSource, draft: Draft, tell: Tell) -> Mapping[int, FilledSlice]:
        """Slices of the draft with their outlines moved towards what the network says; drawn slices are not among them.

        The structure's ends stay where they are.
        """
        shown = _Shown.of(source, draft)
        if shown is None:
            return {}
        odds = fit(shown.lesson, self._settings, self._fitted_on, tell)
        change = _resized(odds - log_odds(shown.lesson.soft), shown.region.shape).numpy()
        return {
            index: FilledSlice(
                shown.region, _moved(draft.soft(index)[shown.region.slices], by), float(draft.confidence[index])
            )
            for index, by in zip(shown.slices, change, strict=True)
            if index not in draft.drawn and draft.mask[index].any()
        }


@dataclass(frozen=True, eq=False)
class _Shown:
    """The part of a volume that the network sees.

    Attributes:
        region: of every slice.
        slices: their numbers.
        lesson: what there is to learn there.
    """

    region: Region
    slices: range
    lesson: Lesson

    @staticmethod
    def of(source: SliceSource, draft: Draft) -> _Shown | None:
        """What is to be seen of a draft; None where nothing was found but what is drawn."""
        there = np.flatnonzero(draft.mask.any(axis=(1, 2)))
        if not set(there.tolist()) - draft.drawn:
            return None
        slices = range(max(0, int(there[0]) - _BEYOND), min(source.slice_count, int(there[-1]) + _BEYOND + 1))
        bounds = bounding_region(np.asarray(draft.mask.any(axis=0)))
        assert bounds is not None, there
        region = bounds.grown(max(_LEAST_MARGIN, round(_MARGIN * max(bounds.shape))), source.shape)
        seen = _seen_shape(region.shape)
        around = [min(max(index, 0), source.slice_count - 1) for index in range(slices.start - 1, slices.stop + 1)]
        intensity = np.stack([source.intensity(index)[region.slices] for index in around])
        of_drawn = [intensity[index - slices.start + 1] for index in slices if index in draft.drawn]
        soft = np.stack([draft.soft(index)[region.slices] for index in slices])
        is_drawn = np.array([index in draft.drawn for index in slices])
        lesson = Lesson(
            intensity=_resized(torch.from_numpy(_contrasted(intensity, np.stack(of_drawn))), seen),
            soft=_resized(torch.from_numpy(soft), seen).clamp(0, 1),
            trust=torch.from_numpy(_trust(draft, slices, is_drawn)),
            is_drawn=torch.from_numpy(is_drawn),
        )
        return _Shown(region, slices, lesson)


def _seen_shape(shape: tuple[int, int]) -> tuple[int, int]:
    smaller = min(1.0, _SIDE / max(shape))
    rows, columns = (max(_LEAST_SIDE, -(-round(side * smaller) // STRIDE) * STRIDE) for side in shape)
    return rows, columns


def _contrasted(intensity: np.ndarray, of_drawn: np.ndarray) -> np.ndarray:
    """The range of intensities around what was drawn, with room on either side, as -1..1."""
    low, high = (float(value) for value in np.percentile(of_drawn, [1, 99]))
    room = 0.25 * (high - low)
    seen: np.ndarray = np.clip((intensity - low + room) / max(high - low + 2 * room, 1e-3), 0, 1) * 2 - 1
    return seen.astype(np.float32)


def _trust(draft: Draft, slices: range, is_drawn: np.ndarray) -> np.ndarray:
    """How much each slice of the draft may teach, float32, 0..1."""
    expected = np.nan_to_num(draft.confidence[slices.start : slices.stop], nan=0.0)
    trust = np.clip((expected - _NO_TRUST) / (_FULL_TRUST - _NO_TRUST), 0, 1) ** 2
    is_empty = ~draft.mask[slices.start : slices.stop].any(axis=(1, 2))
    trust[is_empty] = np.maximum(trust[is_empty], _TRUST_BEYOND)
    trust[is_drawn] = 1.0
    return trust.astype(np.float32)


def _moved(soft: np.ndarray, by: np.ndarray) -> np.ndarray:
    """A soft mask, some of the change of its log odds made along its outline, float32."""
    mask = soft > 0.5
    distance = np.where(mask, distance_transform_edt(mask), distance_transform_edt(~mask))
    near = distance <= 1 + _BAND * float(np.sqrt(mask.sum()))
    moved = np.where(near, changed(soft, _SHARE * by), soft).astype(np.float32)
    moved[moved < PRESENT] = 0.0
    return moved


def _resized(images: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """(slices, rows, columns) at another size."""
    return functional.interpolate(images[None], size=shape, mode="bilinear", align_corners=False, antialias=True)[0]
