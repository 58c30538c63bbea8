"""A network fitted to one structure: what it may change, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.devices import Device
from Sli2VolSlicerLib.engine.errors import PropagationCancelled
from Sli2VolSlicerLib.engine.fitting import FitSettings, FittedNetwork, Lesson, fit
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.methods.overfit import Overfit
from Sli2VolSlicerLib.engine.protocol import CarryingMethod
from Sli2VolSlicerLib.engine.records import Anchor, Progress, Propagation, SliceLimits
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

SHAPE = (10, 40, 44)
FEW = FitSettings(steps=3)
CPU = Device("cpu", torch.float32)


def cone() -> tuple[np.ndarray, np.ndarray]:
    """A bright cone within the volume, and its truth."""
    depth, row, column = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    truth = (row - 20) ** 2 + (column - 22) ** 2 < np.clip(12 - 1.5 * np.abs(depth - 5), 0, None) ** 2
    noise = np.random.default_rng(0).normal(0, 0.05, SHAPE)
    return (np.where(truth, 1.0, 0.3) + noise).astype(np.float32), truth


def session(fitted: FitSettings | None = FEW, times: int = 1) -> PropagationSession:
    """By the untrained network, finished by a fitted one or not; every slice so many times."""
    carrying = create_method("random-weights", device="cpu")
    assert isinstance(carrying, CarryingMethod)
    method = carrying if fitted is None else Overfit(carrying, fitted)
    return PropagationSession(SliceStack(np.repeat(cone()[0], times, axis=0)), method)


def no_one(done: int, total: int) -> None:
    """Is told."""


def lesson() -> Lesson:
    """A bright square on dark ground, drawn on the middle slice and trusted nowhere else."""
    soft = torch.zeros(3, 24, 24)
    soft[:, 6:15, 8:19] = 1
    intensity = torch.cat([soft[:1], soft, soft[-1:]]) * 2 - 1
    return Lesson(intensity, soft, torch.tensor([0.0, 1.0, 0.0]), torch.tensor([False, True, False]))


def test_the_network_is_small() -> None:
    assert sum(each.numel() for each in FittedNetwork(FitSettings().width).parameters()) < 200_000


def test_a_bright_square_is_learned_from_one_slice() -> None:
    odds = fit(lesson(), FitSettings(steps=60), CPU, no_one)
    assert ((odds > 0) == (lesson().soft > 0.5)).float().mean() > 0.97


def test_the_same_seed_gives_the_same_and_leaves_other_random_numbers_alone() -> None:
    torch.manual_seed(4)
    untouched = torch.rand(1)
    torch.manual_seed(4)
    one = fit(lesson(), FEW, CPU, no_one)
    assert torch.equal(torch.rand(1), untouched)
    assert torch.equal(fit(lesson(), FEW, CPU, no_one), one)
    assert not torch.equal(fit(lesson(), FitSettings(steps=3, seed=1), CPU, no_one), one)


def outlines_moved(result: Propagation, before: Propagation) -> np.ndarray:
    return np.asarray((result.masks[1] ^ before.masks[1]).any(axis=(1, 2)))


def test_outlines_move_a_little_and_the_ends_stay() -> None:
    anchor = Anchor(5, 1, cone()[1][5])
    before, after = session(None).propagate([anchor]), session(FitSettings(steps=30)).propagate([anchor])
    assert outlines_moved(after, before).any()
    assert (after.masks[1].any(axis=(1, 2)) == before.masks[1].any(axis=(1, 2))).all()
    common = 2 * (after.masks[1] & before.masks[1]).sum() / (after.masks[1].sum() + before.masks[1].sum())
    assert common > 0.8
    assert after.passes == before.passes
    np.testing.assert_array_equal(after.slice_confidence[1], before.slice_confidence[1])


def test_limits_and_range_hold() -> None:
    result = session().propagate([Anchor(5, 1, cone()[1][5])], slice_range=(3, 9), limits={1: SliceLimits(last=7)})
    assert np.flatnonzero(result.masks[1].any(axis=(1, 2))).tolist() == [3, 4, 5, 6, 7]


def test_where_nothing_but_the_drawing_was_found_nothing_is_fitted() -> None:
    seen: list[Progress] = []
    result = session().propagate([Anchor(5, 1, cone()[1][5])], slice_range=(5, 5), progress=seen.append)
    assert not seen
    np.testing.assert_array_equal(result.masks[1][5], cone()[1][5])


def test_steps_are_told_label_after_label() -> None:
    seen: list[Progress] = []
    truth = cone()[1]
    session().propagate([Anchor(5, 1, truth[5]), Anchor(4, 2, truth[4])], progress=seen.append)
    done = [each.done for each in seen if "refinement" in each.message]
    assert done == list(range(done[0], done[0] + 6))
    assert seen[-1].message == "refinement 3 of 3"


def test_steps_are_told_on_slices_of_the_volume_where_slices_repeat() -> None:
    seen: list[Progress] = []
    session(times=3).propagate([Anchor(15, 1, cone()[1][5])], progress=seen.append)
    assert [each.slice_index for each in seen if "refinement" in each.message] == [15, 15, 15]


def test_fitting_can_be_cancelled() -> None:
    messages: list[str] = []
    with pytest.raises(PropagationCancelled, match="after 1 of 3 steps"):
        session().propagate(
            [Anchor(5, 1, cone()[1][5])],
            progress=lambda each: messages.append(each.message),
            is_cancelled=lambda: messages[-1:] == ["refinement 1 of 3"],
        )


@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_every_anchor_comes_back_bit_for_bit(data: st.DataObject) -> None:
    generator = np.random.default_rng(data.draw(st.integers(0, 999)))
    slices = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))
    anchors = [Anchor(index, 1, generator.random(SHAPE[1:]) > 0.7) for index in slices]
    result = session().propagate(anchors)
    for anchor in anchors:
        np.testing.assert_array_equal(result.masks[1][anchor.slice_index], anchor.mask)
