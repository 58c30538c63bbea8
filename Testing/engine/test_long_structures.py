"""Long structures: vessels, cords and airways hold on, and end where they divide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine.refined_passes import SHAPE, RefinedCopy, a_pass, changing, disc, stack

from Sli2VolSlicerLib.engine.passes import Pass, SliceResult
from Sli2VolSlicerLib.engine.protocol import Region
from Sli2VolSlicerLib.engine.records import Anchor, SliceLimits, StopReason
from Sli2VolSlicerLib.engine.refinement.long_structures import forked_at, held_on
from Sli2VolSlicerLib.engine.refinement.view import BEYOND
from Sli2VolSlicerLib.engine.session import PropagationSession


@pytest.mark.parametrize(("between", "held"), [(6.5, 0), (7.0, 4)])
def test_a_pass_that_holds_on_for_two_and_a_half_widths_is_of_a_long_structure(between: float, held: int) -> None:
    run = a_pass(results=4, between=between)
    assert run.drawn_area == 109, "whose square root is 10.4"
    assert held_on(run, 7) == held
    assert len(changing(-8.0).refined(run, 7)) == held


def test_a_pass_holds_on_until_its_area_or_its_place_changes() -> None:
    shrunk, moved = a_pass(results=6, between=7.0), a_pass(results=6, between=7.0)
    shrunk.results[4] = replace(shrunk.results[4], soft=np.where(np.arange(SHAPE[2]) < 12, shrunk.results[4].soft, 0))
    moved.results[5] = replace(moved.results[5], soft=np.roll(moved.results[5].soft, 6, axis=1))
    assert [held_on(run, 7) for run in (shrunk, moved)] == [4, 5]


def test_what_a_pass_found_beyond_where_it_is_looked_at_does_not_make_it_long() -> None:
    begun, went_on = a_pass(results=3, between=7.0), a_pass(results=6, between=7.0)
    assert held_on(went_on, 6) == 6
    assert held_on(went_on, 3) == held_on(begun, 3) == 0


def legs(apart: int) -> np.ndarray:
    """What the disc divides into, bool (rows, columns): all of it but so many columns in its middle."""
    return disc() & (np.abs(np.arange(SHAPE[2]) - 16) >= apart)


def forked(whole: int, divided: int, between: float = 4.0, after: int = 0) -> tuple[Pass, np.ndarray]:
    """A pass, and what it found: the disc, then its legs, then the disc again; slices are `between` pixels apart."""
    masks = [disc()] * whole + [legs(2)] * divided + [disc()] * after
    return a_pass(results=0, between=between), np.stack(masks)


def fork_of(run: Pass, masks: np.ndarray, drawn: np.ndarray | None = None) -> int | None:
    return forked_at(run, disc() if drawn is None else drawn, masks)


def test_a_long_structure_ends_where_it_divides() -> None:
    assert fork_of(*forked(whole=4, divided=3)) == 4
    assert fork_of(*forked(whole=6, divided=3)) == 6


def test_a_structure_that_has_not_gone_far_may_fall_into_two() -> None:
    assert fork_of(*forked(whole=4, divided=3, between=3.9)) is None, "15.6 pixels are under 1.5 times 10.4"


def test_two_divided_slices_are_no_fork() -> None:
    assert fork_of(*forked(whole=4, divided=2, after=1)) is None
    assert fork_of(*forked(whole=4, divided=2)) is None


def test_what_was_drawn_in_two_parts_does_not_end_where_it_has_two() -> None:
    run, masks = forked(whole=4, divided=3)
    assert fork_of(run, masks, drawn=legs(2)) is None


def test_a_speck_beside_it_does_not_divide_a_structure() -> None:
    run, masks = forked(whole=8, divided=0)
    masks = masks.copy()
    masks[4:, 2:4, 2:4] = True
    assert fork_of(run, masks) is None


def test_what_has_jumped_before_it_divides_is_no_long_structure() -> None:
    run, masks = forked(whole=4, divided=3)
    masks = masks.copy()
    masks[2] = np.roll(masks[2], 8, axis=1)
    assert fork_of(run, masks) is None


def with_a_fork(run: Pass) -> Pass:
    """The pass, had it found legs from its fifth slice on."""
    whole, both = Region(0, SHAPE[1], 0, SHAPE[2]), legs(4).astype(np.float16)
    return replace(
        run, results=[*run.results[:4], *(replace(each, region=whole, soft=both) for each in run.results[4:])]
    )


def test_a_pass_over_a_fork_is_refined_up_to_it() -> None:
    run = with_a_fork(a_pass(results=7, between=4.0))
    refined = changing(0.0).refined(run, 7)
    assert [each.divides_beyond for each in refined] == [False] * 3 + [True]
    limited = changing(0.0).refined(run, 5)
    assert [each.divides_beyond for each in limited] == [False] * 5, "what lies beyond a limit changes nothing"


class _Forking:
    """Refinement of passes that find a fork."""

    beyond = BEYOND

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        return changing(0.0).refined(with_a_fork(run), length)


def test_a_pass_that_ends_at_a_fork_says_so_whatever_was_asked_in_between() -> None:
    session = PropagationSession(stack(4.0), RefinedCopy(_Forking()))
    for limits, last, why in [
        ({}, 4, StopReason.FORK),
        ({1: SliceLimits(last=5)}, 5, StopReason.RANGE),
        ({}, 4, StopReason.FORK),
    ]:
        upwards = session.propagate([Anchor(0, 1, disc())], limits=limits).passes[-1]
        assert (upwards.last_slice, upwards.reason) == (last, why)
