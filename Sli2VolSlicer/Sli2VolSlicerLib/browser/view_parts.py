"""What lies over a view: its name, a button that shows all, and a slice view's slider."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_slicer.app.logic.slice_view_logic import connect_slice_view_slider_to_state

_CORNER = "position: absolute; top: 4px; left: 4px; z-index: 2;"


def slice_view_parts(server: Any, view_id: str, view: Any) -> None:
    """Name, colour and slider of a slice view."""
    node = view.get_view_node()
    red, green, blue = (round(255 * value) for value in node.GetLayoutColor())
    _corner(view, str(node.GetOrientation()), f"rgb({red}, {green}, {blue})")
    slider = connect_slice_view_slider_to_state(server, view)
    with html.Div(style="position: absolute; bottom: 0; left: 8px; right: 8px; z-index: 2;"):
        v3.VSlider(
            v_model=(slider.name.value,),
            min=(slider.name.min_value,),
            max=(slider.name.max_value,),
            step=(slider.name.step,),
            hide_details=True,
            density="compact",
            color=f"rgb({red}, {green}, {blue})",
            theme="dark",
            thumb_size=12,
            track_size=2,
            __properties=["thumb_size", "track_size"],
            raw_attrs=[f'aria-label="Slice of the {node.GetOrientation()} view"'],
            __events=[],
        )


def threed_view_parts(server: Any, view_id: str, view: Any) -> None:
    """Name of the 3D view, and its switch."""
    _corner(view, "3D", "#9bb0c9")
    with html.Div(style="position: absolute; top: 4px; right: 8px; z-index: 2;"):
        v3.VSwitch(
            v_model=("show_3d", False),
            label="Show",
            title="Show the segments in 3D",
            density="compact",
            hide_details=True,
            color="primary",
            theme="dark",
            disabled=("!volume_name",),
        )


def _corner(view: Any, name: str, colour: str) -> None:
    with html.Div(style=_CORNER, classes="d-flex align-center"):
        html.Span(name, classes="text-caption font-weight-bold px-2", style=f"color: {colour}; user-select: none;")
        v3.VBtn(
            icon="mdi-fit-to-screen-outline",
            size="x-small",
            variant="text",
            theme="dark",
            color="white",
            click=view.reset_view,
            title="Show all",
        )
