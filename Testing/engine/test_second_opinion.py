"""The second opinion: where verification takes much of a pass, the pass is run without it, and the better believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine.refined_passes import a_result

from Sli2VolSlicerLib.engine.methods.copy_mask import CopyMask
from Sli2VolSlicerLib.engine.methods.plain import RuledMethod
from Sli2VolSlicerLib.engine.passes import Pass, SliceResult, begin_pass
from Sli2VolSlicerLib.engine.protocol import Carrier, PassRules, SliceSource
from Sli2VolSlicerLib.engine.records import Anchor, Direction, StopReason
from Sli2VolSlicerLib.engine.second_opinion import asks_for_second_opinion, goes_much_farther, without_verification
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.working_grid import WorkingGrid

SHAPE = (9, 30, 34)
DRAWN = 2
TURNS = 4
"""From this slice on the structure looks as its surroundings did, and they as it did."""

RULES = PassRules(soft=True, verification="histogram")


def disc() -> np.ndarray:
    row, column = np.mgrid[: SHAPE[1], : SHAPE[2]]
    return (row - 14) ** 2 + (column - 16) ** 2 < 36


def stack(turns: int = TURNS) -> SliceStack:
    volume = np.tile(np.where(disc(), 0.8, 0.2).astype(np.float32), (SHAPE[0], 1, 1))
    volume[turns:] = 1 - volume[turns:]
    volume += np.random.default_rng(0).normal(0, 0.02, SHAPE).astype(np.float32)
    return SliceStack(volume, (1.0, 1.0, 1.0))


class AsItCame:
    """A refinement that changes nothing."""

    beyond = 0

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        return run.results[:length]


class VerifiedCopy(RuledMethod):
    """Copies the mask, by rules of its own."""

    def __init__(self, rules: PassRules = RULES) -> None:
        super().__init__("copy", "cpu", rules, AsItCame())

    def open(self, source: SliceSource) -> Carrier:
        return CopyMask().open(source)


def a_pass(*verified: tuple[int, int, int]) -> Pass:
    run = begin_pass(WorkingGrid(stack(), 1.0), RULES, 1, DRAWN, 1, disc())
    run.verified.extend(verified)
    return run


@pytest.mark.parametrize(("kept", "asks"), [(59, True), (60, False), (120, False)])
def test_verification_is_doubted_where_it_leaves_less_than_two_thirds(kept: int, asks: bool) -> None:
    assert asks_for_second_opinion(a_pass((0, 45, kept // 2), (1, 45, kept - kept // 2)), length=2) is asks


def test_what_verification_took_beyond_where_the_pass_is_looked_at_does_not_count() -> None:
    run = a_pass((0, 50, 50), (1, 50, 0))
    assert asks_for_second_opinion(run, length=2) and not asks_for_second_opinion(run, length=1)


def test_the_other_must_hold_half_as_much_again_in_slices_and_in_pixels() -> None:
    one = [a_result(4), a_result(4)]
    assert goes_much_farther([a_result(4)] * 4, one)
    assert not goes_much_farther([a_result(4)] * 3, one), "three slices are not more than one and a half times two"
    assert not goes_much_farther([a_result(10)] * 2, one), "pixels alone"
    assert not goes_much_farther([a_result(1)] * 9, one), "slices alone: 9 pixels for 8"
    assert not goes_much_farther([a_result(4, 0.5)] * 6, one), "six slices that are half sure count as three"
    assert not goes_much_farther([*one, a_result(0), a_result(0)], one), "empty slices are none"
    assert not goes_much_farther(one, []), "more than nothing is no opinion"


def test_the_second_opinion_is_the_same_pass_without_verification() -> None:
    run = a_pass()
    run.may_be_sent_on = False
    other = without_verification(run)
    assert run.verification is not None and other.verification is None and not other.may_be_sent_on
    assert (other.label, other.anchor_slice, other.step, other.grid) == (1, DRAWN, 1, run.grid)
    np.testing.assert_array_equal(other.drawn, run.drawn)


def test_a_structure_that_comes_to_look_otherwise_is_followed_and_the_user_is_told() -> None:
    anchor = Anchor(DRAWN, 1, disc())
    done = PropagationSession(stack(), VerifiedCopy()).propagate([anchor])
    assert done.masks[1].any(axis=(1, 2)).all()
    assert done.passes[1].reason is StopReason.END_OF_VOLUME
    assert done.notes == (
        "Label 1: verification stepped back, it would have deleted much of what was carried from there.",
    )
    np.testing.assert_array_equal(done.masks[1][DRAWN], disc())


def test_without_a_second_opinion_verification_ends_it() -> None:
    rules = replace(RULES, second_opinion=False)
    done = PropagationSession(stack(), VerifiedCopy(rules)).propagate([Anchor(DRAWN, 1, disc())])
    assert np.flatnonzero(done.masks[1].any(axis=(1, 2))).tolist() == [0, 1, 2, 3]
    assert done.passes[1].reason is StopReason.VERIFICATION and done.notes == ()


def test_a_pass_that_verification_leaves_in_peace_is_run_once() -> None:
    session = PropagationSession(stack(turns=SHAPE[0]), VerifiedCopy())
    assert session.propagate([Anchor(DRAWN, 1, disc())]).slices_propagated == SHAPE[0] - 1


def test_a_second_propagate_computes_nothing_and_gives_the_same() -> None:
    session, anchor = PropagationSession(stack(), VerifiedCopy()), Anchor(DRAWN, 1, disc())
    first, again = session.propagate([anchor]), session.propagate([anchor])
    assert again.slices_propagated == 0
    np.testing.assert_array_equal(again.masks[1], first.masks[1])


def test_whether_verification_is_believed_does_not_depend_on_the_calls_before() -> None:
    anchor, as_far = Anchor(DRAWN, 1, disc()), (0, TURNS)
    fresh = PropagationSession(stack(), VerifiedCopy()).propagate([anchor], slice_range=as_far)
    used = PropagationSession(stack(), VerifiedCopy())
    used.propagate([anchor])
    np.testing.assert_array_equal(used.propagate([anchor], slice_range=as_far).masks[1], fresh.masks[1])


def test_a_correction_leaves_the_other_way_as_it_was() -> None:
    anchor = Anchor(TURNS, 1, disc())
    session = PropagationSession(stack(), VerifiedCopy())
    before = session.propagate([anchor]).masks[1]
    after = session.propagate([anchor, Anchor(7, 1, disc())]).masks[1]
    np.testing.assert_array_equal(after[: TURNS + 1], before[: TURNS + 1])


def test_one_direction_asks_only_there() -> None:
    done = PropagationSession(stack(), VerifiedCopy()).propagate([Anchor(DRAWN, 1, disc())], direction=Direction.DOWN)
    assert done.slices_propagated == DRAWN and done.notes == ()
