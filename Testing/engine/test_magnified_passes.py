"""Small structures are followed on magnified slices, too, and the pass that finds more is believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine.refined_passes import SHAPE, a_result, disc, stack

from Sli2VolSlicerLib.engine.methods import DEFAULT_RULES, MASK_PRIOR_RULES, PAPER_RULES
from Sli2VolSlicerLib.engine.methods.copy_mask import CopyMask
from Sli2VolSlicerLib.engine.methods.plain import RuledMethod
from Sli2VolSlicerLib.engine.passes import Pass, SliceResult, begin_pass
from Sli2VolSlicerLib.engine.protocol import Carrier, PassRules, SliceSource
from Sli2VolSlicerLib.engine.records import Anchor
from Sli2VolSlicerLib.engine.second_opinion import asks_for_magnification, finds_more, on_magnified_slices
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.working_grid import MAGNIFICATION, WorkingGrid

RULES = PassRules(soft=True, magnify=True)
DRAWN = 4


class Reaching:
    """A refinement that leaves so many slices of plain passes, and so many of magnified ones.

    Args:
        plain, magnified: slices.
    """

    beyond = 0

    def __init__(self, plain: int, magnified: int) -> None:
        self._plain, self._magnified = plain, magnified

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        left = self._magnified if run.grid.magnified > 1 else self._plain
        return [replace(result, expected_dice=0.8) for result in run.results[: min(length, left)]]


class ReachingCopy(RuledMethod):
    """Copies the mask; how far, its refinement says."""

    def __init__(self, plain: int, magnified: int, rules: PassRules = RULES) -> None:
        super().__init__("copy", "cpu", rules, Reaching(plain, magnified))

    def open(self, source: SliceSource) -> Carrier:
        return CopyMask().open(source)


def filled(plain: int, magnified: int, *drawn: int, rules: PassRules = RULES) -> list[int]:
    session = PropagationSession(stack(), ReachingCopy(plain, magnified, rules))
    done = session.propagate([Anchor(index, 1, disc()) for index in drawn])
    for index in drawn:
        np.testing.assert_array_equal(done.masks[1][index], disc())
    return np.flatnonzero(done.masks[1].any(axis=(1, 2))).tolist()


@pytest.mark.parametrize(("plain", "magnified", "reached"), [(1, 3, 3), (3, 1, 3), (2, 2, 2), (0, 2, 2)])
def test_the_pass_that_finds_more_is_believed(plain: int, magnified: int, reached: int) -> None:
    assert filled(plain, magnified, DRAWN) == list(range(DRAWN - reached, DRAWN + reached + 1))


def test_slices_count_as_their_expected_dice_and_empty_ones_not_at_all() -> None:
    assert finds_more([a_result(4, 0.9), a_result(4, 0.8)], [a_result(4, 0.5)] * 3)
    assert not finds_more([a_result(4, 0.9), a_result(4, 0.6)], [a_result(4, 0.5)] * 3), "as much is not more"
    assert not finds_more([a_result(4, 0.5), a_result(0, 1.0)], [a_result(4, 0.6)])


@pytest.mark.parametrize(("side", "asks"), [(15, True), (16, False)])
def test_structures_under_sixteen_pixels_are_small(side: int, asks: bool) -> None:
    mask = np.zeros(SHAPE[1:], bool)
    mask[2 : 2 + side, 3 : 3 + side] = True
    run = begin_pass(WorkingGrid(stack(), 1.0), RULES, 1, DRAWN, 1, mask)
    assert asks_for_magnification(run) is asks
    run.may_be_sent_on = False
    assert not asks_for_magnification(run), "what may not be sent on is an end of something larger"


def test_the_magnified_pass_is_the_same_at_its_anchor() -> None:
    volume = stack()
    run = begin_pass(WorkingGrid(volume, 1.0), RULES, 7, DRAWN, -1, disc())
    other = on_magnified_slices(run, WorkingGrid(volume, MAGNIFICATION), RULES)
    assert (other.label, other.anchor_slice, other.step) == (7, DRAWN, -1)
    assert other.drawn.shape == (2 * SHAPE[1], 2 * SHAPE[2])
    assert other.drawn_area == pytest.approx(4 * run.drawn_area, rel=0.02)


def test_between_two_drawn_slices_passes_check_each_other_and_none_is_magnified() -> None:
    assert filled(9, 9, 2, 7) == list(range(SHAPE[0]))
    session = PropagationSession(stack(), ReachingCopy(9, 9))
    anchors = [Anchor(index, 1, disc()) for index in (0, SHAPE[0] - 1)]
    together = session.propagate(anchors).slices_propagated
    plain = PropagationSession(stack(), ReachingCopy(9, 9, replace(RULES, magnify=False)))
    assert together == plain.propagate(anchors).slices_propagated


def test_the_rules_say_who_is_magnified() -> None:
    assert DEFAULT_RULES.magnify and not MASK_PRIOR_RULES.magnify and not PAPER_RULES.magnify
    assert filled(1, 3, DRAWN, rules=replace(RULES, magnify=False)) == [DRAWN - 1, DRAWN, DRAWN + 1]


def test_a_second_propagate_computes_nothing_and_gives_the_same() -> None:
    session, anchor = PropagationSession(stack(), ReachingCopy(1, 3)), Anchor(DRAWN, 1, disc())
    first, again = session.propagate([anchor]), session.propagate([anchor])
    assert (first.slices_propagated, again.slices_propagated) == (2 * (SHAPE[0] - 1), 0)
    np.testing.assert_array_equal(again.masks[1], first.masks[1])
    assert [(each.anchor_slice, each.last_slice) for each in first.passes] == [(DRAWN, 1), (DRAWN, 7)]


def test_a_correction_leaves_the_other_way_as_it_was() -> None:
    session = PropagationSession(stack(), ReachingCopy(1, 3))
    before = session.propagate([Anchor(DRAWN, 1, disc())]).masks[1]
    after = session.propagate([Anchor(DRAWN, 1, disc()), Anchor(8, 1, disc())]).masks[1]
    np.testing.assert_array_equal(after[: DRAWN + 1], before[: DRAWN + 1])


def test_a_volume_of_the_smallest_slices_can_be_magnified() -> None:
    small = SliceStack(stack().volume[:, 8:16, 12:20].copy())
    mask = np.zeros((8, 8), bool)
    mask[3:6, 2:5] = True
    done = PropagationSession(small, ReachingCopy(1, 9)).propagate([Anchor(DRAWN, 1, mask)])
    assert (done.masks[1] == mask).all()
