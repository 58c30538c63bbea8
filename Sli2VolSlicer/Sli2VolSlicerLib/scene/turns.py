"""Work of the main thread that is done in turns, so that the main loop answers in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TypeVar

_Result = TypeVar("_Result")

Turns = Generator[None, None, _Result]
"""Pauses wherever the main loop may answer; gives back its result at the end."""

TURN_S = 0.02
"""A turn that has lasted so long ends as soon as it can."""

_NAP_S = 0.002


class Pace:
    """Says when it is time to pause.

    Args:
        turn_s: how long a turn may last.
    """

    def __init__(self, turn_s: float = TURN_S) -> None:
        self._turn_s = turn_s
        self._began = time.perf_counter()

    def pause(self) -> Turns[None]:
        """End the turn if it has lasted long enough; another one begins then."""
        if self.is_over:
            yield
            self._began = time.perf_counter()

    @property
    def is_over(self) -> bool:
        """Whether the turn has lasted long enough."""
        return time.perf_counter() - self._began > self._turn_s


def after_a_pause(work: Callable[[], object]) -> Turns[None]:
    """Let the main loop answer first."""
    yield
    work()


def resting(seconds: float) -> Turns[None]:
    """Let the main loop answer for so long."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        yield
        # A turn follows at once on another; without it they would keep a core busy.
        time.sleep(_NAP_S)


def in_one_go(turns: Turns[_Result]) -> _Result:
    """Do all turns without a pause; what they give back."""
    while True:
        try:
            next(turns)
        except StopIteration as ended:
            result: _Result = ended.value
            return result
