"""The dialog in which a volume is opened."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from .session import Session

_ACCEPTED = ".nii,.gz,.nrrd,.nhdr,.mha,.zip,.dcm"


def build_open_dialog(session: Session) -> None:
    """Upload, the folder given at start, or the sample."""
    with v3.VDialog(v_model=("is_open_dialog",), max_width=560, persistent=("!volume_name",)), v3.VCard():
        v3.VCardTitle("Open a volume")
        with v3.VCardText():
            html.P(
                "Paint a structure on one slice, press Propagate, and the volume follows. "
                "NIfTI, NRRD, MHA, a DICOM folder, or a zip file of either.",
                classes="text-body-2 mb-4",
            )
            with html.Div(classes="d-flex flex-wrap", style="gap: 8px;"):
                _upload("sli2vol-files", "Upload files", "mdi-file-upload-outline", f'multiple accept="{_ACCEPTED}"')
                _upload("sli2vol-dicom", "Upload a DICOM folder", "mdi-folder-upload-outline", "webkitdirectory")
                v3.VBtn(
                    "Sample",
                    prepend_icon="mdi-flask-outline",
                    variant="tonal",
                    click=session.open_sample,
                    disabled=("!!opening",),
                )
            html.Div("or drop a file anywhere on the page", classes="text-caption mt-1", style="opacity: 0.6;")
            v3.VProgressLinear(v_if=("upload_percent >= 0",), model_value=("upload_percent",), classes="mt-3", height=6)
            with html.Div(v_if=("opening",), classes="d-flex align-center mt-3"):
                v3.VProgressCircular(indeterminate=True, size=18, width=2, classes="mr-3")
                html.Span("{{ opening }}")
            _build_folder(session)
        with v3.VCardActions(v_if=("volume_name",)):
            html.Span(
                "What is painted now is lost when another volume is opened: download it first.", classes="text-caption"
            )
            v3.VSpacer()
            v3.VBtn("Close", click="is_open_dialog = false")


def _build_folder(session: Session) -> None:
    with html.Div(v_if=("has_folder",), classes="mt-4"):
        with html.Div(classes="d-flex align-center"):
            html.Span("Folder on this computer", classes="text-subtitle-2")
            v3.VSpacer()
            v3.VTextField(
                v_model=("folder_filter",),
                density="compact",
                hide_details=True,
                variant="outlined",
                placeholder="Filter",
                clearable=True,
                style="max-width: 180px;",
            )
            v3.VBtn(
                icon="mdi-refresh", size="small", variant="text", click=session.volumes.list_folder, title="Refresh"
            )
        with v3.VList(density="compact", max_height=240, classes="mt-2", style="overflow-y: auto;"):
            v3.VListItem(
                v_for="name in folder_names.filter(n => n.toLowerCase().includes((folder_filter || '').toLowerCase()))",
                key="name",
                title=("name",),
                prepend_icon="mdi-cube-outline",
                click=(session.open_shared, "[name]"),
                disabled=("!!opening",),
            )
            html.Div(
                "There is no volume in it.", v_if=("!folder_names.length && !is_listing",), classes="text-caption px-4"
            )


def _upload(identity: str, words: str, icon: str, attributes: str) -> None:
    html.Div(f'<input type="file" id="{identity}" class="sli2vol-upload" {attributes} />', classes="sli2vol-hidden")
    v3.VBtn(words, prepend_icon=icon, variant="tonal", raw_attrs=[f'data-opens="{identity}"'], disabled=("!!opening",))
