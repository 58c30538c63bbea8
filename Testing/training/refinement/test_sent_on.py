"""The second round: passes sent on when they stop, by the engine's own rule, from refined masks or from the truth's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy import ndimage
from training.refinement.toy import TUBE_SHAPE, tube

from Sli2VolSlicerLib.engine.errors import MethodError
from Sli2VolSlicerLib.engine.methods.copy_mask import CopyMask
from Sli2VolSlicerLib.engine.passes import PRESENT, Pass, SliceResult, relay
from Sli2VolSlicerLib.engine.protocol import Carrier, PassRules, Reference, Refinement, Region, SliceSource
from Sli2VolSlicerLib.engine.records import Anchor, Direction, StopReason
from Sli2VolSlicerLib.engine.refinement.network_refinement import _NO_JOURNEY
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.training.refinement import (
    ExampleSettings,
    PassExample,
    SendingOn,
    pass_examples,
    sent_on_examples,
)
from Sli2VolSlicerLib.training.refinement.sent_on import UNREACHED, Sender, blended, drawn_towards, some_of, stages_of
from Sli2VolSlicerLib.training.refinement.starts import Seen

ANCHOR = 3
ALONG = ExampleSettings(anchors=2, least_anchors=2, across_chance=0.0, grown=0, tracked=0, across=0.0)
NEVER_BY_TRUTH = SendingOn(by_truth=0.0, by_truth_at_last=0.0)
ALWAYS_BY_TRUTH = SendingOn(by_truth=1.0)


class Blind:
    """A refinement that sees nothing."""

    beyond = 3

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        return []


class Seeing(Blind):
    """A refinement that sees the tube on the slices up to one."""

    def __init__(self, up_to: int = TUBE_SHAPE[0]) -> None:
        self._up_to = up_to

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        whole = Region(0, TUBE_SHAPE[1], 0, TUBE_SHAPE[2])
        numbers = [run.anchor_slice + run.step * (position + 1) for position in range(len(run.results) + self.beyond)]
        seen = [truth()[index] for index in numbers[:length] if index < self._up_to]
        return [SliceResult(whole, mask.astype(np.float16), 0.9, 0.9) for mask in seen]


class Fading(CopyMask):
    """Carries masks that shrink from slice to slice until they are gone; a rule for the area speaks on the way."""

    def __init__(self, refinement: Refinement | None) -> None:
        self._refinement = refinement

    @property
    def refinement(self) -> Refinement | None:
        return self._refinement

    @property
    def rules(self) -> PassRules:
        return PassRules(soft=True, least_area=0.6, overtime=True)

    def open(self, source: SliceSource) -> Carrier:
        return _FadingCarrier()


class _FadingCarrier:
    def carry(
        self, references: Sequence[Reference], target: int, region: Region, *, rehearse: bool = False
    ) -> np.ndarray:
        part = references[0].soft[(slice(None), *region.slices)]
        return np.stack([each * ndimage.binary_erosion(each > 0.5) for each in part])


def truth(ends: int = TUBE_SHAPE[0]) -> np.ndarray:
    return tube(ends).voxels > 0.5


def begun(refinement: Refinement) -> tuple[Pass, Callable[[Pass], None]]:
    """A pass up the tube at its anchor, and what takes it further."""
    seen = Seen(SliceStack(tube().voxels, tube().spacing_mm), Fading(refinement))
    run = seen.begun(truth()[ANCHOR], ANCHOR, 1)
    assert run is not None
    return run, seen.take_to_its_end


def stages(refinement: Refinement, sending: SendingOn, ends: int = TUBE_SHAPE[0], seed: int = 0) -> list[Pass]:
    run, take_to_its_end = begun(refinement)
    sender = Sender(truth(ends), refinement, sending, np.random.default_rng(seed))
    return stages_of(run, take_to_its_end, sender)


def a_stopped_pass() -> Pass:
    """One slice before the stop rule spoke, four after."""
    run, take_to_its_end = begun(Blind())
    take_to_its_end(run)
    assert (run.doubted_at, len(run.results), run.stopped) == (1, 5, StopReason.AREA)
    return run


def examples(seed: int = 1, refinement: Refinement | None = None, is_held_out: bool = False) -> list[PassExample]:
    seen = replace(tube(), labels=truth().astype(np.uint8))
    return sent_on_examples(seen, Fading(refinement or Seeing()), ALONG, SendingOn(), seed, is_held_out)


def test_a_pass_that_nothing_sends_on_has_one_stage() -> None:
    (stage,) = stages(Blind(), NEVER_BY_TRUTH)
    assert [each.soft.tobytes() for each in stage.results] == [each.soft.tobytes() for each in a_stopped_pass().results]


@pytest.mark.parametrize("up_to", [20, TUBE_SHAPE[0]])
def test_by_refinement_alone_a_pass_becomes_what_the_engine_makes_of_it(up_to: int) -> None:
    method = Fading(Seeing(up_to))
    session = PropagationSession(SliceStack(tube().voxels, tube().spacing_mm), method)
    wanted = session.propagate([Anchor(ANCHOR, 1, truth()[ANCHOR])], direction=Direction.UP)
    last = stages(Seeing(up_to), NEVER_BY_TRUTH)[-1]
    became = Seeing(up_to).refined(last, last.room)
    assert wanted.passes[0].last_slice == ANCHOR + len(became) == up_to - 1
    for position, result in enumerate(became):
        mask = wanted.masks[1][ANCHOR + 1 + position]
        np.testing.assert_array_equal(mask, result.placed(last.grid.shape) > 0.5)


def test_every_stage_is_kept_as_it_was_and_goes_farther_than_the_one_before() -> None:
    found = stages(Seeing(), NEVER_BY_TRUTH)
    assert len(found) > 3
    lengths = [len(stage.results) for stage in found]
    assert lengths == sorted(set(lengths)) and lengths[-1] == found[-1].room
    assert [len(stage.stops) for stage in found] == list(range(len(found)))
    assert all(stage.stopped is not None for stage in found[:-1])


def test_the_truth_sends_a_pass_on_where_refinement_sees_nothing() -> None:
    found = stages(Blind(), SendingOn(by_truth=0.0, by_truth_at_last=1.0))
    assert len(found) > 3 and len(found[-1].results) > 15
    assert len(stages(Blind(), ALWAYS_BY_TRUTH)) > 3


def test_refinement_sends_a_pass_on_where_the_truth_has_ended() -> None:
    found = stages(Seeing(), ALWAYS_BY_TRUTH, ends=ANCHOR + 1)
    assert len(found[-1].results) == found[-1].room


def test_where_the_truth_has_ended_it_sends_no_pass_on() -> None:
    for seed in range(3):
        last = stages(Blind(), ALWAYS_BY_TRUTH, ends=20, seed=seed)[-1]
        assert last.stopped is not None and ANCHOR + last.sent_to < 20


def test_a_pass_is_sent_on_so_many_times_at_most() -> None:
    assert len(stages(Seeing(), replace(NEVER_BY_TRUTH, most=2))) == 3
    assert len(stages(Blind(), replace(ALWAYS_BY_TRUTH, most=2))) == 3


def test_chance_decides_who_sends_a_pass_on() -> None:
    found = [len(stages(Blind(), SendingOn(by_truth=0.0, by_truth_at_last=0.75), seed=seed)) for seed in range(6)]
    assert len(set(found)) > 2
    assert found == [len(stages(Blind(), SendingOn(by_truth=0.0, by_truth_at_last=0.75), seed=s)) for s in range(6)]


def test_a_pass_goes_on_from_where_the_stop_rule_spoke() -> None:
    run = a_stopped_pass()
    before = list(run.results)
    drawn = drawn_towards(truth(), run, 0.7)
    assert drawn[:1] == before[:1]
    assert relay(run, drawn)
    assert run.results == drawn[:3] and run.results[0] is before[0]


def test_drawn_towards_the_truth_a_mask_lies_between_both() -> None:
    run = a_stopped_pass()
    for share in (0.35, 0.6, 0.85):
        for position, result in enumerate(drawn_towards(truth(), run, share)[1:5], 1):
            wanted = truth()[ANCHOR + 1 + position].astype(np.float32)
            placed = blended(run.results[position].placed(run.grid.shape), wanted, share)
            np.testing.assert_allclose(result.placed(run.grid.shape), placed, atol=1e-3)
            assert result.journey == run.results[position].journey


def test_beyond_its_last_slice_a_pass_is_drawn_on_from_there() -> None:
    run = a_stopped_pass()
    drawn = drawn_towards(truth(), run, 0.7)
    assert len(drawn) > len(run.results)
    assert {result.journey for result in drawn[len(run.results) :]} == {UNREACHED}
    assert UNREACHED == _NO_JOURNEY


@pytest.mark.parametrize("length", [1, 20, 40])
def test_the_truth_takes_a_pass_as_far_as_refinement_may(length: int) -> None:
    longer = np.concatenate([truth(), truth()])
    seen = Seen(SliceStack(longer.astype(np.float32)), Fading(Blind()))
    run = seen.begun(longer[0], 0, 1)
    assert run is not None
    good = SliceResult(Region(0, TUBE_SHAPE[1], 0, TUBE_SHAPE[2]), longer[0].astype(np.float16), 0.9)
    one, other = (replace(run, results=[good] * length, doubted_at=length, stopped=StopReason.AREA) for _ in range(2))
    assert relay(one, [good] * 70) and relay(other, drawn_towards(longer, other, 0.5))
    assert length < len(one.results) == len(other.results) < 70


def test_a_blend_is_of_log_odds() -> None:
    carried, wanted = np.array([[0.2, 0.9, 0.5]], np.float32), np.array([[0.8, 0.9, 1.0]], np.float32)
    np.testing.assert_allclose(blended(carried, wanted, 0.5), [[0.5, 0.9, 0.875]], atol=1e-4)
    np.testing.assert_allclose(blended(carried, wanted, 0.0), carried, atol=1e-6)


def test_a_blend_is_never_empty_and_holds_nothing_faint() -> None:
    wanted = np.zeros((8, 8), np.float32)
    wanted[2:5, 2:5] = 1
    found = blended(np.zeros((8, 8), np.float32), wanted, 0.4)
    np.testing.assert_array_equal(found > 0.5, wanted > 0.5)
    assert (found[wanted == 0] == 0).all() and found.dtype == np.float32
    assert ((found == 0) | (found >= PRESENT)).all()


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (2, 2), (3, 3), (4, 4), (9, 4)])
def test_of_a_pass_the_first_and_the_last_stage_are_kept_and_two_between(count: int, kept: int) -> None:
    run, _ = begun(Blind())
    made = [replace(run, sent_to=number) for number in range(count)]
    numbers = [stage.sent_to for stage in some_of(made, 2, np.random.default_rng(0))]
    assert len(numbers) == kept and numbers[0] == 0 and numbers[-1] == count - 1
    assert numbers == sorted(set(numbers))


def test_examples_say_that_their_pass_was_sent_on() -> None:
    found = examples(is_held_out=True)
    assert all(each.family.is_sent_on and each.family.words == "tube sent on" and each.is_held_out for each in found)
    assert {each.name[-8:] for each in found} == {" sent on"}
    assert 4 < len(found) <= 16, "4 passes, of each 4 stages at most"
    assert max(len(each.soft) for each in found) > 20


def test_the_same_seed_gives_the_same_examples_and_another_seed_others() -> None:
    first, second, other = (examples(seed, Blind()) for seed in (1, 1, 2))
    assert len(first) == len(second)
    for one, same in zip(first, second, strict=True):
        for field in fields(PassExample):
            was, is_now = getattr(one, field.name), getattr(same, field.name)
            assert torch.equal(was, is_now) if isinstance(was, torch.Tensor) else was == is_now
    assert [each.name for each in first] != [each.name for each in other]


def test_anchors_are_not_the_first_rounds() -> None:
    seen = replace(tube(), labels=truth().astype(np.uint8))
    first = {each.name for each in pass_examples(seen, Fading(Seeing()), ALONG, 1)}
    assert first != {each.name.removesuffix(" sent on") for each in examples()}


def test_without_a_refinement_no_pass_can_be_sent_on() -> None:
    with pytest.raises(MethodError, match="'copy' are not sent on"):
        sent_on_examples(tube(), CopyMask(), ALONG, SendingOn(), 1)
