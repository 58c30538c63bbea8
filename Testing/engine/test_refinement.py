"""Refinement: a pass looked at as a whole, mended, extended or cut short; drawn slices never."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from engine.refined_passes import SHAPE, SMALL, RefinedCopy, a_pass, changing, disc, stack
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.errors import MethodError, WeightsError
from Sli2VolSlicerLib.engine.expected_dice import Journey, RefinedSlice
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.methods.copy_mask import CopyMask
from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS, CorrespondenceNetwork
from Sli2VolSlicerLib.engine.passes import relay
from Sli2VolSlicerLib.engine.protocol import PassRules
from Sli2VolSlicerLib.engine.records import Anchor, SliceLimits, StopReason
from Sli2VolSlicerLib.engine.refinement.network import (
    MAPS,
    MEASURES,
    AnchorAttention,
    RefinementNetwork,
    RefinementSettings,
)
from Sli2VolSlicerLib.engine.refinement.network_refinement import NetworkRefinement, looked_at_again
from Sli2VolSlicerLib.engine.refinement.view import BEYOND, view_of
from Sli2VolSlicerLib.engine.refinement.window import SIDE, SquareWindow
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.weights_file import load_refinement, save_network


@settings(max_examples=40, deadline=None)
@given(
    top=st.integers(-30, 40), left=st.integers(-30, 40), side=st.sampled_from([24, 32, 64, 96]), level=st.floats(0, 1)
)
def test_what_is_cut_comes_back_where_it_was(top: int, left: int, side: int, level: float) -> None:
    window = SquareWindow(top, left, side)
    rows, columns = window.on((40, 44))
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return
    back = window.paste(window.cut([np.full((40, 44), level, np.float32)]), (40, 44))
    assert back.shape == (1, rows.stop - rows.start, columns.stop - columns.start)
    # Beyond the slice there is nothing, and it bleeds in over a few pixels of the view.
    np.testing.assert_allclose(back[0, 4:-4, 4:-4], level, atol=1e-5)


def test_a_window_holds_the_structure_with_room_around_it() -> None:
    mask = np.zeros((100, 100), bool)
    mask[40:70, 20:40] = True
    window = SquareWindow.around(mask)
    assert window.side == round(1.3 * 30) + 10
    assert window.top <= 40 - 9 and window.top + window.side >= 70 + 9


def test_a_view_shows_the_anchor_the_pass_and_a_few_empty_slices_beyond() -> None:
    view = view_of(a_pass(results=3, anchor=2), length=9)
    assert view is not None
    assert view.slices == (2, 3, 4, 5, 6, 7, 8)
    assert view.soft.shape == (1 + 3 + BEYOND, SIDE, SIDE)
    assert (view.soft[:4].amax(dim=(1, 2)) == 1).all() and not view.soft[4:].any()
    assert view.measures[:, 7].tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert view.maps().shape == (1, MAPS, 7, SIDE, SIDE)


def test_a_view_ends_with_the_room_that_the_pass_has_and_with_the_volume() -> None:
    run = a_pass(results=3, anchor=2)
    assert [len(v.slices) for v in (view_of(run, length) for length in (1, 3, 4)) if v is not None] == [2, 4, 5]
    last = view_of(a_pass(results=3, anchor=6), length=99)
    assert last is not None and last.slices == (6, 7, 8, 9)
    assert view_of(a_pass(results=0, anchor=9), length=99) is None


def test_slices_after_a_stop_rule_spoke_are_marked() -> None:
    run = a_pass(results=4)
    run.doubted_at = 2
    view = view_of(run, length=4)
    assert view is not None and view.measures[:, 6].tolist() == [0, 0, 0, 1, 1]


def test_the_network_gives_a_change_per_pixel_and_two_verdicts_per_slice() -> None:
    change, verdicts = RefinementNetwork(SMALL)(torch.zeros(2, MAPS, 5, SIDE, SIDE), torch.zeros(2, 5, MEASURES))
    assert change.shape == (2, 5, SIDE, SIDE) and verdicts.shape == (2, 5, 2)
    assert not change.any(), "untrained it changes nothing"


def test_no_change_leaves_the_masks_and_a_change_moves_the_end() -> None:
    run = a_pass(results=4)
    kept = changing(0.0).refined(run, 7)
    assert len(kept) == 4
    for result in kept:
        np.testing.assert_array_equal(result.placed(SHAPE[1:]) > 0.5, disc())
    assert changing(-8.0).refined(run, 7) == []
    assert len(changing(8.0).refined(run, 7)) == 7, "beyond the pass's last slice"
    assert len(run.results) == 4, "the pass stands as it was"


def test_the_next_look_begins_from_what_was_mended_and_from_the_slice_as_drawn() -> None:
    soft = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    again = looked_at_again(soft, torch.full_like(soft, 2.0))
    assert torch.equal(again[:, 0], soft[:, 0])
    torch.testing.assert_close(again[:, 1:], torch.full((1, 2, 4, 4), 2.0).sigmoid())
    assert not looked_at_again(soft, torch.full_like(soft, -5.0))[:, 1:].any(), "what is as good as nothing is nothing"


def test_the_expected_dice_falls_with_what_the_pass_lost_and_where_refinement_disagrees() -> None:
    good = RefinedSlice(0.9, 1.0, 0.99)
    journey = Journey(0.9, 0.1)
    assert good.expected_dice(journey) > replace(good, area_share=0.3).expected_dice(journey)
    assert good.expected_dice(journey) > replace(good, agreement=0.3).expected_dice(journey)
    assert good.expected_dice(journey) > replace(good, verdict=0.2).expected_dice(journey)
    assert 0 < replace(good, verdict=0.0, area_share=0.01).expected_dice(journey) < 1


@pytest.mark.parametrize("by", [-8.0, 0.0, 8.0])
def test_drawn_slices_come_back_bit_for_bit_whatever_refinement_says(by: float) -> None:
    drawn = disc() ^ (np.random.default_rng(1).random(SHAPE[1:]) > 0.9)
    anchors = [Anchor(2, 1, drawn), Anchor(6, 1, disc()), Anchor(8, 1, np.zeros_like(drawn))]
    result = PropagationSession(stack(), RefinedCopy(changing(by))).propagate(anchors)
    for anchor in anchors:
        np.testing.assert_array_equal(result.masks[1][anchor.slice_index], anchor.mask)
    assert not result.masks[1][9].any(), "nothing beyond where the user said that it ends"


def test_a_pass_that_refinement_cuts_short_says_so() -> None:
    result = PropagationSession(stack(), RefinedCopy(changing(-8.0))).propagate([Anchor(4, 1, disc())])
    assert np.flatnonzero(result.masks[1].any(axis=(1, 2))).tolist() == [4]
    assert {p.reason for p in result.passes} == {StopReason.REFINEMENT}
    assert [p.last_slice for p in result.passes] == [4, 4]


def test_refinement_looks_at_a_pass_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refinement = changing(0.0)
    looks: list[int] = []
    plain = refinement.refined
    monkeypatch.setattr(refinement, "refined", lambda run, length: looks.append(length) or plain(run, length))
    session = PropagationSession(stack(), RefinedCopy(refinement))
    session.propagate([Anchor(4, 1, disc())])
    session.propagate([Anchor(4, 1, disc())])
    assert sorted(looks) == [4, 5]
    session.propagate([Anchor(4, 1, disc()), Anchor(7, 1, disc())])
    assert looks[2:] == [2], "only the new anchor's pass outwards: between two drawn slices passes check each other"


def test_a_pass_that_stopped_near_the_end_of_the_volume_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refinement = changing(0.0)
    looks: list[int] = []
    plain = refinement.refined
    monkeypatch.setattr(refinement, "refined", lambda run, length: looks.append(length) or plain(run, length))
    session = PropagationSession(stack(), _Shrinking(True, refinement))
    session.propagate([Anchor(4, 1, disc())])
    before = len(looks)
    session.propagate([Anchor(4, 1, disc())])
    assert len(looks) == before


def test_towards_an_empty_anchor_a_pass_is_refined_for_its_end_is_not_drawn() -> None:
    session = PropagationSession(stack(), RefinedCopy(changing(-8.0)))
    result = session.propagate([Anchor(4, 1, disc()), Anchor(8, 1, np.zeros(SHAPE[1:], bool))])
    assert np.flatnonzero(result.masks[1].any(axis=(1, 2))).tolist() == [4]


def test_between_drawn_slices_a_pass_that_nothing_refines_ends_with_its_stop_rule() -> None:
    session = PropagationSession(stack(), _Shrinking(True))
    assert session.propagate([Anchor(0, 1, disc()), Anchor(9, 1, disc())]).slices_propagated == 2
    assert session.propagate([Anchor(0, 1, disc())]).slices_propagated == 3, "overtime, once it is asked for"


def test_where_passes_end_before_they_meet_refinement_closes_the_gap() -> None:
    ends = [Anchor(0, 1, disc()), Anchor(9, 1, disc())]
    result = PropagationSession(stack(), _Shrinking(True, changing(8.0))).propagate(ends)
    assert result.masks[1].any(axis=(1, 2)).all()
    for anchor in ends:
        np.testing.assert_array_equal(result.masks[1][anchor.slice_index], anchor.mask)


def test_a_closed_gap_does_not_depend_on_the_calls_before() -> None:
    ends, more = [Anchor(0, 1, disc()), Anchor(9, 1, disc())], Anchor(4, 1, disc())
    fresh, used = (PropagationSession(stack(), _Shrinking(True, changing(2.0))) for _ in range(2))
    for anchors in (ends[:1], ends[1:], [*ends, more]):
        used.propagate(anchors)
    np.testing.assert_array_equal(used.propagate(ends).masks[1], fresh.propagate(ends).masks[1])


@pytest.mark.parametrize("last", range(1, 9))
def test_what_a_pass_is_up_to_a_limit_does_not_depend_on_how_far_it_went_before(last: int) -> None:
    anchors = [Anchor(0, 1, disc())]
    fresh, used = (PropagationSession(stack(), _Shrinking(True, changing(2.0))) for _ in range(2))
    used.propagate(anchors)
    again, once = (each.propagate(anchors, limits={1: SliceLimits(0, last)}) for each in (used, fresh))
    np.testing.assert_array_equal(again.masks[1], once.masks[1])
    np.testing.assert_array_equal(again.slice_confidence[1], once.slice_confidence[1])
    assert again.passes == once.passes


def test_passes_that_meet_are_left_as_they_come() -> None:
    session = PropagationSession(stack(), RefinedCopy(changing(-8.0)))
    result = session.propagate([Anchor(0, 1, disc()), Anchor(9, 1, disc())])
    assert (result.masks[1] == disc()).all()


def test_a_stop_rule_is_a_first_opinion_where_passes_run_into_overtime() -> None:
    plain, overtime = (
        PropagationSession(stack(), method).propagate([Anchor(4, 1, disc())])
        for method in (_Shrinking(False), _Shrinking(True))
    )
    assert [p.last_slice for p in plain.passes] == [4, 4]
    assert {p.reason for p in plain.passes} == {StopReason.AREA}
    assert [p.last_slice for p in overtime.passes] == [0, 8], "4 slices more, at least"


def test_a_pass_that_was_sure_keeps_its_slices_until_a_stop_rule_spoke() -> None:
    run = a_pass(results=4, confidence=0.95)
    assert len(changing(-8.0, sure=0.9).refined(run, 7)) == 4
    run.doubted_at = 2
    assert len(changing(-8.0, sure=0.9).refined(run, 7)) == 2


@pytest.mark.parametrize(("by", "last"), [(8.0, 9), (-8.0, 0)])
def test_a_pass_is_sent_on_while_refinement_sees_the_structure(by: float, last: int) -> None:
    result = PropagationSession(stack(), _Shrinking(True, changing(by))).propagate([Anchor(0, 1, disc())])
    assert [p.last_slice for p in result.passes] == [0, last]


def test_a_pass_that_lost_the_structure_begins_again_before_it_dwindled() -> None:
    run = a_pass(results=4)
    run.stopped = StopReason.EMPTY
    dwindled = np.zeros(SHAPE[1:], np.float16)
    dwindled[14, 14:18] = 1
    run.results[2:] = [replace(run.results[0], soft=dwindled) for _ in range(2)]
    lost = list(run.results)
    found = [replace(result, soft=disc().astype(np.float16), expected_dice=0.25) for result in run.results]
    assert relay(run, found)
    assert run.stopped is None and run.results == [*lost[:2], *found[2:4]]
    assert run.undoubted == lost, "what the pass said by itself is kept"


def test_a_pass_that_ended_by_a_rule_without_overtime_is_not_sent_on() -> None:
    run = a_pass(results=4)
    run.stopped = StopReason.JUMP
    assert not relay(run, list(run.results))


def test_a_pass_is_not_sent_on_from_a_slice_that_promises_little() -> None:
    run = a_pass(results=4)
    run.doubted_at, run.doubt, run.stopped = 1, StopReason.AREA, StopReason.AREA
    poor = [replace(result, expected_dice=0.2) for result in run.results]
    assert not relay(run, poor) and len(run.results) == 4


def test_what_a_pass_has_become_does_not_depend_on_the_calls_before() -> None:
    first, empty = Anchor(1, 1, disc()), Anchor(5, 1, np.zeros(SHAPE[1:], bool))
    fresh, used = (PropagationSession(stack(), _Shrinking(True, changing(2.0))) for _ in range(2))
    used.propagate([first, empty])
    used.propagate([first, Anchor(7, 1, disc())])
    np.testing.assert_array_equal(used.propagate([first]).masks[1], fresh.propagate([first]).masks[1])
    between = [first, Anchor(7, 1, disc())]
    new = PropagationSession(stack(), _Shrinking(True, changing(2.0)))
    np.testing.assert_array_equal(used.propagate(between).masks[1], new.propagate(between).masks[1])


class _Shrinking(CopyMask):
    """Every slice falls under the stop rule for the area."""

    def __init__(self, has_overtime: bool, refinement: NetworkRefinement | None = None) -> None:
        self._rules = PassRules(least_area=1.5, overtime=has_overtime)
        self._refinement = refinement

    @property
    def refinement(self) -> NetworkRefinement | None:
        return self._refinement

    @property
    def rules(self) -> PassRules:
        return self._rules


def test_every_slice_is_compared_with_the_drawn_one_and_with_no_other() -> None:
    torch.manual_seed(0)
    attention = AnchorAttention(channels=4, heads=2)
    attention.norm = torch.nn.Identity()  # type: ignore[assignment] # it would spread a change over all slices
    torch.nn.init.normal_(attention.added.weight)
    seen = torch.randn(1, 4, 6, 8, 8)
    for changed, has_changed in ((0, [True] * 6), (3, [False, False, False, True, False, False])):
        other = seen.clone()
        other[:, :, changed] += 1
        by_slice = (attention(seen) - attention(other)).abs().amax((0, 1, 3, 4))
        assert (by_slice > 1e-4).tolist() == has_changed


@pytest.mark.parametrize("settings", [SMALL, SMALL.deeper()])
def test_refinement_weights_are_written_and_read(tmp_path: Path, settings: RefinementSettings) -> None:
    network = RefinementNetwork(settings)
    save_network(network, tmp_path / "r.safetensors", {"date": "today"}, half=False)
    again = load_refinement(tmp_path / "r.safetensors")
    assert again.settings == settings
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])


def test_weights_of_the_other_kind_are_refused_by_name(tmp_path: Path) -> None:
    save_network(CorrespondenceNetwork(DEFAULT_SETTINGS), tmp_path / "c.safetensors", {})
    with pytest.raises(WeightsError, match="sli2vol-correspondence-1"):
        load_refinement(tmp_path / "c.safetensors")
    with pytest.raises(MethodError, match="'copy' is not refined"):
        create_method("copy", refinement=tmp_path / "c.safetensors")


def test_from_a_slice_near_an_end_a_pass_is_not_sent_on() -> None:
    small = np.zeros(SHAPE[1:], bool)
    small[12:16, 14:18] = True
    session = PropagationSession(stack(), _Shrinking(True, changing(8.0)))
    alone, beside = (
        session.propagate([*more, Anchor(1, 1, small)]).passes[-1].last_slice for more in ((), (Anchor(0, 1, disc()),))
    )
    assert (alone, beside) == (9, 8), "its overtime and what refinement sees beyond, and no farther"
