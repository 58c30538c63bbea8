"""Opening a volume: an upload, one of the folder given at start, or the sample."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ..engine.errors import VolumeError
from ..scene.headless import add_segmentation
from .folder import SharedFolder
from .opening import add_to_scene, read_for_scene
from .page_state import PageState
from .sample import add_sample
from .session_files import UPLOADS, SessionFolder
from .views import Views
from .windows import apply_preset, suited_preset


class Volumes:
    """The one volume that is open, and how another one takes its place.

    Args:
        views: show it.
        page: its values.
        own: the session's folder.
        shared: the folder given at start; None if none was.
    """

    def __init__(self, views: Views, page: PageState, own: SessionFolder, shared: SharedFolder | None) -> None:
        self._views = views
        self._page = page
        self._uploads = SharedFolder(own.uploads)
        self._shared = shared
        self._node: Any = None
        page.on_change("window_preset", self._show_window)
        page.show(has_folder=shared is not None)

    @property
    def node(self) -> Any:
        """The open vtkMRMLScalarVolumeNode, or None."""
        return self._node

    async def list_folder(self) -> tuple[str, ...]:
        """Show what there is in the folder given at start, which may be a slow one; returns the names."""
        if self._shared is None:
            return ()
        self._page.show(is_listing=True)
        try:
            names = await asyncio.to_thread(self._shared.list)
        finally:
            self._page.show(is_listing=False)
        self._page.show(folder_names=list(names))
        return names

    async def read_upload(self, name: str) -> Any:
        """Open what was uploaded under that name, which is relative to the session's folder.

        Raises:
            VolumeError: as `opening.open_volume`; no upload has that name.
        """
        within = name.removeprefix(f"{UPLOADS}/")
        if within == name:
            msg = f"'{name}' is no upload of this session."
            raise VolumeError(msg)
        return await self._read(self._uploads.resolve(within))

    async def read_shared(self, name: str) -> Any:
        """Open one of the folder given at start.

        Raises:
            VolumeError: as `opening.open_volume` and `SharedFolder.resolve`.
        """
        if self._shared is None:
            msg = "No folder was given at start; upload a file instead."
            raise VolumeError(msg)
        return await self._read(self._shared.resolve(name))

    def make_sample(self) -> Any:
        """Open the sample."""
        return add_sample(self._views.scene)

    def use(self, node: Any) -> Any:
        """Show a volume in place of the one before, which stays in the scene until it is removed.

        Returns:
            A new vtkMRMLSegmentationNode for it.
        """
        scene = self._views.scene
        self._node = node
        segmentation = add_segmentation(scene, node, f"{node.GetName()} segmentation")
        self._views.show(node)
        preset = suited_preset(node).name
        apply_preset(node, preset)
        size, spacing = node.GetImageData().GetDimensions(), node.GetSpacing()
        words = " x ".join(str(each) for each in size) + ", " + " x ".join(f"{each:.3g}" for each in spacing) + " mm"
        self._page.show(volume_name=node.GetName(), volume_words=words, window_preset=preset)
        return segmentation

    async def _read(self, path: Path) -> Any:
        read = await asyncio.to_thread(read_for_scene, path)
        name = path.name
        for suffix in (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".zip"):
            name = name[: -len(suffix)] if name.lower().endswith(suffix) and len(name) > len(suffix) else name
        return add_to_scene(read, name, self._views.scene)

    def _show_window(self, name: str) -> None:
        if self._node is not None:
            apply_preset(self._node, name)
