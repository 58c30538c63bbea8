"""How regularly the main loop answers: a timer ticks as often as it is let, and the gaps between ticks are kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEventLoop, Qt, QTimer

INTERVAL_MS = 5


@dataclass(frozen=True)
class Gaps:
    """The gaps between ticks, in one place of a run.

    Attributes:
        place: what was going on.
        longest_ms: the longest gap.
        p95_ms: 95 of 100 gaps are no longer.
        ticks: how many gaps there were.
    """

    place: str
    longest_ms: float
    p95_ms: float
    ticks: int


def pulse(
    until: Callable[[], bool], place: Callable[[], str] = lambda: "", on_tick: Callable[[], None] = lambda: None
) -> dict[str, Gaps]:
    """Run the main loop and listen to it.

    Args:
        until: asked at every tick; the loop ends when it says so.
        place: asked at every tick what was going on since the last one.
        on_tick: called at every tick; what it takes counts.

    Returns:
        Place -> gaps.
    """
    loop, timer = QEventLoop(), QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(INTERVAL_MS)
    found: dict[str, list[float]] = {}
    last = time.perf_counter()

    def tick() -> None:
        nonlocal last
        now = time.perf_counter()
        found.setdefault(place(), []).append(1000 * (now - last))
        last = now
        if until():
            loop.quit()
        else:
            on_tick()

    timer.timeout.connect(tick)
    timer.start()
    loop.exec()
    timer.stop()
    timer.timeout.disconnect(tick)
    return {where: Gaps(where, max(gaps), float(np.percentile(gaps, 95)), len(gaps)) for where, gaps in found.items()}


def idle(seconds: float) -> Gaps:
    """The gaps while nothing happens: what the machine is good for at the moment."""
    end = time.perf_counter() + seconds
    return pulse(lambda: time.perf_counter() > end, lambda: "idle")["idle"]
