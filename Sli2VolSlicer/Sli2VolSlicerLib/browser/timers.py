"""Timers of asyncio's main loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class LoopTimer:
    """A timer as `scene.background` wants it.

    Args:
        work: what to call.
        interval_ms: how long after the start.
        repeats: call again and again.
    """

    def __init__(self, work: Callable[[], object], interval_ms: int, *, repeats: bool) -> None:
        self._work: Callable[[], object] | None = work
        self._interval_s = interval_ms / 1000
        self._repeats = repeats
        self._handle: asyncio.TimerHandle | None = None

    @property
    def active(self) -> bool:
        """Whether it runs."""
        return self._handle is not None

    def start(self) -> None:
        """Call after the interval has passed, counted from now."""
        self.stop()
        if self._work is not None:
            self._handle = asyncio.get_event_loop().call_later(self._interval_s, self._call)

    def stop(self) -> None:
        """Call no more until it is started again."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def close(self) -> None:
        """Let go of the work for good."""
        self.stop()
        self._work = None

    def _call(self) -> None:
        self._handle = None
        if self._work is None:
            return
        if self._repeats:
            self.start()
        self._work()
