"""The panel's choices, kept in the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from Sli2VolSlicerLib.engine.devices import DEVICE_NAMES
from Sli2VolSlicerLib.engine.methods import METHOD_NAMES
from Sli2VolSlicerLib.engine.records import Direction
from Sli2VolSlicerLib.scene.headless import make_scene
from Sli2VolSlicerLib.scene.panel_state import (
    DEVICES,
    METHODS,
    PanelState,
    parameter_node,
    read_state,
    write_state,
)


def chosen(world: Any) -> PanelState:
    """Nothing as by default."""
    return PanelState(
        volume_id=world.volume.GetID(),
        segmentation_id=world.segmentation.GetID(),
        direction=Direction.UP,
        only_selected_segment=True,
        range_first=2,
        range_last=7,
        method="optical-flow",
        device="cpu",
        weights_file=Path("somewhere") / "my weights.safetensors",
        memory_bound_mb=1024.5,
        show_confidence=True,
    )


def test_what_is_written_is_read_again(world: Any) -> None:
    node = parameter_node(world.scene)
    assert read_state(node) == PanelState()
    write_state(node, chosen(world))
    assert read_state(node) == chosen(world)
    write_state(node, PanelState())
    assert read_state(node) == PanelState()


def test_there_is_one_parameter_node_per_scene_and_slicer_finds_it(world: Any) -> None:
    node = parameter_node(world.scene)
    assert parameter_node(world.scene) is node
    assert world.scene.GetSingletonNode("Sli2VolSlicer", "vtkMRMLScriptedModuleNode") is node
    assert node.GetAttribute("ModuleName") == "Sli2VolSlicer"


def test_writing_tells_observers_once_and_only_if_something_changed(world: Any) -> None:
    node = parameter_node(world.scene)
    told: list[str] = []
    node.AddObserver("ModifiedEvent", lambda caller, event: told.append(event))
    write_state(node, chosen(world))
    assert len(told) == 1
    write_state(node, chosen(world))
    assert len(told) == 1


def test_it_is_saved_and_loaded_with_the_scene(world: Any, tmp_path: Path) -> None:
    write_state(parameter_node(world.scene), chosen(world))
    world.scene.SetURL(str(tmp_path / "scene.mrml"))
    assert world.scene.Commit()
    loaded = make_scene()
    loaded.scene.SetURL(str(tmp_path / "scene.mrml"))
    loaded.scene.Connect()
    state = read_state(parameter_node(loaded.scene))
    assert state == chosen(world)
    assert loaded.scene.GetNodeByID(state.volume_id).GetName() == "Volume"
    loaded.scene.Clear(1)


def test_a_scene_that_is_closed_leaves_nothing_chosen(world: Any) -> None:
    write_state(parameter_node(world.scene), chosen(world))
    world.scene.Clear(0)
    node = parameter_node(world.scene)
    assert read_state(node) == PanelState()
    assert node.GetAttribute("ModuleName") == "Sli2VolSlicer"


def test_nodes_that_were_deleted_are_no_longer_chosen(world: Any) -> None:
    node = parameter_node(world.scene)
    write_state(node, chosen(world))
    world.scene.RemoveNode(world.volume)
    assert read_state(node).volume_id is None
    assert read_state(node).segmentation_id == world.segmentation.GetID()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Direction", "sideways"),
        ("OnlySelectedSegment", "maybe"),
        ("RangeFirst", "-3"),
        ("RangeLast", "seven"),
        ("Method", "sli3vol"),
        ("Device", "abacus"),
        ("MemoryBoundMB", "nan"),
        ("MemoryBoundMB", "1"),
        ("ShowConfidence", "1"),
    ],
)
def test_what_is_unknown_or_damaged_is_as_by_default(world: Any, name: str, text: str) -> None:
    node = parameter_node(world.scene)
    node.SetParameter(name, text)
    assert read_state(node) == PanelState()


def test_a_range_the_wrong_way_round_is_no_range(world: Any) -> None:
    node = parameter_node(world.scene)
    node.SetParameter("RangeFirst", "8")
    node.SetParameter("RangeLast", "3")
    assert read_state(node).slice_range is None


def test_a_range_may_be_open_on_one_side() -> None:
    assert PanelState().slice_range is None
    assert PanelState(range_first=3).slice_range == (3, 2**31 - 1)
    assert PanelState(range_last=3).slice_range == (0, 3)


def test_the_methods_and_devices_offered_are_those_of_the_engine() -> None:
    assert METHODS == METHOD_NAMES
    assert DEVICES == DEVICE_NAMES
