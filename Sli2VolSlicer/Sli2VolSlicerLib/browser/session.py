"""One user's session: the scene, the page's values, and what happens when the user does something."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import vtk

from ..engine.errors import Sli2VolError
from ..engine.records import Progress
from ..scene.advice import Advice
from ..scene.background import Background, Handlers
from ..scene.confidence import confidence_node
from ..scene.confidence_layer import ConfidenceLayer
from ..scene.jobs import WarmUpJob
from ..scene.logic import SceneLogic
from ..scene.observers import Observers, changes_of
from ..scene.offers import Offers
from ..scene.propagating import Propagating
from ..scene.slice_actions import SliceActions
from ..scene.slice_views import slice_nodes
from ..scene.words import numbers_in_words, reason_in_words
from ..scene.worker import Worker
from .desk import PageDesk
from .downloads import write_download
from .editing import Editing
from .folder import SharedFolder
from .page_state import PageState
from .session_files import SessionFolder
from .timeline_picture import timeline_picture
from .timers import LoopTimer
from .views import LAYOUTS, Views
from .volumes import Volumes

_SEGMENTS, _VIEWS = "segments", "views"
_SETTLING_MS = 150
"""The segments are looked at when nothing has happened to them for so long."""

_PATIENCE_S = 0.0
"""The loop sleeps in the operating system when it waits, and so lets the worker run by itself."""

_LOG = logging.getLogger(__name__)


class BigButton:
    """Propagate, which is Cancel while it runs, and its progress bar.

    Args:
        page: its values.
    """

    def __init__(self, page: PageState) -> None:
        self._page = page

    def show_progress(self, progress: Progress, words: str) -> None:
        """A slice more is done."""
        self._page.show(progress_percent=round(100 * progress.done / max(1, progress.total)), progress_words=words)

    def show_running(self, running: bool) -> None:
        """A propagation has begun or ended."""
        self._page.show(is_running=running, progress_percent=0, progress_words="")


class Session:
    """What the page's buttons, keys and menus do.

    Args:
        server: the trame server.
        own: the session's folder.
        shared: the folder given at start; None if none was.
        logic: does the work in the scene.
        device: "auto", "cpu", "cuda" or "mps".
    """

    def __init__(
        self,
        server: Any,
        own: SessionFolder,
        shared: SharedFolder | None = None,
        logic: SceneLogic | None = None,
        device: str = "auto",
    ) -> None:
        self.page = PageState(server.state)
        self.page.show(device=device)
        self._own = own
        self.views = Views(server)
        self.background = Background(Worker(), LoopTimer, _PATIENCE_S)
        self.desk = PageDesk(self.views.app, self.page, logic or SceneLogic(), self.background)
        self.editing = Editing(self.views.app, self.page)
        self.volumes = Volumes(self.views, self.page, own, shared)
        self.slices = SliceActions(self.desk, self.refresh)
        self.advice = Advice(self.background, self.slices.recommend)
        self.propagating = Propagating(self.desk, BigButton(self.page), self._on_propagating)
        self._settling = LoopTimer(self._on_settled, _SETTLING_MS, repeats=False)
        self.confidence = ConfidenceLayer(self.desk, self.advice.want, self._settling.start)
        self._observers = Observers()
        self.page.on_change("layout", self._set_layout)
        self.page.on_change("show_3d", self._show_3d)
        self.page.on_change("show_confidence", lambda value: self._show_confidence())
        self.page.on_change("only_selected", lambda value: self._settling.start())
        self._keys: dict[str, Callable[[], object]] = {
            "p": self.propagating.begin,
            "n": self.slices.next,
            "a": self.slices.accept,
            "escape": self.escape,
            "ctrl+z": self.undo,
            "ctrl+y": self.redo,
        }

    def warm_up(self) -> None:
        """Load the engine's packages while the user looks for a volume."""
        self.background.start(WarmUpJob(), Handlers(lambda loaded: None, self.desk.say_error), urgent=False)

    def close(self) -> None:
        """End the thread and let go of everything."""
        self._settling.close()
        self._observers.remove_all()
        self.background.close()
        self.desk.forget()
        self.desk.logic.drop_session()

    # Opening and downloading.

    async def open_upload(self, name: str) -> None:
        """Open what was uploaded."""
        await self._open(name, lambda: self.volumes.read_upload(name))

    async def open_shared(self, name: str) -> None:
        """Open a volume of the folder given at start."""
        await self._open(name, lambda: self.volumes.read_shared(name))

    async def open_only(self) -> None:
        """Look into the folder given at start, and open what is in it if it is one volume: nothing is to be chosen."""
        names = await self.volumes.list_folder()
        if len(names) == 1:
            await self.open_shared(names[0])

    async def open_sample(self) -> None:
        """Open the sample."""
        await self._open("sample", lambda: asyncio.sleep(0, self.volumes.make_sample()))

    def download(self, kind: str) -> None:
        """Write a file of the segments and let the page fetch it."""
        try:
            self._own.out.mkdir(exist_ok=True)
            path = write_download(kind, self.desk.segmentation, self.desk.volume, self._own.out)
        except Sli2VolError as error:
            self.desk.say_error(error)
            return
        number = int((self.page["download"] or {}).get("number", 0)) + 1
        self.page.show(download={"name": path.name, "number": number})

    # Keys and views.

    def key(self, name: str) -> None:
        """Do what a key means; others do nothing."""
        if name in self._keys and (name == "escape" or self.desk.volume is not None):
            self._keys[name]()

    def escape(self) -> None:
        """Cancel, while it runs; otherwise put the tool away."""
        if self.propagating.is_running:
            self.propagating.cancel()
        else:
            self.page.show(tool="none")

    def undo(self) -> None:
        """Take the last step back; what was said of it no longer holds."""
        self.page.show(status="")
        self.editing.undo()

    def redo(self) -> None:
        """Do again what was taken back last."""
        self.page.show(status="")
        self.editing.redo()

    def go_to(self, index: int) -> None:
        """Show a slice of the painted axis."""
        self.slices.go_to(int(index))

    # What is shown.

    def refresh(self) -> None:
        """Look at the scene and show what is there."""
        self._settling.stop()
        desk = self.desk
        desk.look()
        timeline = desk.seen.timeline if desk.seen is not None else None
        self.page.show(
            timeline=timeline_picture(timeline),
            reason=reason_in_words(desk.seen),
            numbers=numbers_in_words(desk.seen, desk.result),
        )
        if timeline is not None and not self.page["is_ranged"]:
            self.page.show(range_first=0, range_last=timeline.slice_count - 1)
        self._follow_views()

    def _follow_views(self) -> None:
        desk = self.desk
        desk.follow_views()
        offers = Offers.of(desk, self.propagating.is_running)
        shown = -1 if desk.shown_slice is None else desk.shown_slice
        self.page.show(shown_slice=shown, offers=vars(offers), release_tip=offers.release_tip)

    def _on_propagating(self) -> None:
        """A propagation has begun, or ended."""
        if self.propagating.is_running:
            self._follow_views()
            return
        self._show_confidence()
        self.refresh()
        self.editing.show()
        self.advice.want(self.desk.result is not None)
        self._settling.start()

    def _on_settled(self) -> None:
        """Nothing has happened to the segments for a while."""
        self.refresh()
        self.advice.settled()

    def _show_confidence(self) -> None:
        self.confidence.update()
        self.views.render()

    def _show_3d(self, shown: bool) -> None:
        self.editing.show_surfaces(bool(shown))
        if shown:
            self.views.look_at_surfaces()

    def _set_layout(self, name: str) -> None:
        self.views.layouts.set_layout(name)
        if name == LAYOUTS[-1] and self.desk.volume is not None:
            # A large 3D view is there to show something.
            self.page.show(show_3d=True)
        self._observe()
        self._settling.start()

    def _observe(self) -> None:
        self._observers.remove_all()
        segmentation = self.desk.segmentation
        if segmentation is None:
            return
        for subject, event in changes_of(self.desk.volume, segmentation):
            self._observers.add(subject, event, lambda *_: self._settling.start(), _SEGMENTS)
        for node in slice_nodes(self.views.scene):
            self._observers.add(node, vtk.vtkCommand.ModifiedEvent, lambda *_: self._follow_views(), _VIEWS)

    def _nodes(self) -> list[Any]:
        """All that belongs to the open volume."""
        volume, segmentation = self.desk.volume, self.desk.segmentation
        confidence = confidence_node(segmentation) if segmentation is not None else None
        return [each for each in (confidence, segmentation, volume) if each is not None]

    async def _open(self, name: str, read: Callable[[], Awaitable[Any]]) -> None:
        """Open a volume in place of the present one, which stays if that fails."""
        if self.page["opening"]:
            return
        self.page.show(opening=f"Opening {name.rpartition('/')[2]} ...")
        try:
            try:
                node = await read()
            finally:
                # Before anything is told: whoever reads an error may open something else at once.
                self.page.show(opening="")
        except (Sli2VolError, OSError, RuntimeError, MemoryError) as error:
            self.desk.say_error(error)
            return
        self.background.cancel()
        self._observers.remove_all()
        gone = self._nodes()
        self.desk.forget()
        self.desk.logic.drop_session()
        self.page.show(show_confidence=False, is_ranged=False, is_open_dialog=False, status="")
        self.page.error("")
        self.editing.edit(self.volumes.use(node), node)
        for each in gone:
            self.views.scene.RemoveNode(each)
        self._observe()
        self.refresh()
