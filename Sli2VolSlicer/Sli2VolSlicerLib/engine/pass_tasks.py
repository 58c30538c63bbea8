"""What a call asks of a pass: how far it may go, whether it goes on, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .fusion import unheard
from .passes import Pass, SliceResult, relay
from .protocol import CarryingMethod, Refinement
from .records import PassReport, StopReason
from .second_opinion import (
    asks_for_magnification,
    asks_for_second_opinion,
    finds_more,
    goes_much_farther,
    without_verification,
)


@dataclass(frozen=True)
class PassTask:
    """A pass, the last slice that it may enter, and what is there.

    Attributes:
        method: carries its labels.
        meets: the pass that comes from there, where the structure is drawn.
    """

    run: Pass
    method: CarryingMethod
    limit: int
    at_limit: StopReason
    meets: Pass | None = None

    @property
    def room(self) -> int:
        """Slices after its anchor that the pass may fill."""
        return max(0, (self.limit - self.run.anchor_slice) * self.run.step)

    @property
    def is_unverified(self) -> bool:
        """Whether verification has stepped back."""
        return self.method.rules.verification in ("self-checked", "histogram") and self.run.verification is None

    @property
    def leaves_gap(self) -> bool:
        """Whether this pass and the one from the next drawn slice have both ended before they met.

        The structure is on both drawn slices, and so between them: refinement mends such passes and sends them on.
        """
        meets = self.meets
        if meets is None or self.method.refinement is None or not (self.run.has_ended and meets.has_ended):
            return False
        return len(self.run.undoubted) + len(meets.undoubted) < self.room

    @property
    def is_checked(self) -> bool:
        """Whether the pass from the next drawn slice checks this one, finer than refinement does (Docs/results.md)."""
        return self.meets is not None and not self.leaves_gap

    @property
    def remaining(self) -> int:
        """Slices that the pass may still enter: none once it has stopped."""
        run = self.run
        if run.stopped is not None or (run.has_spoken and self.is_checked):
            return 0
        left = max(0, (self.limit - run.next_slice) * run.step + 1)
        if self.meets is not None and 0 < left <= unheard(self.room + 1) and left <= len(self.meets.undoubted):
            # The other pass has been everywhere from here on, and there this one would not be heard.
            return 0
        return left

    def is_sent_on(self) -> bool:
        """Send a pass on that has stopped, if refinement still sees the structure there; whether it goes on."""
        run, refinement = self.run, self.method.refinement
        is_open = run.stopped is not None and len(run.results) < self.room
        may_go_on = is_open and not self.is_checked and run.may_be_sent_on
        if refinement is None or not may_go_on or not self.method.rules.sent_on:
            return False
        # It is asked about all that the pass found: what is kept must not depend on today's limits.
        return relay(run, _refined(run, run.room, refinement))

    def second_opinion(self) -> PassTask | None:
        """The same without verification, once this one has ended, where verification took too much to be believed."""
        may_be_doubted = self.method.refinement is not None and self.method.rules.second_opinion
        if not may_be_doubted or self.meets is not None or self.remaining:
            return None
        if not asks_for_second_opinion(self.run, self.room):
            return None
        if self.run.unverified is None:
            self.run.unverified = without_verification(self.run)
        return replace(self, run=self.run.unverified)

    @property
    def asks_for_magnification(self) -> bool:
        """Whether the pass is to be run on magnified slices, too."""
        is_judged = self.method.refinement is not None and self.meets is None
        return is_judged and self.method.rules.magnify and asks_for_magnification(self.run)

    def believed(self, magnified: PassTask | None = None) -> PassTask:
        """This one, or the same without verification or on magnified slices where that is to be believed.

        Args:
            magnified: the same on magnified slices, if it was run.
        """
        other = self.second_opinion()
        believed = other if other is not None and goes_much_farther(other.outcome(), self.outcome()) else self
        if magnified is None:
            return believed
        larger = magnified.believed()
        return larger if finds_more(larger.outcome(), believed.outcome()) else believed

    def outcome(self) -> Sequence[SliceResult]:
        """What came of a pass as far as it may go: refined, once for every length."""
        run, room = self.run, self.room
        refinement = self.method.refinement
        if refinement is None:
            return run.results[:room]
        return run.undoubted[:room] if self.is_checked else _refined(run.when_it_reached(room), room, refinement)

    def report(self) -> PassReport:
        """How far the pass came, and why no farther."""
        run, found = self.run.when_it_reached(self.room), self.outcome()
        reached = len(found)
        last = run.anchor_slice + run.step * reached
        if reached >= self.room or (self.meets is not None and run.stopped is None and not run.has_spoken):
            # A pass kept from an earlier call may have gone on beyond today's limit, and one that meets another may
            # end where it would not be heard.
            reason = self.at_limit
        elif reached == run.known_end:
            reason = StopReason.KNOWN_END
        elif found and found[-1].divides_beyond:
            reason = StopReason.FORK
        elif reached == run.usual_length and run.doubt is not None:
            reason = run.doubt
        elif reached == len(run.results) and run.stopped is not None:
            reason = run.stopped
        else:
            reason = StopReason.REFINEMENT
        return PassReport(run.label, run.anchor_slice, run.step, last, reason)


def _refined(run: Pass, length: int, refinement: Refinement) -> list[SliceResult]:
    """What refinement makes of a pass, once for every length that makes a difference."""
    seen = (min(length, len(run.results) + refinement.beyond), len(run.results), len(run.stops))
    if seen not in run.refined:
        run.refined[seen] = refinement.refined(run, length)
    return run.refined[seen]
