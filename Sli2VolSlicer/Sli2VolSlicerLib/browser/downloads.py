"""Files of the segmentation for the user to take home."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

from ..engine.errors import AnnotationError, OutputError
from ..files.volume_files import Grid, write_image
from ..scene.files import save_segmentation
from ..scene.geometry import image_to_array, matrix_to_array
from ..scene.segments import painted_ids

KINDS = ("seg.nrrd", "nii.gz", "stl")
_SURFACE = "Closed surface"


def write_download(kind: str, segmentation_node: Any, volume_node: Any, folder: Path) -> Path:
    """Write the segments that are painted.

    Args:
        kind: one of KINDS: Slicer's own file, a label map on the volume's grid, or their surface in millimetres (LPS).
        segmentation_node: vtkMRMLSegmentationNode.
        volume_node: the vtkMRMLScalarVolumeNode that was painted on.
        folder: where to.

    Returns:
        The file.

    Raises:
        AnnotationError: nothing is painted.
        OutputError: it cannot be written.
    """
    if volume_node is None or segmentation_node is None:
        msg = "No volume is open: there is nothing to download."
        raise AnnotationError(msg)
    segments = painted_ids(segmentation_node.GetSegmentation(), None)
    if not segments:
        msg = "Nothing is painted yet: there is nothing to download."
        raise AnnotationError(msg)
    stem = re.sub(r"[^\w.-]+", "-", str(volume_node.GetName())).strip("-.") or "segmentation"
    target = folder / f"{stem}.{kind}"
    if kind == "seg.nrrd":
        return save_segmentation(segmentation_node, target)
    if kind == "nii.gz":
        return _write_label_map(segmentation_node, segments, volume_node, target)
    if kind == "stl":
        return _write_surface(segmentation_node, segments, target)
    msg = f"'{kind}' is no kind of download: choose one of {', '.join(KINDS)}."
    raise OutputError(msg)


def _write_label_map(segmentation_node: Any, segments: tuple[str, ...], volume_node: Any, target: Path) -> Path:
    """Labels 1, 2, ... in the order of the list; where segments overlap the later one is seen."""
    labels = np.zeros(
        image_to_array(volume_node.GetImageData()).shape, dtype=np.uint8 if len(segments) < 256 else np.uint16
    )
    for label, segment_id in enumerate(segments, start=1):
        labels[_on_volume(segmentation_node, segment_id, volume_node) > 0] = label
    try:
        write_image(target, labels, _grid_of(volume_node))
    except RuntimeError as error:
        msg = f"The label map '{target.name}' could not be written: {error}"
        raise OutputError(msg) from error
    return target


def _grid_of(volume_node: Any) -> Grid:
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix_to_array(matrix)
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    x, y, z = (float(value) for value in spacing)
    i, j, k = (float(value) for value in lps[:3, 3])
    direction = tuple(float(value) for value in (lps[:3, :3] / spacing).ravel())
    return Grid(tuple(volume_node.GetImageData().GetDimensions()), (x, y, z), (i, j, k), direction)


def _on_volume(segmentation_node: Any, segment_id: str, volume_node: Any) -> np.ndarray:
    """One segment on the volume's grid, (k, j, i)."""
    reference = slicer.vtkOrientedImageData()
    reference.SetDimensions(volume_node.GetImageData().GetDimensions())
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    reference.SetGeometryFromImageToWorldMatrix(matrix)
    ids = vtk.vtkStringArray()
    ids.InsertNextValue(segment_id)
    merged = slicer.vtkOrientedImageData()
    extent = slicer.vtkSegmentation.EXTENT_REFERENCE_GEOMETRY
    if not segmentation_node.GenerateMergedLabelmapForAllSegments(merged, extent, reference, ids):
        msg = f"Segment '{segment_id}' could not be put on the volume's grid."
        raise OutputError(msg)
    return image_to_array(merged)


def _outside_out(surface: Any) -> Any:
    """The surface with its triangles facing outwards; on left-handed grids they come facing inwards."""
    if surface is None or not surface.GetNumberOfPolys():
        return surface
    points = np.asarray(numpy_support.vtk_to_numpy(surface.GetPoints().GetData()), dtype=np.float64)
    triangles = numpy_support.vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    first, second, third = (points[triangles[:, corner]] - points.mean(axis=0) for corner in range(3))
    if np.einsum("ij,ij->", first, np.cross(second, third)) >= 0:
        return surface
    turned = vtk.vtkReverseSense()
    turned.SetInputData(surface)
    turned.ReverseCellsOn()
    turned.Update()
    return turned.GetOutput()


def _write_surface(segmentation_node: Any, segments: tuple[str, ...], target: Path) -> Path:
    """All surfaces in one file; the segmentation itself is left as it is."""
    copy = slicer.vtkSegmentation()
    copy.DeepCopy(segmentation_node.GetSegmentation())
    if not copy.CreateRepresentation(_SURFACE):
        msg = "The surface of the segments could not be made."
        raise OutputError(msg)
    joined = vtk.vtkAppendPolyData()
    for segment_id in segments:
        joined.AddInputData(_outside_out(copy.GetSegment(segment_id).GetRepresentation(_SURFACE)))
    to_lps = vtk.vtkTransform()
    to_lps.Scale(-1, -1, 1)
    turned = vtk.vtkTransformPolyDataFilter()
    turned.SetTransform(to_lps)
    turned.SetInputConnection(joined.GetOutputPort())
    writer = vtk.vtkSTLWriter()
    writer.SetFileName(str(target))
    writer.SetFileTypeToBinary()
    writer.SetInputConnection(turned.GetOutputPort())
    if not writer.Write():
        msg = f"The surface '{target.name}' could not be written."
        raise OutputError(msg)
    return target
