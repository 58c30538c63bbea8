"""The scene with Slicer's slice views and 3D view in the page."""

from __future__ import annotations

from typing import Any

from trame_slicer.core import LayoutManager, SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.views import Layout, LayoutDirection, ViewLayoutDefinition

from .view_parts import slice_view_parts, threed_view_parts

LAYOUTS = ("Axial", "Four views", "3D")
_STILL_FPS = 8.0
_FPS = 15.0
"""Without a graphics card a picture takes some 30 ms of the loop: between two of them strokes are taken in."""


class Views:
    """Slicer's application without its window, and its views.

    Args:
        server: the trame server.

    Attributes:
        app: the trame-slicer application.
        layouts: draws the views into the page.
    """

    def __init__(self, server: Any) -> None:
        self.app = SlicerApp()
        register_rca_factories(
            self.app.view_manager,
            server,
            slice_view_ui_f=slice_view_parts,
            three_d_view_ui_f=threed_view_parts,
            target_fps=_FPS,
            blur_fps=_STILL_FPS,
            interactive_quality=70,
        )
        self.layouts = LayoutManager(self.app.scene, self.app.view_manager, server)
        self.layouts.register_layout_dict(_layouts())
        self.layouts.set_layout(LAYOUTS[0])

    @property
    def scene(self) -> Any:
        """The vtkMRMLScene."""
        return self.app.scene

    def show(self, volume_node: Any) -> None:
        """Show a volume in all slice views, from its middle."""
        display = self.app.display_manager
        display.show_volume_in_slice_foreground(None)
        display.show_volume_in_slice_background(volume_node)
        self.reset()

    def reset(self) -> None:
        """Let every view show all there is."""
        self.app.display_manager.reset_views()

    def look_at_surfaces(self) -> None:
        """Point the camera of the 3D view at what is there."""
        for view in self.app.view_manager.get_threed_views():
            view.fit_view_to_content()
            view.schedule_render()

    def render(self) -> None:
        """Draw all views anew as soon as there is time."""
        for view in self.app.view_manager.get_views():
            view.schedule_render()


def _layouts() -> dict[str, Layout]:
    axial, coronal = ViewLayoutDefinition.axial_view(), ViewLayoutDefinition.coronal_view()
    sagittal, threed = ViewLayoutDefinition.sagittal_view(), ViewLayoutDefinition.threed_view()
    across, down = LayoutDirection.Horizontal, LayoutDirection.Vertical
    return {
        LAYOUTS[0]: Layout(across, [axial, Layout(down, [coronal, sagittal, threed])], ["2", "1"]),
        LAYOUTS[1]: Layout(across, [Layout(down, [axial, coronal]), Layout(down, [threed, sagittal])]),
        LAYOUTS[2]: Layout(across, [threed, Layout(down, [axial, coronal, sagittal])], ["2", "1"]),
    }
