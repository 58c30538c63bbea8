"""The whole way on a real CT, as a user goes it: paint, P, N, correct, P, Ctrl+Z, redo, save, close, load, go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from demo_scene import ijk_to_ras

from Sli2VolSlicerLib.commands.volume_files import Grid
from Sli2VolSlicerLib.scene.headless import add_volume
from Sli2VolSlicerLib.scene.logic import SceneLogic

CASE = "spleenCT_8"


class RealBench:
    """A bench with a real volume, and what is true of it.

    Args:
        bench: the module, open.
        folder: of the volumes.
    """

    def __init__(self, bench: Any, folder: Path) -> None:
        image, label = (sitk.ReadImage(str(folder / "eval" / f"{CASE}_{kind}.nii.gz")) for kind in ("img", "label"))
        self.bench = bench
        voxels, self.truth = sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(label) > 0
        self.matrix = ijk_to_ras(Grid.of(image))
        if np.linalg.det(self.matrix) < 0:
            # Slicer turns left-handed volumes round when it loads them.
            voxels, self.truth = voxels[::-1], self.truth[::-1]
            self.matrix = self.matrix @ np.array(
                [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, len(voxels) - 1], [0, 0, 0, 1]]
            )
        bench.volume = add_volume(bench.scene, voxels, self.matrix, "Abdomen")
        bench.desktop.show_volume(bench.volume)
        bench.ui.segmentationSelector.setCurrentNode(None)
        bench.scene.RemoveNode(bench.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode"))
        bench.ui.volumeSelector.setCurrentNode(bench.volume)
        bench.settle()
        bench.add_segment()
        bench.panel.desk.logic = SceneLogic()

    def draw(self, index: int) -> None:
        """Draw the true slice with small strokes of the editor's brush, over whatever is there."""
        k, j, i = np.indices(self.truth.shape)
        normal = self.matrix[:3, 2]
        spacing = float(np.linalg.norm(self.matrix[:3, 0]))
        paint = self.bench.panel.editor.widget.paint
        middle = (self.matrix @ [*(n / 2 for n in self.truth.shape[:0:-1]), index, 1])[:3]
        paint(tuple(middle), 2000.0, normal=normal, erase=True)
        here = self.truth & (k == index) & ((i + j) % 2 == 0)
        for row, column in zip(*np.nonzero(here[index]), strict=True):
            paint(tuple((self.matrix @ [column, row, index, 1])[:3]), 1.1 * spacing, normal=normal)
        self.bench.settle()

    def dice(self) -> float:
        """How good the segment is."""
        now = self.bench.mask()
        return float(2 * (now & self.truth).sum() / (now.sum() + self.truth.sum()))


@pytest.fixture
def real(bench: Any, data_folder: Path) -> RealBench:
    return RealBench(bench, data_folder)


@pytest.mark.slow
def test_the_whole_way_on_a_real_volume(real: RealBench, tmp_path: Path) -> None:
    bench = real.bench
    first = int(real.truth.sum(axis=(1, 2)).argmax())
    real.draw(first)
    drawn = bench.mask()[first]
    bench.key("P")
    bench.until(lambda: "of at most" in bench.ui.progressBar.format)
    bench.settle()
    once = real.dice()
    assert once > 0.7, bench.status

    bench.key("N")
    bench.settle()
    second = bench.panel.desk.shown_slice
    assert second is not None
    assert second != first
    real.draw(second)
    corrected = bench.mask()[second]
    bench.propagate()
    after = bench.mask()
    twice = real.dice()
    assert twice > once
    assert np.array_equal(after[first], drawn)
    assert np.array_equal(after[second], corrected)

    bench.key("Ctrl+Z")
    bench.settle()
    assert not np.array_equal(bench.mask(), after)
    assert np.array_equal(bench.mask()[second], corrected), "only the propagation was taken back"
    bench.key("Ctrl+Y")
    bench.settle()
    assert np.array_equal(bench.mask(), after)

    bench.save(tmp_path / "scene.mrb")
    bench.scene.Clear(0)
    bench.settle()
    bench.load_scene(tmp_path / "scene.mrb")
    assert np.array_equal(bench.mask(), after)
    bench.key("N")
    bench.settle()
    real.draw(bench.panel.desk.shown_slice)
    bench.propagate()
    assert real.dice() >= twice - 0.01
    assert np.array_equal(bench.mask()[first], drawn)
