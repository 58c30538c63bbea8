"""The module file as Slicer would use it."""

from __future__ import annotations

import subprocess
import sys
import unittest
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from slicerhost.fake_session import FakeSession
from slicerhost.host import slicer_desktop

from Sli2VolSlicerLib.scene.logic import SceneLogic


@pytest.fixture
def module(scene: Any) -> Iterator[ModuleType]:
    """The module's file, loaded by Slicer."""
    with slicer_desktop(scene) as desktop:
        desktop.load_module()
        desktop.show()
        yield sys.modules["Sli2VolSlicer"]


def test_the_module_says_what_it_is(module: ModuleType) -> None:
    parent = SimpleNamespace(path=module.__file__)
    module.Sli2VolSlicer(parent)
    assert parent.title == "Sli2Vol"
    assert parent.categories == ["Segmentation"]
    assert "Propagate" in parent.helpText


def test_the_self_test_of_the_module_passes(module: ModuleType) -> None:
    pytest.importorskip("Sli2VolSlicerLib.engine.session")
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(module.Sli2VolSlicerTest).run(result)
    module.Sli2VolSlicerTest().run(result)
    problems = "\n".join(text for _, text in result.errors + result.failures)
    assert result.testsRun == 3, "both tests by name, and runTest as Slicer calls it"
    assert result.wasSuccessful(), problems


def test_the_logic_of_the_module_takes_slicers_names(module: ModuleType, world: Any, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic = module.Sli2VolSlicerLogic(SceneLogic(make_method=lambda name, device: None, make_session=FakeSession))
    seen: list[int] = []
    result = logic.propagate(
        world.volume,
        world.segmentation,
        segmentIDs=["A"],
        sliceRange=(2, 7),
        segmentEditorNode=None,
        progress=lambda p: seen.append(p.slice_index),
        isCancelled=lambda: False,
    )
    assert result.report.changed
    assert seen
    assert logic.undo(world.segmentation)
    assert np.array_equal(world.mask("A"), disc)
    assert logic.redo(world.segmentation)


def test_the_logic_of_the_module_has_the_whole_loop_under_slicers_names(
    module: ModuleType, world: Any, disc: np.ndarray, copying: SceneLogic
) -> None:
    world.add("A", disc)
    nodes = world.volume, world.segmentation
    logic = module.Sli2VolSlicerLogic(copying)
    logic.propagate(*nodes)
    assert logic.acceptSlice(*nodes, "A", 6)
    assert [a.slice_index for a in logic.anchors(*nodes, segmentIDs=["A"])] == [4, 6]
    assert logic.release(*nodes, "A", 6)
    assert logic.limitRange(*nodes, "A", last=10.0, unit="mm").limits.last == 8
    assert logic.limits(*nodes)["A"].last == 8
    logic.clearLimits(world.segmentation, "A")
    assert not logic.limits(*nodes)
    (best,) = logic.recommend(*nodes, policy="keep-n")
    assert best.slice_index != 4
    assert len(logic.recommend(world.volume, policy="keep-n", count=2)) == 2
    assert 0 <= logic.estimateQuality(*nodes)["A"].dice <= 1
    confidence = logic.writeConfidence(*nodes)
    assert confidence.GetImageData().GetDimensions() == world.volume.GetImageData().GetDimensions()


def test_the_scene_can_be_imported_before_torch_is_installed() -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'safetensors', 'skimage', 'SimpleITK'): sys.modules[name] = None\n"
        "import Sli2VolSlicerLib.scene.logic, Sli2VolSlicerLib.scene.picture, Sli2VolSlicerLib.scene.files\n"
        "assert 'qt' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
