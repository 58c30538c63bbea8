"""The confidence over the slice views, and what was there before."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

from Sli2VolSlicerLib.scene.colours import SURE, UNSURE, confidence_colour, confidence_table
from Sli2VolSlicerLib.scene.headless import add_volume, make_scene
from Sli2VolSlicerLib.scene.logic import SceneLogic
from Sli2VolSlicerLib.scene.overlay import OPACITY, hide_overlay, is_overlay_shown, show_overlay


def add_composite(scene: Any, name: str) -> Any:
    node = slicer.vtkMRMLSliceCompositeNode()
    node.SetLayoutName(name)
    return scene.AddNode(node)


@pytest.fixture
def painted(world: Any, disc: np.ndarray, copying: SceneLogic) -> Any:
    """Red shows a PET in the foreground, Green nothing."""
    world.add("A", disc)
    world.confidence = copying.write_confidence(world.volume, world.segmentation)
    world.pet = add_volume(world.scene, world.voxels, world.ijk_to_ras, "PET")
    world.red, world.green = (add_composite(world.scene, name) for name in ("Red", "Green"))
    world.red.SetForegroundVolumeID(world.pet.GetID())
    world.red.SetForegroundOpacity(0.35)
    return world


def foregrounds(world: Any) -> list[tuple[str | None, float]]:
    return [(node.GetForegroundVolumeID(), node.GetForegroundOpacity()) for node in (world.red, world.green)]


def test_it_is_laid_over_every_view_and_taken_away_again(painted: Any) -> None:
    before = foregrounds(painted)
    assert not is_overlay_shown(painted.scene)
    assert show_overlay(painted.confidence) == 2
    assert foregrounds(painted) == [(painted.confidence.GetID(), OPACITY)] * 2
    assert is_overlay_shown(painted.scene)
    hide_overlay(painted.scene)
    assert foregrounds(painted) == before
    assert not is_overlay_shown(painted.scene)
    hide_overlay(painted.scene)
    assert foregrounds(painted) == before


def test_showing_it_twice_forgets_nothing_and_reaches_new_views(painted: Any) -> None:
    before = foregrounds(painted)
    show_overlay(painted.confidence)
    painted.red.SetForegroundOpacity(0.9)
    added = add_composite(painted.scene, "Yellow")
    show_overlay(painted.confidence)
    assert added.GetForegroundVolumeID() == painted.confidence.GetID()
    assert painted.red.GetForegroundOpacity() == 0.9, "the user's own opacity"
    hide_overlay(painted.scene)
    assert foregrounds(painted) == before
    assert not added.GetForegroundVolumeID()


def test_a_foreground_that_the_user_has_chosen_since_stays(painted: Any) -> None:
    show_overlay(painted.confidence)
    painted.green.SetForegroundVolumeID(painted.pet.GetID())
    painted.green.SetForegroundOpacity(0.8)
    hide_overlay(painted.scene)
    assert foregrounds(painted) == [(painted.pet.GetID(), 0.35), (painted.pet.GetID(), 0.8)]


def test_nodes_deleted_meanwhile_do_no_harm(painted: Any) -> None:
    show_overlay(painted.confidence)
    painted.scene.RemoveNode(painted.confidence)
    assert not is_overlay_shown(painted.scene)
    painted.scene.RemoveNode(painted.pet)
    hide_overlay(painted.scene)
    assert [node.GetForegroundVolumeID() for node in (painted.red, painted.green)] == [None, None]


def test_a_scene_saved_with_it_finds_the_way_back(painted: Any, tmp_path: Path) -> None:
    show_overlay(painted.confidence)
    painted.scene.SetURL(str(tmp_path / "scene.mrml"))
    assert painted.scene.Commit()
    loaded = make_scene()
    loaded.scene.SetURL(str(tmp_path / "scene.mrml"))
    loaded.scene.Connect()
    assert is_overlay_shown(loaded.scene)
    hide_overlay(loaded.scene)
    red = next(
        loaded.scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode")
        for n in range(2)
        if loaded.scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode").GetLayoutName() == "Red"
    )
    assert loaded.scene.GetNodeByID(red.GetForegroundVolumeID()).GetName() == "PET"
    assert red.GetForegroundOpacity() == pytest.approx(0.35)
    loaded.scene.Clear(1)


def test_its_colours_go_from_orange_to_blue(painted: Any) -> None:
    show_overlay(painted.confidence)
    table = painted.confidence.GetDisplayNode().GetColorNode()
    assert table is confidence_table(painted.scene)
    found = [0.0] * 4
    for index, expected in ((0, UNSURE), (table.GetNumberOfColors() - 1, SURE)):
        table.GetColor(index, found)
        assert found[:3] == pytest.approx([value / 255 for value in expected], abs=0.01)
    assert confidence_colour(-1) == UNSURE
    assert confidence_colour(2) == SURE


def test_there_are_colours_after_a_scene_was_closed(painted: Any) -> None:
    colours = confidence_table(painted.scene).GetNumberOfColors()
    painted.scene.Clear(0)
    assert confidence_table(painted.scene).GetNumberOfColors() == colours


def as_seen_without(cone: str, colour: tuple[int, int, int]) -> np.ndarray:
    """Linear RGB as people without one kind of cones see it (Viénot, Brettel and Mollon 1999)."""
    linear = (np.array(colour) / 255) ** 2.2
    matrices = {
        "red": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
        "green": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
    }
    return np.asarray(np.array(matrices[cone]) @ linear)


@pytest.mark.parametrize("cone", ["red", "green"])
def test_the_colours_differ_for_people_with_red_green_blindness(cone: str) -> None:
    steps = [as_seen_without(cone, confidence_colour(share)) for share in np.linspace(0, 1, 5)]
    assert np.linalg.norm(steps[0] - steps[-1]) > 0.4
    for one, next_one in itertools.pairwise(steps):
        assert np.linalg.norm(one - next_one) > 0.06
