"""The module open in the stand-in for Slicer, with a volume of two bright balls that grow and shrink."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from slicerhost.fixtures import desktop, scene

from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.scene.headless import add_volume
from Sli2VolSlicerLib.scene.logic import SceneLogic

__all__ = ["desktop", "scene"]

SHAPE = (32, 64, 72)
MIDDLE = (16, 30, 34)
RADII = (11.0, 15.0, 18.0)


def ball(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Bool, (k, j, i): an ellipsoid that ends well within the volume."""
    axes = zip(np.indices(shape), MIDDLE, RADII, strict=True)
    return np.asarray(sum(((index - middle) / radius) ** 2 for index, middle, radius in axes) < 1)


def voxels() -> np.ndarray:
    """Int16, (k, j, i): the ball, bright and noisy."""
    return (ball() * 200 + np.random.default_rng(0).normal(0, 15, SHAPE)).astype(np.int16)


IJK_TO_RAS = np.array([[-1.0, 0, 0, 30], [0, -1.0, 0, 40], [0, 0, 2.5, -35], [0, 0, 0, 1]])


@dataclass
class Bench:
    """A user in front of the module: real clicks and keys, and a look at what came of them."""

    desktop: Any
    scene: Any
    volume: Any = None
    gaps: list[float] = field(default_factory=list)

    @property
    def panel(self) -> Any:
        import slicer

        return slicer.modules.Sli2VolSlicerWidget.panel

    @property
    def ui(self) -> Any:
        return self.panel.ui

    @property
    def segmentation(self) -> Any:
        return self.panel.desk.segmentation

    @property
    def status(self) -> str:
        return str(self.ui.statusLabel.text)

    def load(self, name: str = "Ball") -> None:
        """A volume appears in the slice views."""
        self.volume = add_volume(self.scene, voxels(), IJK_TO_RAS, name)
        self.desktop.show_volume(self.volume)

    def open(self) -> None:
        """Switch to the module."""
        self.desktop.select_module("Sli2VolSlicer")
        self.settle()

    def use(self, method: str) -> None:
        """Let the engine work with a method that needs no weights."""
        self.panel.desk.logic = SceneLogic(make_method=lambda name, device: create_method(method, None, "cpu"))

    def key(self, key: str) -> None:
        """Press a key with the main window active, e.g. "P" or "Ctrl+Z"."""
        from PySide6.QtCore import Qt
        from PySide6.QtGui import QKeySequence
        from PySide6.QtTest import QTest

        combination = QKeySequence(key)[0]
        target = self.desktop.app.focusWidget() or self.desktop.window
        QTest.keyClick(target, combination.key(), combination.keyboardModifiers() or Qt.KeyboardModifier.NoModifier)
        self.events()

    def click(self, widget: Any, x: int | None = None, y: int | None = None) -> None:
        """Click a widget, in its middle by default."""
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        where = QPoint(widget.width // 2 if x is None else x, widget.height // 2 if y is None else y)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
        self.events()

    def click_slice(self, index: int) -> None:
        """Click a slice on the timeline."""
        self.click(self.panel.strip, *self.panel.strip.position_of(index))

    def add_segment(self) -> None:
        """The editor's Add button."""
        self.click(self.panel.editor.widget._add)

    def paint(self, index: int, radius: float = 15.0, *, erase: bool = False) -> None:
        """A disc in the middle of the ball, on slice `index`, with the editor's brush."""
        k, j, i = index, *MIDDLE[1:]
        ras = (IJK_TO_RAS @ [i, j, k, 1])[:3]
        self.panel.editor.widget.paint(tuple(ras), radius, normal=(0, 0, 1), erase=erase)
        self.settle()

    def events(self) -> None:
        """Let Qt see to what there is."""
        self.desktop.app.processEvents()

    def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait, with the main loop running, until something is so."""
        limit, last = time.monotonic() + seconds, time.perf_counter()
        while not condition():
            assert time.monotonic() < limit, self.status
            self.events()
            now = time.perf_counter()
            self.gaps.append(now - last)
            last = now
            time.sleep(0.001)

    def settle(self) -> None:
        """Wait until the panel has looked at what was changed, and nothing is being computed."""
        self.events()
        self.until(lambda: not self.panel._settling.active and self.panel.background.is_idle)

    def save(self, path: Path) -> None:
        """Save the scene into one .mrb file, as Slicer does."""
        for number in range(self.scene.GetNumberOfNodes()):
            node = self.scene.GetNthNode(number)
            if node.IsA("vtkMRMLStorableNode") and node.GetSaveWithScene():
                node.AddDefaultStorageNode()
        assert self.scene.WriteToMRB(str(path))

    def load_scene(self, path: Path) -> None:
        """Load a saved scene in place of the present one."""
        unpacked = path.parent / "unpacked"
        unpacked.mkdir()
        self.scene.SetURL(self.scene.UnpackSlicerDataBundle(str(path), str(unpacked)))
        assert self.scene.Connect()
        self.settle()
        self.volume = self.panel.desk.volume

    def propagate(self) -> None:
        """Press P and wait for the result."""
        self.key("P")
        assert self.panel.propagating.is_running, self.status
        self.settle()

    def filled(self, segment: int = 0) -> list[int]:
        """The slices that the segment is on."""
        return np.flatnonzero(self.mask(segment).any(axis=(1, 2))).tolist()

    def mask(self, segment: int = 0) -> np.ndarray:
        """The segment on the volume's grid, bool, (k, j, i)."""
        from Sli2VolSlicerLib.scene.capture import capture

        name = self.segmentation.GetSegmentation().GetNthSegmentID(segment)
        return np.asarray(capture(self.volume, self.segmentation, [name]).segments[0].mask)


@pytest.fixture
def bench(desktop: Any, scene: Any) -> Iterator[Bench]:
    """The module, open on a volume, with one empty segment."""
    desktop.load_module()
    desktop.show()
    one = Bench(desktop, scene)
    one.load()
    one.open()
    one.use("copy")
    one.add_segment()
    one.settle()
    yield one
