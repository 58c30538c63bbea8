"""When to look for the next slice: once after a result, when the segments have come to rest."""

from __future__ import annotations

from collections.abc import Callable

from .background import Background
from .turns import after_a_pause


class Advice:
    """Recommends a slice when it is wanted and nothing else is going on.

    Args:
        background: where it is computed.
        recommend: begins it.
    """

    def __init__(self, background: Background, recommend: Callable[[], object]) -> None:
        self._background = background
        self._recommend = recommend
        self._is_wanted = False

    def want(self, is_wanted: bool = True) -> None:
        """The next slice is to be looked for, or not any more."""
        self._is_wanted = is_wanted

    def settled(self) -> None:
        """Nothing has happened to the segments for a while."""
        # Not right after writing a result: the main loop must answer in between.
        if self._is_wanted and self._background.is_idle:
            self._background.take_turns(after_a_pause(self._begin))

    def _begin(self) -> None:
        if self._is_wanted and not self._background.is_computing:
            self._is_wanted = False
            self._recommend()
