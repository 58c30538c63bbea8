"""A picture of segments as closed surfaces, drawn off screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slicer
import vtk

from ..engine.errors import AnnotationError, OutputError
from .segments import require_segmentation, segment_ids

CLOSED_SURFACE = "Closed surface"
_BACKGROUND = (1.0, 1.0, 1.0)


def surfaces(segmentation_node: Any, chosen: Sequence[str] | None = None) -> dict[str, Any]:
    """Segment ID -> vtkPolyData in the segmentation's coordinates; empty segments are left out.

    Works on a copy: the node gets no new representation.

    Raises:
        AnnotationError: no such segment, or no surface could be made of any.
    """
    segmentation = require_segmentation(segmentation_node)
    wanted = list(segment_ids(segmentation) if chosen is None else chosen)
    copy = slicer.vtkSegmentation()
    copy.SetSourceRepresentationName(segmentation.GetSourceRepresentationName())
    for segment_id in wanted:
        segment = segmentation.GetSegment(segment_id)
        if segment is None:
            msg = f"There is no segment '{segment_id}' in segmentation '{segmentation_node.GetName()}'."
            raise AnnotationError(msg)
        copy.CopySegmentFromSegmentation(segmentation, segment_id)
    copy.CreateRepresentation(CLOSED_SURFACE)
    found: dict[str, Any] = {}
    for segment_id in wanted:
        surface = copy.GetSegment(segment_id).GetRepresentation(CLOSED_SURFACE)
        if surface is not None and surface.GetNumberOfCells() > 0:
            found[segment_id] = surface
    if not found:
        msg = f"Segmentation '{segmentation_node.GetName()}' has nothing to draw: its segments are empty."
        raise AnnotationError(msg)
    return found


def surface_picture(
    segmentation_node: Any,
    path: Path | str,
    segment_ids: Sequence[str] | None = None,
    *,
    size: tuple[int, int] = (900, 900),
    azimuth: float = 30.0,
) -> Path:
    """Draw segments as smooth surfaces, seen from the front and a little above, into a PNG.

    Args:
        segmentation_node: the vtkMRMLSegmentationNode.
        path: the PNG to write.
        segment_ids: which segments; all by default.
        size: width and height in pixels.
        azimuth: degrees to walk around the patient, from the front.

    Raises:
        AnnotationError: nothing to draw.
        OutputError: the file cannot be written.
    """
    target = Path(path)
    if not target.parent.is_dir():
        msg = f"The folder '{target.parent}' does not exist: the picture '{target.name}' cannot be written there."
        raise OutputError(msg)
    renderer = vtk.vtkRenderer()
    renderer.SetBackground(*_BACKGROUND)
    segmentation = require_segmentation(segmentation_node)
    for segment_id, surface in surfaces(segmentation_node, segment_ids).items():
        renderer.AddActor(_actor(surface, segmentation.GetSegment(segment_id).GetColor()))
    _place_camera(renderer, azimuth)
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(0)
    window.SetSize(*size)
    window.AddRenderer(renderer)
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(target))
    writer.SetInputConnection(grab.GetOutputPort())
    writer.Write()
    window.Finalize()
    if writer.GetErrorCode() != 0 or not target.is_file():
        msg = f"The picture could not be written to '{target}'."
        raise OutputError(msg)
    return target


def _actor(surface: Any, color: Sequence[float]) -> Any:
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputData(surface)
    normals.SetFeatureAngle(80.0)
    normals.ConsistencyOn()
    normals.AutoOrientNormalsOn()
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputConnection(normals.GetOutputPort())
    mapper.ScalarVisibilityOff()
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    shading = actor.GetProperty()
    shading.SetColor(*color)
    shading.SetInterpolationToPhong()
    shading.SetAmbient(0.15)
    shading.SetSpecular(0.25)
    shading.SetSpecularPower(25)
    return actor


def _place_camera(renderer: Any, azimuth: float) -> None:
    """In RAS: looking from the front (+A) to the back, head (+S) up."""
    camera = renderer.GetActiveCamera()
    camera.SetFocalPoint(0, 0, 0)
    camera.SetPosition(0, 1, 0)
    camera.SetViewUp(0, 0, 1)
    renderer.ResetCamera()
    camera.Azimuth(azimuth)
    camera.Elevation(15.0)
    camera.Zoom(1.3)
    renderer.ResetCameraClippingRange()
