"""One method of several for every pass, chosen on its drawn slice and never changed by what is drawn elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.choosing import reproduction
from Sli2VolSlicerLib.engine.errors import MethodError, PropagationCancelled, WeightsError
from Sli2VolSlicerLib.engine.methods import DEFAULT_RULES, create_method
from Sli2VolSlicerLib.engine.methods.auto import Auto
from Sli2VolSlicerLib.engine.methods.copy_mask import CopyMask
from Sli2VolSlicerLib.engine.methods.optical_flow import OpticalFlow
from Sli2VolSlicerLib.engine.methods.plain import PlainMethod
from Sli2VolSlicerLib.engine.passes import Pass, SliceResult
from Sli2VolSlicerLib.engine.protocol import CarryingMethod, PassRules, Reference, Refinement, Region, SliceSource
from Sli2VolSlicerLib.engine.records import Anchor, Propagation
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.working_grid import WorkingGrid
from Sli2VolSlicerLib.weights import find_weights

SHAPE = (11, 24, 24)


class Shifting(PlainMethod):
    """Moves masks by so many pixels with every step, wherever it goes, if the slice that it leaves says so."""

    def __init__(self, name: str, by: int, only_from: Sequence[int] = tuple(range(11))) -> None:
        self._name, self._by, self._only_from = name, by, only_from
        self.asked: list[tuple[int, int]] = []

    @property
    def name(self) -> str:
        return self._name

    def open(self, source: SliceSource) -> Shifting:
        return self

    def carry(
        self, references: Sequence[Reference], target: int, region: Region, *, rehearse: bool = False
    ) -> np.ndarray:
        self.asked.append((references[0].slice_index, target))
        by = self._by if references[0].slice_index in self._only_from else 0
        return np.roll(references[0].soft, by, axis=2)[(slice(None), *region.slices)].astype(np.float32)


def square(column: int = 8) -> np.ndarray:
    mask = np.zeros(SHAPE[1:], bool)
    mask[8:16, column : column + 8] = True
    return mask


def stack() -> SliceStack:
    return SliceStack(np.random.default_rng(0).random(SHAPE).astype(np.float32))


def session(*candidates: CarryingMethod, lead: float = 0.0) -> PropagationSession:
    return PropagationSession(stack(), Auto(candidates, lead))


def test_out_and_back_is_measured_on_the_drawn_slice() -> None:
    grid, anchor = WorkingGrid(stack(), 1.0), Anchor(5, 1, square())
    for by, expected in ((0, 1.0), (1, 0.75), (2, 0.5), (4, 0.0)):
        method = Shifting("shifting", by)
        assert reproduction(method, grid, method, anchor, 1) == expected
        assert method.asked == [(5, 6), (6, 5)]


def test_what_carries_alike_is_not_told_apart_by_its_refinement() -> None:
    class Knowing(Shifting):
        """Its refinement lets no pass go anywhere."""

        beyond = 0

        @property
        def refinement(self) -> Refinement:
            return self

        def refined(self, run: Pass, length: int) -> list[SliceResult]:
            return []

    result = session(Knowing("refined", 1), Shifting("plain", 1)).propagate([Anchor(5, 1, square())])
    assert "refined (0.75; plain 0.75)" in result.notes[0]
    assert not result.masks[1][6].any()


def test_a_mask_that_is_lost_on_the_way_is_not_reproduced() -> None:
    class Losing(Shifting):
        def carry(
            self, references: Sequence[Reference], target: int, region: Region, *, rehearse: bool = False
        ) -> np.ndarray:
            return np.zeros((len(references[0].soft), *region.shape), np.float32)

    grid, method = WorkingGrid(stack(), 1.0), Losing("losing", 0)
    assert reproduction(method, grid, method, Anchor(5, 1, square()), 1) == 0.0


def test_where_there_is_no_slice_to_go_to_nothing_is_reproduced() -> None:
    grid, method = WorkingGrid(stack(), 1.0), Shifting("shifting", 0)
    assert reproduction(method, grid, method, Anchor(10, 1, square()), 1) == 0.0
    assert method.asked == []


def test_a_pass_is_run_by_what_reproduces_its_drawn_slice_best_and_the_user_is_told() -> None:
    result = session(Shifting("worse", 2), Shifting("better", 1)).propagate([Anchor(9, 1, square())])
    assert result.masks[1][8].nonzero()[1].min() == 9
    words = "better (0.75; worse 0.50)"
    assert result.notes == (
        f"Label 1, Dice of the drawn slice after one slice out and back: from slice 9 down by {words}, slice 9 up by "
        f"{words}.",
    )


def test_ties_and_small_leads_go_to_the_first() -> None:
    first, second, better = Shifting("first", 1), Shifting("second", 1), Shifting("better", 0)
    assert Auto([first, second], 0.0).choose({"first": 0.75, "second": 0.75}) is first
    assert Auto([first, better], 0.25).choose({"first": 0.75, "better": 1.0}) is first
    assert Auto([first, better], 0.25).choose({"first": 0.74, "better": 1.0}) is better
    assert Auto([first, better, second], 0.0).choose({"first": 0.5, "better": 1.0, "second": 1.0}) is better


def test_each_direction_has_a_choice_of_its_own() -> None:
    # Upwards from slice 5 the first moves the mask, downwards it does not.
    result = session(Shifting("first", 4, only_from=(6,)), Shifting("second", 1)).propagate([Anchor(5, 1, square())])
    (note,) = result.notes
    assert "from slice 5 down by first (1.00; second 0.75), slice 5 up by second (0.75; first 0.50)" in note


def test_a_correction_changes_no_choice_and_nothing_beyond_its_neighbours() -> None:
    candidates = Shifting("first", 1, only_from=(2, 3)), Shifting("second", 2)
    anchors = [Anchor(2, 1, square()), Anchor(6, 1, square())]
    alone = session(*candidates).propagate(anchors)
    corrected = session(*candidates).propagate([*anchors, Anchor(9, 1, square(4))])
    np.testing.assert_array_equal(corrected.masks[1][:7], alone.masks[1][:7])
    told, again = alone.notes[0].rstrip("."), corrected.notes[0]
    assert again.startswith(told + ", slice 9 down")


def blob() -> np.ndarray:
    """A ball with a dent, bool, of the volume's shape."""
    depth, row, column = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    ball: np.ndarray = (row - 12) ** 2 + (column - 12) ** 2 < 64 - 2 * (depth - 5) ** 2
    return ball & ~((row > 14) & (column > 14))


