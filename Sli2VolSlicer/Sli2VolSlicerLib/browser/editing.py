"""The list of segments, the tools, and undo and redo, by trame-slicer's segment editor."""

from __future__ import annotations

from typing import Any

from trame_slicer.core import VolumeWindowLevel
from trame_slicer.segmentation import (
    BrushDiameterMode,
    SegmentationEffectErase,
    SegmentationEffectIslands,
    SegmentationEffectNoTool,
    SegmentationEffectPaint,
    SegmentationIslandsMode,
)

from ..scene.segments import segment_ids
from .page_state import PageState
from .undo import make_history

TOOLS = {
    "none": SegmentationEffectNoTool,
    "paint": SegmentationEffectPaint,
    "erase": SegmentationEffectErase,
}
"""Name in the page -> effect."""

COLOURS = (
    (0.36, 0.78, 0.42),
    (0.95, 0.75, 0.20),
    (0.85, 0.40, 0.62),
    (0.35, 0.62, 0.92),
    (0.90, 0.45, 0.30),
    (0.60, 0.50, 0.88),
    (0.30, 0.78, 0.76),
    (0.72, 0.76, 0.34),
)
"""Of new segments, one after the other; bright enough for grey slices."""

SMALL_ISLAND_VOXELS = 1000
"""What is smaller is taken away by "Remove small islands"."""


class Editing:
    """What the user does to segments by hand.

    Args:
        app: the trame-slicer application.
        page: its values.
    """

    def __init__(self, app: Any, page: PageState) -> None:
        self._editor = app.segmentation_editor
        self._page = page
        self._editor.set_undo_stack(make_history())
        self._editor.undo_stack.index_changed.connect(self.show)
        self._editor.segmentation_modified.connect(self.show)
        self._editor.active_segment_id_changed.connect(self.show)
        page.on_change("tool", self.take_tool)
        page.on_change("brush_mm", lambda value: self._set_brush())
        page.on_change("is_sphere", lambda value: self._set_brush())
        page.on_change("is_masked", lambda value: self._set_mask())
        page.on_change("mask_range", lambda value: self._set_mask())

    @property
    def segmentation(self) -> Any:
        """The vtkMRMLSegmentationNode that is edited, or None."""
        return self._editor.active_segmentation_node

    def edit(self, segmentation_node: Any, volume_node: Any) -> None:
        """Begin with a segmentation on a volume; what could be undone before is forgotten."""
        self._page.show(show_3d=False)
        self.show_surfaces(False)
        self._editor.set_active_segmentation(segmentation_node, volume_node)
        low, high = VolumeWindowLevel.get_volume_scalar_range(volume_node)
        self._page.show(mask_limits=[low, high], mask_range=[low, high], is_masked=False, tool="none")
        if not segment_ids(segmentation_node.GetSegmentation()):
            self.add_segment()
            self._editor.undo_stack.clear()
        self._set_brush()
        self.show()

    def add_segment(self) -> None:
        """Add an empty segment and select it."""
        if self.segmentation is None:
            return
        names = set(self._editor.get_segment_names())
        number = next(n for n in range(1, len(names) + 2) if f"Segment {n}" not in names)
        colour = COLOURS[(number - 1) % len(COLOURS)]
        self._editor.add_empty_segment(segment_name=f"Segment {number}", segment_color=list(colour))

    def select(self, segment_id: str) -> None:
        """Paint in this segment from now on."""
        self._editor.set_active_segment_id(segment_id)

    def rename(self, segment_id: str, name: str) -> None:
        """Call a segment something else; an empty name changes nothing."""
        self._change(segment_id, name=name.strip())

    def recolour(self, segment_id: str, colour: str) -> None:
        """Show a segment in another colour, given as "#rrggbb"."""
        values = bytes.fromhex(colour.removeprefix("#")[:6])
        self._change(segment_id, color=[value / 255 for value in values])

    def set_visible(self, segment_id: str, visible: bool) -> None:
        """Show or hide a segment."""
        self._editor.set_segment_visibility(segment_id, visible)
        self.show()

    def delete(self, segment_id: str) -> None:
        """Take a segment away; undo brings it back."""
        self._editor.remove_segment(segment_id)

    def take_tool(self, name: str) -> None:
        """Take a tool: one of TOOLS; anything else puts it away."""
        effect = TOOLS.get(name, SegmentationEffectNoTool)
        if (
            effect is not SegmentationEffectNoTool
            and self.segmentation is not None
            and not self._editor.active_segment_id
        ):
            self.add_segment()
        self._editor.set_active_effect_type(effect)

    def keep_largest_island(self) -> None:
        """Take away all that does not hang together with the largest part of the selected segment."""
        self._islands(SegmentationIslandsMode.KEEP_LARGEST_ISLAND)

    def remove_small_islands(self) -> None:
        """Take small parts of the selected segment away."""
        self._islands(SegmentationIslandsMode.REMOVE_SMALL_ISLANDS)

    def undo(self) -> None:
        """Take the last step back."""
        if self._editor.undo_stack.can_undo():
            self._editor.undo_stack.undo()
            self._after_history()

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self._editor.undo_stack.can_redo():
            self._editor.undo_stack.redo()
            self._after_history()

    def show_surfaces(self, shown: bool) -> None:
        """Show the segments in 3D, or not."""
        self._editor.show_3d(shown)

    def show(self, *_: Any) -> None:
        """Show the list as it is."""
        editor, history = self._editor, self._editor.undo_stack
        rows = [
            {
                "id": segment_id,
                "name": each.name,
                "colour": "#" + "".join(f"{round(255 * value):02x}" for value in each.color),
                "visible": bool(editor.get_segment_visibility(segment_id)),
            }
            for segment_id, each in editor.get_all_segment_properties().items()
        ]
        self._page.show(
            segments=rows,
            selected_segment=editor.active_segment_id,
            can_undo=history.can_undo(),
            can_redo=history.can_redo(),
        )

    def _change(self, segment_id: str, name: str = "", color: list[float] | None = None) -> None:
        properties = self._editor.get_segment_properties(segment_id)
        if properties is None or not (name or color):
            return
        properties.name = name or properties.name
        properties.color = color or properties.color
        self._editor.set_segment_properties(segment_id, properties)

    def _islands(self, mode: SegmentationIslandsMode) -> None:
        if self.segmentation is None or not self._editor.active_segment_id:
            return
        effect = self._editor.set_active_effect_type(SegmentationEffectIslands)
        effect.set_minimum_island_size(SMALL_ISLAND_VOXELS)
        effect.apply(mode)
        self.take_tool(self._page["tool"])

    def _set_brush(self) -> None:
        for effect_type in (SegmentationEffectPaint, SegmentationEffectErase):
            effect = self._editor.get_effect(effect_type)
            effect.set_brush_diameter(float(self._page["brush_mm"]), BrushDiameterMode.Absolute)
            effect.set_use_sphere_brush(bool(self._page["is_sphere"]))

    def _set_mask(self) -> None:
        """Let the brush, and propagations, change only voxels of these intensities."""
        low, high = self._page["mask_range"]
        node = self._editor.editor_node
        node.SetSourceVolumeIntensityMaskRange(float(low), float(high))
        node.SetSourceVolumeIntensityMask(bool(self._page["is_masked"]))

    def _after_history(self) -> None:
        if self._editor.active_segment_id not in self._editor.get_segment_ids():
            self._editor.set_active_segment_id(self._editor.get_nth_segment_id(0))
        self.show()
