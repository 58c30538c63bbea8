"""The next slice is looked for once, when nothing else is going on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from Sli2VolSlicerLib.scene.advice import Advice
from Sli2VolSlicerLib.scene.background import Background


@dataclass
class Idle:
    """A background that takes turns at once.

    Attributes:
        is_idle: nothing runs and nothing is written.
        is_computing: something is computed by the time the turns are taken.
    """

    is_idle: bool = True
    is_computing: bool = False
    asked: list[int] = field(default_factory=list)

    def take_turns(self, turns: Iterator[None]) -> None:
        for _ in turns:
            pass

    def advice(self) -> Advice:
        return Advice(cast(Background, self), lambda: self.asked.append(1))


def test_a_wanted_recommendation_is_asked_for_once() -> None:
    background = Idle()
    advice = background.advice()
    advice.settled()
    assert background.asked == []
    advice.want()
    advice.settled()
    advice.settled()
    assert background.asked == [1]


def test_while_something_runs_it_waits_for_the_next_rest() -> None:
    background = Idle(is_idle=False)
    advice = background.advice()
    advice.want()
    advice.settled()
    background.is_idle, background.is_computing = True, True
    advice.settled()
    assert background.asked == []
    background.is_computing = False
    advice.settled()
    assert background.asked == [1]


def test_what_is_not_wanted_any_more_is_not_asked_for() -> None:
    background = Idle()
    advice = background.advice()
    advice.want()
    advice.want(False)
    advice.settled()
    assert background.asked == []
