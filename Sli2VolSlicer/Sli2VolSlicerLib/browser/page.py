"""The page: bar, drawer, views and timeline, and what its parts call."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_slicer import module as trame_slicer_module

from .page_drawer import build_drawer
from .page_open import build_open_dialog
from .page_timeline import build_timeline
from .session import Session

TITLE = "Sli2Vol"
_WEB = Path(__file__).parent / "web"
_ENDPOINT = "__sli2vol"
_THEME = {
    "theme": {
        "defaultTheme": "dark",
        "themes": {
            "dark": {
                "dark": True,
                "colors": {
                    "background": "#14181d",
                    "surface": "#1d232b",
                    "primary": "#5b9bd5",
                    "secondary": "#f08620",
                    "error": "#e57373",
                },
            }
        },
    }
}


def build_page(server: Any, session: Session) -> None:
    """Lay the page out and connect it.

    Args:
        server: the trame server.
        session: what the page's parts call.
    """
    server.enable_module(trame_slicer_module)
    server.enable_module(
        {
            "serve": {_ENDPOINT: str(_WEB)},
            "scripts": [f"{_ENDPOINT}/page.js"],
            "styles": [f"{_ENDPOINT}/page.css"],
        }
    )
    server.state.trame__title = TITLE
    icon = base64.b64encode((_WEB / "icon.svg").read_bytes()).decode("ascii")
    server.state.trame__favicon = f"data:image/svg+xml;base64,{icon}"
    # The mouse and the progress of an upload are the page's own business.
    server.state.client_only("hover_words", "hover_percent", "upload_percent")
    for name, act in _triggers(session).items():
        server.controller.trigger(name)(act)
    with VAppLayout(server, vuetify_config=_THEME) as layout:
        layout.root.theme = "dark"
        _build_bar(session)
        with v3.VNavigationDrawer(permanent=True, width=330, disable_resize_watcher=True):
            build_drawer(session)
        with v3.VMain(style="height: 100vh;"), html.Div(classes="d-flex flex-column", style="height: 100%;"):
            with html.Div(style="flex: 1; min-height: 0; position: relative;"):
                session.views.layouts.initialize_layout_grid(layout)
            build_timeline(session)
        build_open_dialog(session)
        _build_messages()


def _triggers(session: Session) -> dict[str, Callable[..., object]]:
    """What page.js calls."""
    return {
        "sli2vol_key": session.key,
        "sli2vol_go_to": session.go_to,
        "sli2vol_open_upload": session.open_upload,
        "sli2vol_error": session.page.error,
    }


def _build_bar(session: Session) -> None:
    with v3.VAppBar(density="compact", flat=True, border=True):
        html.Img(src=("trame__favicon",), style="height: 26px; margin-left: 14px;", alt="")
        v3.VToolbarTitle(TITLE, classes="font-weight-bold", style="max-width: 110px; user-select: none;")
        v3.VBtn("Open", prepend_icon="mdi-folder-open-outline", click="is_open_dialog = true", variant="tonal")
        with html.Div(classes="ml-4", style="min-width: 0;"):
            html.Div("{{ volume_name }}", classes="text-body-2 text-truncate")
            html.Div("{{ volume_words }}", classes="text-caption text-truncate", style="opacity: 0.6;")
        v3.VSpacer()
        _icon("mdi-undo", "Undo (Ctrl+Z)", session.undo, "!can_undo")
        _icon("mdi-redo", "Redo (Ctrl+Y)", session.redo, "!can_redo")
        v3.VSelect(
            v_model=("window_preset",),
            items=("window_presets",),
            label="Window",
            density="compact",
            variant="outlined",
            hide_details=True,
            disabled=("!volume_name",),
            classes="mx-3 mt-1",
            style="max-width: 170px;",
        )
        v3.VSelect(
            v_model=("layout",),
            items=("layouts",),
            label="Layout",
            density="compact",
            variant="outlined",
            hide_details=True,
            classes="mt-1",
            style="max-width: 140px;",
        )
        _build_download(session)


def _build_download(session: Session) -> None:
    kinds = (
        ("seg.nrrd", "Segmentation for Slicer (.seg.nrrd)"),
        ("nii.gz", "Label map (.nii.gz)"),
        ("stl", "Surface (.stl)"),
    )
    with v3.VMenu():
        with (
            v3.Template(v_slot_activator="{ props }"),
            v3.VBtn(
                "Download",
                v_bind="props",
                prepend_icon="mdi-download",
                variant="tonal",
                classes="mx-3",
                disabled=("!volume_name",),
            ),
        ):
            pass
        with v3.VList(density="compact"):
            for kind, words in kinds:
                v3.VListItem(title=words, click=(session.download, f"['{kind}']"))


def _build_messages() -> None:
    with v3.VSnackbar(v_model=("is_error",), timeout=-1, color="error", location="top", multi_line=True):
        html.Div("{{ error }}", style="white-space: pre-line;", raw_attrs=['role="alert"'])
        with v3.Template(v_slot_actions=True):
            v3.VBtn("Close", variant="text", click="is_error = false")


def _icon(icon: str, title: str, act: Callable[[], object], disabled: str) -> None:
    v3.VBtn(icon=icon, title=title, click=act, disabled=(disabled,), density="comfortable")
