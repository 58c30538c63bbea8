"""A user of the page without a browser: what the page would call is called, and what it would show is read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from Sli2VolSlicerLib.scene.geometry import image_to_array

_Result = TypeVar("_Result")


class Visitor:
    """One session and its loop.

    Args:
        folder: the session's own folder.
        shared: the folder given at start.
    """

    def __init__(self, folder: Path, shared: Path) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.folder = folder
        self.session = self.do(self._begin(folder, shared))

    async def _begin(self, folder: Path, shared: Path) -> Any:
        from trame.app import get_server

        from Sli2VolSlicerLib.browser.folder import SharedFolder
        from Sli2VolSlicerLib.browser.page import build_page
        from Sli2VolSlicerLib.browser.session import Session
        from Sli2VolSlicerLib.browser.session_files import SessionFolder

        own = SessionFolder(folder)
        own.make()
        self.server = get_server("page-visitor", client_type="vue3")
        session = Session(self.server, own, SharedFolder(shared), device="cpu")
        build_page(self.server, session)
        self.server.state.ready()
        return session

    def close(self) -> None:
        self.session.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0.05))
        self.loop.close()

    def do(self, work: Awaitable[_Result]) -> _Result:
        return self.loop.run_until_complete(work)

    def until(self, holds: Callable[[], bool], seconds: float = 30.0) -> None:
        """Let the loop run until something holds."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"it never came; the page says: {self['status']} {self['error']}"
            self.do(asyncio.sleep(0.01))

    def settle(self) -> None:
        """Let everything that follows from the last deed happen."""
        session = self.session
        self.do(asyncio.sleep(0.05))
        self.until(lambda: not session._settling.active and session.background.is_idle and not self["is_running"])

    def __getitem__(self, name: str) -> Any:
        """What the page shows."""
        return self.session.page[name]

    def set(self, **values: Any) -> None:
        """The user changes values in the page."""
        self.session.page.show(**values)
        self.do(asyncio.sleep(0))

    def open_sample(self) -> None:
        self.do(self.session.open_sample())
        self.set(method="copy", direction="both", error="", is_error=False)
        self.settle()

    @property
    def editor(self) -> Any:
        return self.session.views.app.segmentation_editor

    def paint(self, where: np.ndarray) -> None:
        """One stroke of the brush over these voxels, bool (k, j, i)."""
        modifier = self.editor.active_segment_modifier
        image = modifier.create_modifier_labelmap()
        image_to_array(image)[...] = where
        modifier.apply_labelmap(image)
        self.settle()

    def drawn(self) -> np.ndarray:
        """The selected segment, bool (k, j, i)."""
        return np.array(self.editor.get_segment_labelmap(self.editor.active_segment_id, as_numpy_array=True) > 0)

    def propagate(self) -> None:
        self.session.propagating.press()
        self.until(lambda: not self["is_running"])
        self.settle()
