"""The module open on a real abdominal CT, and a user who draws its spleen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from demo_scene import ijk_to_ras

from Sli2VolSlicerLib.files.volume_files import Grid
from Sli2VolSlicerLib.scene.headless import add_volume
from Sli2VolSlicerLib.scene.logic import SceneLogic

CASE = "spleenCT_8"


class RealBench:
    """A bench with a real volume, and what is true of it.

    Args:
        bench: the module, open.
        folder: of the volumes.
        mirrored: take the file's left for its right. Its header has them the wrong way round, with the liver on the
            patient's left: that does not matter unless somebody looks at it.

    Attributes:
        voxels: int16, (k, j, i).
        truth: where the spleen is, bool, (k, j, i).
        matrix: voxels to RAS, (4, 4).
    """

    def __init__(self, bench: Any, folder: Path, *, mirrored: bool = False) -> None:
        image, label = (sitk.ReadImage(str(folder / "eval" / f"{CASE}_{kind}.nii.gz")) for kind in ("img", "label"))
        self.bench = bench
        self.voxels, self.truth = sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(label) > 0
        self.matrix = ijk_to_ras(Grid.of(image))
        if mirrored:
            self.matrix = np.diag([-1.0, 1, 1, 1]) @ self.matrix
        if np.linalg.det(self.matrix) < 0:
            # Slicer turns left-handed volumes round when it loads them.
            self.voxels, self.truth = self.voxels[::-1], self.truth[::-1]
            self.matrix = self.matrix @ np.array(
                [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, len(self.voxels) - 1], [0, 0, 0, 1]]
            )
        bench.volume = add_volume(bench.scene, self.voxels, self.matrix, "Abdomen")
        bench.desktop.show_volume(bench.volume)
        bench.ui.segmentationSelector.setCurrentNode(None)
        bench.scene.RemoveNode(bench.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode"))
        bench.ui.volumeSelector.setCurrentNode(bench.volume)
        bench.settle()
        bench.add_segment()
        bench.panel.desk.logic = SceneLogic()

    def draw(self, index: int, structure: np.ndarray | None = None) -> None:
        """Draw a slice of a structure with small strokes of the editor's brush, over whatever is there.

        Args:
            index: of the slice.
            structure: bool, (k, j, i); the truth by default.
        """
        structure = self.truth if structure is None else structure
        k, j, i = np.indices(structure.shape)
        normal = self.matrix[:3, 2]
        spacing = float(np.linalg.norm(self.matrix[:3, 0]))
        paint = self.bench.panel.editor.widget.paint
        middle = (self.matrix @ [*(n / 2 for n in structure.shape[:0:-1]), index, 1])[:3]
        paint(tuple(middle), 2000.0, normal=normal, erase=True)
        here = structure & (k == index) & ((i + j) % 2 == 0)
        for row, column in zip(*np.nonzero(here[index]), strict=True):
            paint(tuple((self.matrix @ [column, row, index, 1])[:3]), 1.1 * spacing, normal=normal)
        self.bench.settle()

    def dice(self) -> float:
        """How good the segment is."""
        now = self.bench.mask()
        return float(2 * (now & self.truth).sum() / (now.sum() + self.truth.sum()))