def real(*anchors: int, alone: bool = False) -> Propagation:
    """Real carrying on the ball, from some of its slices: by the network, and by optical flow as well."""
    truth = blob()
    volume = np.where(truth, 1.0, 0.3) + np.random.default_rng(2).normal(0, 0.1, SHAPE)
    network = create_method("sli2vol-unrefined", find_weights("sli2vol"), device="cpu")
    assert isinstance(network, CarryingMethod)
    method = network if alone else Auto([network, OpticalFlow(DEFAULT_RULES)], 1.0 if len(anchors) == 1 else 0.0)
    propagate = PropagationSession(SliceStack(volume.astype(np.float32)), method)
    return propagate.propagate([Anchor(index, 1, truth[index]) for index in anchors])


def test_where_the_first_is_chosen_all_is_as_by_the_first_alone() -> None:
    chosen, alone = real(5), real(5, alone=True)
    np.testing.assert_array_equal(chosen.masks[1], alone.masks[1])
    np.testing.assert_array_equal(chosen.doubt, alone.doubt)
    assert chosen.passes == alone.passes
    assert chosen.masks[1][4].any()


def test_of_real_methods_a_correction_changes_nothing_beyond_its_neighbours_either() -> None:
    before, after = real(2, 6), real(2, 6, 8)
    np.testing.assert_array_equal(after.masks[1][:7], before.masks[1][:7])
    np.testing.assert_array_equal(after.doubt[:7], before.doubt[:7])


def test_a_choice_once_made_is_not_measured_again() -> None:
    first, second = Shifting("first", 1), Shifting("second", 2)
    propagate = session(first, second)
    propagate.propagate([Anchor(5, 1, square())])
    first.asked.clear()
    second.asked.clear()
    propagate.propagate([Anchor(5, 1, square())])
    assert (first.asked, second.asked) == ([], [])


def test_a_session_from_scratch_chooses_as_one_that_grew() -> None:
    candidates = Shifting("first", 1, only_from=(2, 3, 7)), Shifting("second", 2)
    anchors = [Anchor(2, 1, square()), Anchor(7, 1, square(5))]
    grown = session(*candidates)
    grown.propagate(anchors[:1])
    assert grown.propagate(anchors).notes == session(*candidates).propagate(anchors).notes


def test_choosing_can_be_cancelled() -> None:
    with pytest.raises(PropagationCancelled, match="while choosing"):
        session(Shifting("first", 1)).propagate([Anchor(5, 1, square())], is_cancelled=lambda: True)


def test_an_empty_slice_has_no_passes_and_no_choice() -> None:
    empty = Anchor(8, 1, np.zeros(SHAPE[1:], bool))
    (note,) = session(Shifting("first", 1)).propagate([Anchor(5, 1, square()), empty]).notes
    assert "slice 8" not in note


def test_a_rehearsed_correction_gives_what_an_unrehearsed_one_gives() -> None:
    candidates = Shifting("first", 1, only_from=(2, 3)), Shifting("second", 2)
    anchors, correction = [Anchor(2, 1, square())], Anchor(6, 1, square(6))
    rehearsed = session(*candidates)
    rehearsed.rehearse(rehearsed.propagate(anchors), anchors, 6)
    made = rehearsed.propagate([*anchors, correction])
    np.testing.assert_array_equal(made.masks[1], session(*candidates).propagate([*anchors, correction]).masks[1])


def test_optical_flow_goes_by_the_rules_it_is_given() -> None:
    assert OpticalFlow().rules == PassRules()
    assert OpticalFlow(DEFAULT_RULES).rules == DEFAULT_RULES


def test_candidates_need_names_of_their_own() -> None:
    with pytest.raises(MethodError, match="got copy, copy"):
        Auto([CopyMask(), CopyMask()])
    with pytest.raises(MethodError, match="got none"):
        Auto([])


def test_auto_is_made_by_name_and_takes_the_default_s_weights() -> None:
    with pytest.raises(WeightsError, match="needs a weights file"):
        create_method("auto", device="cpu")
