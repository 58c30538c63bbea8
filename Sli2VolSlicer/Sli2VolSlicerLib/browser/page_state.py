"""Everything that the page shows, by name: trame keeps the page's copy the same as this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..scene.panel_state import DEFAULT_DEVICE
from ..scene.sessions import DEFAULT_METHOD
from .views import LAYOUTS
from .windows import PRESETS

BRUSH_MM = (1.0, 100.0)
"""The least and the most that the slider offers."""


def initial_state() -> dict[str, Any]:
    """The page before a volume is open."""
    return {
        # Volumes.
        "volume_name": "",
        "volume_words": "",
        "opening": "",
        "is_open_dialog": True,
        "folder_names": [],
        "has_folder": False,
        "is_listing": False,
        "folder_filter": "",
        "upload_percent": -1,
        "window_preset": PRESETS[0].name,
        "window_presets": [each.name for each in PRESETS],
        "layout": LAYOUTS[0],
        "layouts": list(LAYOUTS),
        "show_3d": False,
        # Segments and tools.
        "segments": [],
        "selected_segment": "",
        "tool": "none",
        "brush_mm": 15.0,
        "is_sphere": False,
        "is_masked": False,
        "mask_range": [0.0, 1.0],
        "mask_limits": [0.0, 1.0],
        "can_undo": False,
        "can_redo": False,
        # Propagating.
        "direction": "both",
        "only_selected": False,
        "is_ranged": False,
        "range_first": 0,
        "range_last": 0,
        "method": DEFAULT_METHOD,
        "device": DEFAULT_DEVICE,
        "is_running": False,
        "progress_percent": 0,
        "progress_words": "",
        "offers": {},
        "release_tip": "",
        # What came of it.
        "timeline": {},
        "shown_slice": -1,
        "hover_words": "",
        "hover_percent": 0,
        "reason": "",
        "numbers": "",
        "show_confidence": False,
        "status": "",
        # Errors.
        "error": "",
        "is_error": False,
        # What page.js fetches for the user.
        "download": {},
    }


class PageState:
    """The page's values, read and changed from the session's process.

    Args:
        state: the trame server's.
    """

    def __init__(self, state: Any) -> None:
        self._state = state
        for name, value in initial_state().items():
            state.setdefault(name, value)

    def __getitem__(self, name: str) -> Any:
        return self._state[name]

    def show(self, **values: Any) -> None:
        """Change values and let the page know at once."""
        with self._state:
            for name, value in values.items():
                self._state[name] = value

    def error(self, text: str) -> None:
        """Show a sentence that the user has to see."""
        self.show(error=text, is_error=bool(text))

    def on_change(self, name: str, act: Callable[[Any], object]) -> None:
        """Call `act` with the value when the user has changed it.

        Args:
            name: of the value.
            act: gets the new value.
        """

        @self._state.change(name)
        def changed(**values: Any) -> None:
            act(self._state[name])
