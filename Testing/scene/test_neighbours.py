"""Whatever segments there are and however they share layers: only the chosen ones change, and undo is exact."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slicerhost.fake_session import FakeSession

from Sli2VolSlicerLib.scene.capture import capture
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation, add_volume, make_scene
from Sli2VolSlicerLib.scene.logic import SceneLogic

SHAPE = (8, 10, 12)
NAMES = ("A", "B", "C", "D")


@st.composite
def blocks(draw: st.DrawFn, thin: bool) -> np.ndarray:
    """A block of voxels; one slice thick if it is to be propagated."""
    mask = np.zeros(SHAPE, dtype=bool)
    k = draw(st.integers(0, 7))
    j, i = draw(st.integers(0, 5)), draw(st.integers(0, 7))
    thick = 1 if thin else draw(st.integers(1, 6))
    mask[k : k + thick, j : j + draw(st.integers(3, 8)), i : i + draw(st.integers(3, 8))] = True
    return mask


def masks_of(volume: Any, segmentation: Any) -> dict[str, np.ndarray]:
    captured = {name: capture(volume, segmentation, [name], axis=0) for name in NAMES}
    return {name: each.segments[0].mask for name, each in captured.items()}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), chosen=st.sets(st.sampled_from(NAMES), min_size=1), shared=st.booleans())
def test_only_the_chosen_segments_change_and_undo_restores_all(
    data: st.DataObject, chosen: set[str], shared: bool
) -> None:
    headless = make_scene()
    pose = np.diag([-0.7, -0.7, 3.0, 1.0])
    voxels = np.random.default_rng(2).integers(0, 1000, SHAPE).astype(np.int16)
    volume = add_volume(headless.scene, voxels, pose)
    segmentation = add_segmentation(headless.scene, volume)
    painted = {name: data.draw(blocks(thin=name in chosen), label=name) for name in NAMES}
    for name, mask in painted.items():
        add_segment(segmentation, name, mask, pose)
    if shared:
        segmentation.GetSegmentation().CollapseBinaryLabelmaps(False)
    logic = SceneLogic(make_method=lambda name, device: None, make_session=FakeSession)
    result = logic.propagate(volume, segmentation, sorted(chosen), axis=0)
    written = masks_of(volume, segmentation)
    for name in NAMES:
        if name in chosen:
            expected = result.propagation.masks[result.capture.label(name)]
            assert np.array_equal(written[name], expected)
            drawn = painted[name].any(axis=(1, 2))
            assert np.array_equal(written[name][drawn], painted[name][drawn])
        else:
            assert np.array_equal(written[name], painted[name])
    if result.report.changed:
        assert logic.undo(segmentation)
        for name, mask in masks_of(volume, segmentation).items():
            assert np.array_equal(mask, painted[name])
        assert logic.redo(segmentation)
        for name, mask in masks_of(volume, segmentation).items():
            assert np.array_equal(mask, written[name])


def test_after_the_scene_is_closed_the_logic_works_in_the_next_one(world: Any, logic: SceneLogic, disc: Any) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    world.scene.Clear(0)
    volume = add_volume(world.scene, world.voxels + 1, world.ijk_to_ras)
    segmentation = add_segmentation(world.scene, volume)
    add_segment(segmentation, "A", disc, world.ijk_to_ras)
    assert logic.propagate(volume, segmentation).report.changed
    assert logic.undo(segmentation)
    assert np.array_equal(capture(volume, segmentation).segments[0].mask, disc)


def test_nothing_of_ours_is_saved_with_the_scene_but_the_tag(world: Any, logic: SceneLogic, disc: Any) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    node = world.scene.GetSingletonNode("Sli2VolSlicer", "vtkMRMLSegmentEditorNode")
    assert not node.GetSaveWithScene()
    assert node.GetHideFromEditors()
