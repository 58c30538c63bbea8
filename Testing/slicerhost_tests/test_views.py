"""The stand-in's slice views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def red(desktop: Any) -> Any:
    return desktop.app.layoutManager().sliceWidget("Red")


def test_slice_views_are_on_slicers_own_nodes(desktop: Any, scene: Any) -> None:
    layout = desktop.app.layoutManager()
    assert layout.sliceViewNames() == ("Red", "Yellow", "Green")
    for name, orientation in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
        node = layout.sliceWidget(name).mrmlSliceNode()
        assert node is scene.GetSingletonNode(name, "vtkMRMLSliceNode")
        assert node.GetOrientation() == orientation


def test_slice_nodes_take_the_size_of_their_views(desktop: Any) -> None:
    desktop.show(1000, 700)
    view = red(desktop).sliceView()
    assert red(desktop).mrmlSliceNode().GetDimensions()[:2] == (view.width, view.height)


def picture(desktop: Any) -> Any:
    view = red(desktop).sliceView()
    view.bring_up_to_date()
    return view.grab().toImage()


def test_a_slice_view_shows_the_volume_and_its_segments(desktop: Any, scene: Any, volume: Any) -> None:
    from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation

    from .conftest import IJK_TO_RAS, SHAPE

    desktop.show()
    desktop.show_volume(volume)
    red(desktop).sliceLogic().SetSliceOffset(0)
    grey = picture(desktop)
    segmentation = add_segmentation(scene, volume)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[3, 5:15, 6:18] = True
    add_segment(segmentation, "A", mask, IJK_TO_RAS, (1, 0, 0))
    middle = grey.width() // 2, grey.height() // 2
    before, after = (image.pixelColor(*middle) for image in (grey, picture(desktop)))
    assert before.red() == before.green() == before.blue()
    assert after.red() > after.green() + 50
    red(desktop).sliceLogic().SetSliceOffset(6)
    beyond = picture(desktop).pixelColor(*middle)
    assert beyond.red() == beyond.green()


def test_a_view_that_has_changed_is_drawn_once_a_moment_later(
    desktop: Any, volume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtGui import QImage
    from slicerhost.pulse import idle
    from slicerhost.views import qMRMLSliceView

    desktop.show()
    desktop.show_volume(volume)
    idle(0.1)
    drawn: list[Any] = []
    monkeypatch.setattr(qMRMLSliceView, "_picture", lambda view: drawn.append(view) or QImage())
    view = red(desktop).sliceView()
    view.scheduleRender()
    view.scheduleRender()
    assert drawn == []
    idle(0.1)
    assert drawn == [view]
