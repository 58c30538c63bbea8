"""Timers of Qt's main loop."""

from __future__ import annotations

from collections.abc import Callable

import qt


class QtTimer:
    """A timer as `scene.background` wants it.

    Args:
        work: what to call.
        interval_ms: how long after the start.
        repeats: call again and again.
    """

    def __init__(self, work: Callable[[], object], interval_ms: int, *, repeats: bool) -> None:
        self._work = work
        self._timer = qt.QTimer()
        self._timer.setSingleShot(not repeats)
        self._timer.setInterval(interval_ms)
        self._timer.connect("timeout()", work)

    @property
    def active(self) -> bool:
        """Whether it runs."""
        return bool(self._timer.active)

    def start(self) -> None:
        """Call after the interval has passed, counted from now."""
        self._timer.start()

    def stop(self) -> None:
        """Call no more until it is started again."""
        self._timer.stop()

    def close(self) -> None:
        """Let go of the work for good."""
        self._timer.stop()
        self._timer.disconnect("timeout()", self._work)
