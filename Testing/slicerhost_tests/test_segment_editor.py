"""The stand-in's Segment Editor widget, on Slicer's own logic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

CENTRE = (0.0, 0.0, 0.0)


class Editing:
    """An editor in the main window with two segments."""

    def __init__(self, desktop: Any, scene: Any, volume: Any) -> None:
        import slicer

        from Sli2VolSlicerLib.scene.headless import add_segmentation

        self.desktop, self.volume = desktop, volume
        self.node = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        self.segmentation = add_segmentation(scene, volume)
        for name in ("A", "B"):
            self.segmentation.GetSegmentation().AddEmptySegment(name)
        self.widget = slicer.qMRMLSegmentEditorWidget()
        self.widget.setMRMLSegmentEditorNode(self.node)
        self.widget.setMRMLScene(scene)
        self.widget.setSegmentationNode(self.segmentation)
        self.widget.setSourceVolumeNode(volume)
        desktop.window.show_panel(self.widget)
        desktop.show()
        desktop.show_volume(volume)

    def mask(self, segment_id: str) -> np.ndarray:
        from Sli2VolSlicerLib.scene.capture import capture

        return np.asarray(capture(self.volume, self.segmentation, [segment_id]).segments[0].mask)

    def key(self, key: Any, modifier: Any = None) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        QTest.keyClick(self.desktop.window, key, modifier or Qt.KeyboardModifier.NoModifier)


@pytest.fixture
def editing(desktop: Any, scene: Any, volume: Any) -> Editing:
    return Editing(desktop, scene, volume)


def test_paint_draws_a_disc_on_one_slice(editing: Editing) -> None:
    editing.widget.paint(CENTRE, 4.2)
    mask = editing.mask("A")
    assert np.flatnonzero(mask.any(axis=(1, 2))).tolist() == [3]
    assert mask.sum() == sum(i * i + j * j <= 4.2**2 for i in range(-5, 6) for j in range(-5, 6))


def test_undo_and_redo_are_slicers_own(editing: Editing) -> None:
    editing.widget.paint(CENTRE, 3)
    editing.widget.paint((0, 0, 3), 3)
    editing.widget.undo()
    assert np.flatnonzero(editing.mask("A").any(axis=(1, 2))).tolist() == [3]
    editing.widget.redo()
    assert np.flatnonzero(editing.mask("A").any(axis=(1, 2))).tolist() == [3, 4]


def test_the_editors_keys_work_only_while_they_are_installed(editing: Editing) -> None:
    from PySide6.QtCore import Qt

    editing.key(Qt.Key.Key_1)
    assert editing.widget.activeEffect() is None
    editing.widget.installKeyboardShortcuts()
    editing.key(Qt.Key.Key_1)
    assert editing.node.GetActiveEffectName() == "Paint"
    editing.widget.paint(CENTRE, 3)
    editing.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    editing.key(Qt.Key.Key_Escape)
    assert editing.widget.activeEffect() is None
    editing.key(Qt.Key.Key_W)
    assert editing.widget.currentSegmentID() == "B"
    editing.widget.uninstallKeyboardShortcuts()
    editing.key(Qt.Key.Key_Q)
    assert editing.widget.currentSegmentID() == "B"


def test_the_mouse_paints_on_a_slice_view_that_is_observed(editing: Editing) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    view = editing.desktop.app.layoutManager().sliceWidget("Red").sliceView()
    editing.widget.setupViewObservations()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton)
    assert editing.segmentation.GetSegmentation().GetSegment("A").GetRepresentation("Binary labelmap").IsEmpty()
    editing.widget.setActiveEffectByName("Paint")
    QTest.mouseClick(view, Qt.MouseButton.LeftButton)
    painted = editing.mask("A").sum()
    assert painted > 20
    editing.widget.removeViewObservations()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect.topLeft())
    assert editing.mask("A").sum() == painted


def test_what_is_overwritten_is_what_the_user_has_chosen(editing: Editing) -> None:
    import slicer

    editing.widget.paint(CENTRE, 5)
    before = editing.mask("A")
    editing.widget.setCurrentSegmentID("B")
    editing.node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
    editing.widget.paint(CENTRE, 3)
    assert np.array_equal(editing.mask("A"), before)
    editing.node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteAllSegments)
    editing.widget.paint(CENTRE, 3)
    assert not (editing.mask("A") & editing.mask("B")).any()


def test_the_source_volume_is_shown_in_the_slice_views(editing: Editing, scene: Any) -> None:
    from Sli2VolSlicerLib.scene.headless import add_volume

    other = add_volume(scene, np.zeros((3, 4, 5), dtype=np.int16), np.eye(4), "Other")
    editing.widget.setSourceVolumeNode(other)
    composite = editing.desktop.app.layoutManager().sliceWidget("Green").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == other.GetID()
