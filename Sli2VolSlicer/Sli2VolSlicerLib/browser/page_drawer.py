"""The drawer: segments, tools, and how to propagate."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from .page_state import BRUSH_MM
from .session import Session

_SLIM: dict[str, Any] = {"density": "compact", "hide_details": True}


def build_drawer(session: Session) -> None:
    """Everything on the left."""
    with html.Div(classes="px-3 pb-3"):
        _heading("Segments")
        _build_segments(session)
        _heading("Paint")
        _build_tools(session)
        _heading("Propagate")
        _build_propagate(session)
        html.Div("{{ status }}", classes="sli2vol-words mt-2", id="sli2vol-status", raw_attrs=['role="status"'])
        html.Div("{{ numbers }}", classes="sli2vol-words mt-2", style="opacity: 0.7;", id="sli2vol-numbers")


def _heading(words: str) -> None:
    html.Div(words, classes="sli2vol-heading")


def _build_segments(session: Session) -> None:
    editing = session.editing
    with html.Div(
        v_for="each in segments",
        key="each.id",
        classes=("'sli2vol-segment d-flex align-center px-2 py-1' + (each.id === selected_segment ? ' chosen' : '')",),
        click=(editing.select, "[each.id]"),
    ):
        html.Input(
            type="color",
            __properties=["type"],
            value=("each.colour",),
            change=(editing.recolour, "[each.id, $event.target.value]"),
            title="Colour",
        )
        html.Input(
            type="text",
            value=("each.name",),
            change=(editing.rename, "[each.id, $event.target.value]"),
            classes="mx-2 text-body-2",
            title="Name",
            style="flex: 1;",
        )
        v3.VBtn(
            icon=("each.visible ? 'mdi-eye-outline' : 'mdi-eye-off-outline'",),
            click=(editing.set_visible, "[each.id, !each.visible]"),
            title="Show or hide",
            size="x-small",
            variant="text",
        )
        v3.VBtn(
            icon="mdi-delete-outline",
            click=(editing.delete, "[each.id]"),
            title="Delete",
            size="x-small",
            variant="text",
        )
    v3.VBtn(
        "Add segment",
        prepend_icon="mdi-plus",
        size="small",
        variant="text",
        click=editing.add_segment,
        disabled=("!volume_name",),
    )


def _build_tools(session: Session) -> None:
    with v3.VBtnToggle(
        v_model=("tool",), mandatory=True, divided=True, variant="outlined", disabled=("!volume_name",), **_SLIM
    ):
        v3.VBtn("Look", value="none", prepend_icon="mdi-cursor-default-outline", size="small")
        v3.VBtn("Paint", value="paint", prepend_icon="mdi-brush", size="small")
        v3.VBtn("Erase", value="erase", prepend_icon="mdi-eraser", size="small")
    with html.Div(classes="d-flex align-center mt-1"):
        v3.VSlider(
            v_model=("brush_mm",),
            min=BRUSH_MM[0],
            max=BRUSH_MM[1],
            step=1,
            title="Diameter of the brush; Shift and the mouse wheel change it too",
            prepend_icon="mdi-circle-outline",
            color="primary",
            disabled=("tool === 'none'",),
            **_SLIM,
        )
        html.Span("{{ Math.round(brush_mm) }} mm", classes="text-caption mx-2", style="min-width: 48px;")
        v3.VCheckbox(v_model=("is_sphere",), label="Sphere", title="Paint neighbouring slices too", **_SLIM)
    v3.VCheckbox(
        v_model=("is_masked",),
        label="Only these intensities",
        title="Brush and propagations change only voxels of these intensities",
        disabled=("!volume_name",),
        **_SLIM,
    )
    with html.Div(v_if=("is_masked",)):
        v3.VRangeSlider(
            v_model=("mask_range",),
            min=("mask_limits[0]",),
            max=("mask_limits[1]",),
            step=("(mask_limits[1] - mask_limits[0]) > 20 ? 1 : (mask_limits[1] - mask_limits[0]) / 200",),
            color="primary",
            strict=True,
            **_SLIM,
        )
        html.Div(
            "{{ Number(mask_range[0].toPrecision(4)) }} to {{ Number(mask_range[1].toPrecision(4)) }}",
            classes="text-caption text-center",
        )
    with html.Div(classes="d-flex flex-wrap"):
        for words, act in (
            ("Keep largest island", session.editing.keep_largest_island),
            ("Remove small islands", session.editing.remove_small_islands),
        ):
            v3.VBtn(words, size="x-small", variant="text", click=act, disabled=("!volume_name",))


def _build_propagate(session: Session) -> None:
    with v3.VBtn(
        block=True,
        size="large",
        color=("is_running ? 'secondary' : 'primary'",),
        click=session.propagating.press,
        disabled=("!offers.propagate",),
        id="sli2vol-propagate",
    ):
        html.Span("{{ is_running ? 'Cancel' : 'Propagate' }}")
        html.Span("{{ is_running ? 'Esc' : 'P' }}", classes="sli2vol-key")
    # What lies below must not move under the mouse when a propagation begins or ends.
    with html.Div(style="height: 10px;"):
        v3.VProgressLinear(
            v_if=("is_running",),
            model_value=("progress_percent",),
            indeterminate=("!progress_words",),
            color="secondary",
            height=6,
            classes="mt-1",
        )
    html.Div("{{ progress_words }}", classes="text-caption", style="min-height: 20px;")
    with v3.VBtnToggle(v_model=("direction",), mandatory=True, divided=True, variant="outlined", **_SLIM):
        v3.VBtn("Both ways", value="both", size="small")
        v3.VBtn("Up", value="up", size="small", prepend_icon="mdi-arrow-up")
        v3.VBtn("Down", value="down", size="small", prepend_icon="mdi-arrow-down")
    v3.VCheckbox(v_model=("only_selected",), label="Only the selected segment", **_SLIM)
    v3.VCheckbox(v_model=("is_ranged",), label="Only these slices", **_SLIM)
    with html.Div(v_if=("is_ranged",), classes="d-flex align-center"):
        for name, words in (("range_first", "First"), ("range_last", "Last")):
            v3.VTextField(
                v_model_number=(name,), type="number", min=0, label=words, variant="outlined", classes="mr-2", **_SLIM
            )
    v3.VCheckbox(
        v_model=("show_confidence",),
        label="Show confidence",
        title="Orange where the result is in doubt",
        disabled=("!timeline.count",),
        **_SLIM,
    )
