"""The real engine behind the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.annotation import anchors_from_masks
from Sli2VolSlicerLib.engine.errors import MethodError
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation, add_volume, make_scene
from Sli2VolSlicerLib.scene.logic import SceneLogic

SHAPE = (12, 20, 24)


def ball() -> np.ndarray:
    k, j, i = np.indices(SHAPE)
    return ((k - 5) / 5.0) ** 2 + ((j - 9) / 6.0) ** 2 + ((i - 11) / 7.0) ** 2 < 1


def image() -> np.ndarray:
    noise = np.random.default_rng(5).normal(0, 8, SHAPE)
    return (200 * ball() + noise).astype(np.int16)


def painted(axis: int) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    middle = (5, 9, 11)[axis]
    np.moveaxis(mask, axis, 0)[middle] = np.moveaxis(ball(), axis, 0)[middle]
    return mask


@pytest.mark.parametrize("method", ["copy", "optical-flow"])
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    order=st.permutations([0, 1, 2]),
    signs=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3),
    spacing=st.tuples(*[st.floats(0.4, 4.0)] * 3),
    turn=st.floats(-3, 3),
    axis=st.integers(0, 2),
)
def test_in_any_pose_the_scene_gives_what_the_engine_gives_on_plain_arrays(
    method: str, order: list[int], signs: tuple[float, ...], spacing: tuple[float, ...], turn: float, axis: int
) -> None:
    pose = np.eye(4)
    oblique = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    pose[:3, :3] = oblique @ np.diag(signs)[order] @ np.diag(spacing)
    pose[:3, 3] = (13, -40, 7)
    headless = make_scene()
    volume = add_volume(headless.scene, image(), pose)
    segmentation = add_segmentation(headless.scene, volume)
    add_segment(segmentation, "A", painted(axis), pose)
    logic = SceneLogic()
    result = logic.propagate(volume, segmentation, method=method, device="cpu")
    assert result.capture.axis == axis
    stack = SliceStack(image(), spacing[::-1], axis)
    anchors = anchors_from_masks({1: painted(axis)}, axis)
    plain = PropagationSession(stack, create_method(method, None, "cpu")).propagate(anchors)
    assert np.array_equal(result.propagation.masks[1], plain.masks[1])
    again = logic.propagate(volume, segmentation, method=method, device="cpu")
    assert not again.report.changed
    assert np.array_equal(stack.slices_first(again.capture.segments[0].mask), plain.masks[1])


def test_the_session_is_kept_until_the_volume_changes(world: Any, disc: np.ndarray) -> None:
    made: list[PropagationSession] = []

    def make(stack: SliceStack, method: Any) -> PropagationSession:
        made.append(PropagationSession(stack, method))
        return made[-1]

    logic = SceneLogic(make_session=make)
    world.add("A", disc)
    for _ in range(2):
        logic.propagate(world.volume, world.segmentation, method="copy")
    assert len(made) == 1
    logic.propagate(world.volume, world.segmentation, method="copy", slice_range=(2, 6))
    assert len(made) == 1
    world.volume.GetImageData().GetPointData().GetScalars().Modified()
    logic.propagate(world.volume, world.segmentation, method="copy")
    assert len(made) == 2
    logic.propagate(world.volume, world.segmentation, method="optical-flow")
    assert len(made) == 3
    logic.drop_session()
    logic.propagate(world.volume, world.segmentation, method="optical-flow")
    assert len(made) == 4


def test_a_correction_changes_nothing_beyond_the_next_anchor(world: Any, disc: np.ndarray) -> None:
    from Sli2VolSlicerLib.scene.editor import modifier_image

    disc[8] = disc[4]
    world.add("A", disc)
    logic = SceneLogic()
    logic.propagate(world.volume, world.segmentation, method="copy")
    before = world.mask("A")
    segment = world.segmentation.GetSegmentation().GetSegment("A")
    extra = modifier_image(
        segment.GetRepresentation("Binary labelmap"), np.ones((1, 2, 2), dtype=bool), (0, 1, 0, 1, 2, 2)
    )
    world.writer().add("A", extra)
    result = logic.propagate(world.volume, world.segmentation, method="copy")
    assert result.capture.segments[0].anchors == (2, 4, 8)
    assert np.array_equal(world.mask("A")[4:], before[4:])


def test_an_unknown_method_changes_nothing(world: Any, disc: np.ndarray) -> None:
    world.add("A", disc)
    with pytest.raises(MethodError, match="'telepathy'"):
        SceneLogic().propagate(world.volume, world.segmentation, method="telepathy")
    assert np.array_equal(world.mask("A"), disc)


def test_weights_are_looked_for_only_by_methods_that_have_them(world: Any, disc: np.ndarray, tmp_path: Path) -> None:
    asked: list[str] = []

    def find(name: str) -> Path:
        asked.append(name)
        return tmp_path / "missing.safetensors"

    from Sli2VolSlicerLib.engine.errors import WeightsError

    world.add("A", disc)
    logic = SceneLogic(find_weights=find)
    logic.propagate(world.volume, world.segmentation, method="copy")
    assert asked == []
    with pytest.raises(WeightsError):
        logic.propagate(world.volume, world.segmentation, ["A"], method="sli2vol")
    assert asked == ["sli2vol", "sli2vol-refinement", "sli2vol-ends"]
