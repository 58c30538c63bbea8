"""Known ends: passes of learned kinds end where the network says, all others where they did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.ends.known_ends import EndedRefinement, KnownEnds, most_likely_end
from Sli2VolSlicerLib.engine.ends.network import MAPS, MEASURES, EndNetwork, EndOpinion, EndSettings
from Sli2VolSlicerLib.engine.ends.view import SIDE, Frame, Handling, maps_of, measures_of
from Sli2VolSlicerLib.engine.errors import MethodError, WeightsError
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.methods.copy_mask import CopyMask
from Sli2VolSlicerLib.engine.passes import Pass, SliceResult, begin_pass, relay
from Sli2VolSlicerLib.engine.protocol import PassRules, Refinement, Region
from Sli2VolSlicerLib.engine.records import Anchor, StopReason
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.weights_file import load_ends, save_network
from Sli2VolSlicerLib.engine.working_grid import WorkingGrid
from Sli2VolSlicerLib.weights import find_weights

SHAPE = (10, 30, 34)
SETTINGS = EndSettings((4, 4, 4, 4), kinds=("head 1", "head 2"), known=("head 1",))


def disc() -> np.ndarray:
    row, column = np.mgrid[: SHAPE[1], : SHAPE[2]]
    return (row - 14) ** 2 + (column - 16) ** 2 < 36


def stack() -> SliceStack:
    noise = np.random.default_rng(0).normal(0, 0.05, SHAPE)
    return SliceStack((np.where(disc(), 1.0, 0.2) + noise).astype(np.float32))


def a_pass(anchor: int = 2, results: int = 0) -> Pass:
    run = begin_pass(WorkingGrid(stack(), 1.0), PassRules(), 1, anchor, 1, disc())
    whole = Region(0, SHAPE[1], 0, SHAPE[2])
    run.results.extend(SliceResult(whole, disc().astype(np.float16), 0.8, 0.1) for _ in range(results))
    return run


class Saying(EndNetwork):
    """A network that says what it is told to: there up to some distance, of one kind."""

    def __init__(self, there: int, kind: int) -> None:
        super().__init__(SETTINGS)
        self._there, self._kind = there, kind

    def forward(self, maps: torch.Tensor, measures: torch.Tensor) -> EndOpinion:
        assert maps.shape[1:] == (MAPS, SIDE, SIDE)
        away = measures[:, 3] * 100
        kinds = torch.zeros(len(maps), 3)
        kinds[:, self._kind] = 9
        return EndOpinion(torch.where(away < self._there + 0.5, 4.0, -4.0), torch.zeros(len(maps)), kinds)


class AsFound:
    """A refinement that leaves a pass as it is."""

    beyond = 0

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        return run.results[:length]


class EndedCopy(CopyMask):
    """Copies the mask, and knows ends."""

    def __init__(self, there: int, kind: int) -> None:
        self._ends = KnownEnds(Saying(there, kind))

    @property
    def refinement(self) -> Refinement:
        return EndedRefinement(AsFound(), self._ends)


@given(st.integers(0, 12), st.integers(0, 12))
def test_the_most_likely_end_is_where_being_there_turns_to_being_gone(there: int, gone: int) -> None:
    assert most_likely_end(np.repeat([2.0, -2.0], [there, gone])) == there


def test_one_doubtful_slice_within_is_passed_over() -> None:
    assert most_likely_end(np.array([3.0, -1.0, 3.0, 3.0, -3.0])) == 4


@pytest.mark.parametrize(("kind", "end"), [(0, 3), (1, None), (2, None)])
def test_an_end_is_known_of_known_kinds_only(kind: int, end: int | None) -> None:
    assert KnownEnds(Saying(3, kind)).end_of(a_pass()) == end


def test_a_structure_may_be_known_to_go_on_to_the_volumes_end() -> None:
    assert KnownEnds(Saying(50, 0)).end_of(a_pass(anchor=2)) == 7
    assert KnownEnds(Saying(50, 0)).end_of(a_pass(anchor=9)) is None


def test_passes_end_at_a_known_end_and_say_so() -> None:
    drawn = Anchor(4, 1, disc())
    propagation = PropagationSession(stack(), EndedCopy(2, 0)).propagate([drawn])
    assert np.flatnonzero(propagation.masks[1].any(axis=(1, 2))).tolist() == [2, 3, 4, 5, 6]
    assert {each.reason for each in propagation.passes} == {StopReason.KNOWN_END}
    assert (propagation.masks[1][4] == disc()).all()


def test_passes_of_other_kinds_end_where_they_did() -> None:
    drawn = [Anchor(4, 1, disc())]
    by_itself = PropagationSession(stack(), CopyMask()).propagate(drawn)
    with_ends = PropagationSession(stack(), EndedCopy(2, 2)).propagate(drawn)
    assert (by_itself.masks[1] == with_ends.masks[1]).all()


def test_between_two_drawn_slices_no_end_is_asked_for() -> None:
    drawn = [Anchor(index, 1, disc()) for index in (1, 8)]
    propagation = PropagationSession(stack(), EndedCopy(1, 0)).propagate(drawn)
    assert np.flatnonzero(propagation.masks[1].any(axis=(1, 2))).tolist() == list(range(10))


def test_a_pass_that_stopped_before_its_known_end_follows_whatever_is_drawn() -> None:
    def stopped() -> Pass:
        run = a_pass(results=3)
        run.stopped, run.doubted_at, run.doubt = StopReason.CONFIDENCE, 1, StopReason.CONFIDENCE
        return run

    assert not relay(stopped(), stopped().results)
    going_on = stopped()
    going_on.known_end = 6
    assert relay(going_on, stopped().results)
    assert going_on.next_slice == 2 + 4


def test_the_view_has_what_was_drawn_in_its_middle_and_can_be_turned() -> None:
    drawn = disc()
    image, mask = torch.rand(SHAPE[1:]), torch.from_numpy(drawn.astype(np.float32))
    frame = Frame.around(drawn)
    assert (frame.row, frame.column) == (14.5, 16.5)
    maps = maps_of(frame, image, mask, image[None].repeat(2, 1, 1))
    assert maps.shape == (2, MAPS, SIDE, SIDE)
    assert torch.equal(maps[:, 0], maps[:, 2])
    row, column = (float((maps[0, 1].clamp(0, 1) * place).sum() / maps[0, 1].clamp(0, 1).sum()) for place in centres())
    assert (row, column) == pytest.approx((31.5, 31.5), abs=0.3)
    shifted = maps_of(frame, image, mask, image[None], Handling(shift=(0.1, 0.0)))
    assert float(shifted[0, 1].clamp(0, 1)[32:].sum()) < float(shifted[0, 1].clamp(0, 1)[:32].sum())


def centres() -> tuple[torch.Tensor, torch.Tensor]:
    line = torch.arange(SIDE, dtype=torch.float32)
    return line[:, None].expand(SIDE, SIDE), line[None].expand(SIDE, SIDE)


def test_distances_are_told_in_structure_sizes_and_in_millimetres() -> None:
    measures = measures_of(np.array([1, 4]), (5.0, 2.0, 2.0), 100.0)
    assert measures.shape == (2, MEASURES)
    torch.testing.assert_close(measures[:, 0], torch.tensor([0.125, 0.5]))
    torch.testing.assert_close(measures[:, 3], torch.tensor([0.05, 0.2]))


def test_weights_are_written_and_read_with_their_kinds(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = EndNetwork(SETTINGS)
    save_network(network, tmp_path / "e.safetensors", {})
    kept = load_ends(tmp_path / "e.safetensors")
    assert kept.settings == SETTINGS
    maps, measures = torch.rand(2, MAPS, SIDE, SIDE), torch.rand(2, MEASURES)
    with torch.inference_mode():
        torch.testing.assert_close(kept(maps, measures).kind, network.eval()(maps, measures).kind, atol=1e-2, rtol=1e-2)
    with pytest.raises(WeightsError, match="sli2vol train-ends"):
        load_ends(find_weights("sli2vol"))


def test_known_ends_serve_refined_passes_alone() -> None:
    weights, refinement = find_weights("sli2vol"), find_weights("sli2vol-refinement")
    for name, refined in (("sli2vol", None), ("copy", None)):
        with pytest.raises(MethodError, match="Known ends"):
            create_method(name, weights, "cpu", refinement=refined, ends=weights)
    with pytest.raises(WeightsError, match="sli2vol-ends-1"):
        create_method("sli2vol", weights, "cpu", refinement=refinement, ends=refinement)


def test_a_network_that_knows_nothing_is_not_asked() -> None:
    nothing = EndNetwork(replace(SETTINGS, known=()))
    assert KnownEnds(nothing).end_of(a_pass()) is None
