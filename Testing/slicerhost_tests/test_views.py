"""The stand-in's slice views."""

from __future__ import annotations

from typing import Any

import numpy as np


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


def test_a_slice_view_shows_the_volume_and_its_segments(desktop: Any, scene: Any, volume: Any) -> None:
    from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation

    from .conftest import IJK_TO_RAS, SHAPE

    desktop.show()
    desktop.show_volume(volume)
    red(desktop).sliceLogic().SetSliceOffset(0)
    grey = red(desktop).sliceView().grab().toImage()
    segmentation = add_segmentation(scene, volume)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[3, 5:15, 6:18] = True
    add_segment(segmentation, "A", mask, IJK_TO_RAS, (1, 0, 0))
    middle = grey.width() // 2, grey.height() // 2
    before, after = (image.pixelColor(*middle) for image in (grey, red(desktop).sliceView().grab().toImage()))
    assert before.red() == before.green() == before.blue()
    assert after.red() > after.green() + 50
    red(desktop).sliceLogic().SetSliceOffset(6)
    beyond = red(desktop).sliceView().grab().toImage().pixelColor(*middle)
    assert beyond.red() == beyond.green()
