"""A picture of segments as closed surfaces, drawn off screen."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

from ..engine.errors import AnnotationError, OutputError
from .segments import require_segmentation, segment_ids

CLOSED_SURFACE = "Closed surface"
_MOST_TRIANGLES = 20_000
_PROBE = """
import os, vtk
kind = vtk.vtkRenderWindow
if not os.environ.get("DISPLAY") and hasattr(vtk, "vtkEGLRenderWindow"):
    kind = vtk.vtkEGLRenderWindow
window = kind()
window.SetOffScreenRendering(True)
window.SetSize(8, 8)
window.AddRenderer(vtk.vtkRenderer())
window.Render()
raise SystemExit(0 if window.SupportsOpenGL() else 1)
"""


@dataclass(frozen=True, eq=False)
class ColoredSurface:
    """A vtkPolyData and its red, green and blue, 0..1."""

    surface: Any
    color: tuple[float, ...]


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
    segmentation = require_segmentation(segmentation_node)
    drawn = [
        ColoredSurface(surface, tuple(segmentation.GetSegment(segment_id).GetColor()))
        for segment_id, surface in surfaces(segmentation_node, segment_ids).items()
    ]
    if graphics_available():
        _draw_with_vtk(drawn, target, size, azimuth)
    else:
        _draw_with_matplotlib(drawn, target, size, azimuth)
    if not target.is_file():
        msg = f"The picture could not be written to '{target}'."
        raise OutputError(msg)
    return target


def graphics_available() -> bool:
    """Whether VTK can draw here without a window.

    Without any OpenGL library VTK does not fail but ends the process: it is tried in another one.
    """
    if hasattr(slicer, "app") or sys.platform != "linux":
        return True
    done = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, check=False, timeout=60)
    return done.returncode == 0


def _render_window() -> Any:
    """Off screen; where there is no X server, without looking for one."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY") and hasattr(vtk, "vtkEGLRenderWindow"):
        return vtk.vtkEGLRenderWindow()
    return vtk.vtkRenderWindow()


def _draw_with_vtk(drawn: Sequence[ColoredSurface], target: Path, size: tuple[int, int], azimuth: float) -> None:
    renderer = vtk.vtkRenderer()
    renderer.SetBackground(1.0, 1.0, 1.0)
    for each in drawn:
        renderer.AddActor(_actor(each.surface, each.color))
    _place_camera(renderer, azimuth, size[0] / size[1])
    window = _render_window()
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


def _draw_with_matplotlib(drawn: Sequence[ColoredSurface], target: Path, size: tuple[int, int], azimuth: float) -> None:
    """The same view with flat shading, for machines without OpenGL."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection  # type: ignore[import-untyped]

    figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100)
    FigureCanvasAgg(figure)
    axes: Any = figure.add_axes((0, 0, 1, 1), projection="3d")
    corners = []
    for each in drawn:
        triangles = _triangles(each.surface)
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        around = np.deg2rad(90.0 + azimuth)
        light = np.array([np.cos(around), np.sin(around), 0.6])
        bright = 0.35 + 0.65 * np.abs(normals @ light) / np.linalg.norm(light)
        colors = np.clip(bright[:, None] * np.asarray(each.color), 0, 1)
        axes.add_collection3d(Poly3DCollection(triangles, facecolors=colors, edgecolors=colors, linewidths=0.2))
        corners.append(triangles.reshape(-1, 3))
    points = np.concatenate(corners)
    low, high = points.min(axis=0), points.max(axis=0)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]))
    axes.set_box_aspect(np.maximum(high - low, 1e-3), zoom=1.2)
    axes.set_axis_off()
    axes.view_init(elev=15.0, azim=90.0 + azimuth)
    figure.savefig(target)


def _triangles(surface: Any) -> np.ndarray:
    """At most `_MOST_TRIANGLES` triangles, float (n, 3 corners, 3 coordinates)."""
    triangulate = vtk.vtkTriangleFilter()
    triangulate.SetInputData(surface)
    triangulate.Update()
    mesh = triangulate.GetOutput()
    if mesh.GetNumberOfCells() > _MOST_TRIANGLES:
        decimate = vtk.vtkQuadricDecimation()
        decimate.SetInputData(mesh)
        decimate.SetTargetReduction(1.0 - _MOST_TRIANGLES / mesh.GetNumberOfCells())
        decimate.Update()
        mesh = decimate.GetOutput()
    points = numpy_support.vtk_to_numpy(mesh.GetPoints().GetData())
    corners = numpy_support.vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return points[corners].astype(float)


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


def _place_camera(renderer: Any, azimuth: float, aspect: float) -> None:
    """In RAS: looking from the front (+A) to the back, head (+S) up; everything in view."""
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    camera.SetFocalPoint(0, 0, 0)
    camera.SetPosition(0, 1, 0)
    camera.SetViewUp(0, 0, 1)
    renderer.ResetCamera()
    camera.Azimuth(azimuth)
    camera.Elevation(15.0)
    camera.OrthogonalizeViewUp()
    x0, x1, y0, y1, z0, z1 = renderer.ComputeVisiblePropBounds()
    half = np.array([x1 - x0, y1 - y0, z1 - z0]) / 2
    up = np.array(camera.GetViewUp())
    right = np.cross(camera.GetDirectionOfProjection(), up)
    camera.SetParallelScale(1.05 * max(np.abs(up) @ half, np.abs(right) @ half / aspect))
    renderer.ResetCameraClippingRange()
