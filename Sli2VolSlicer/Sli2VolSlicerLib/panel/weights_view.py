"""The widgets of the list of weights; what they mean stands in weights_section."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qt

from ..scene.translation import tr as _
from .weights_rows import WeightsRow

_PER_MILLE = 1000


class WeightsView:
    """A table, three buttons, a progress bar, a message and two lines with places."""

    def __init__(self) -> None:
        self.widget = qt.QWidget()
        self.table = qt.QTableWidget()
        self.fetch_button = qt.QPushButton(_("Fetch ..."))
        self.verify_button = qt.QPushButton(_("Verify"))
        self.remove_button = qt.QPushButton(_("Remove ..."))
        self.progress_bar = qt.QProgressBar()
        self.message = qt.QLabel()
        self.source_edit = qt.QLineEdit()
        self.source_button = qt.QPushButton(_("Folder ..."))
        self.own_edit = qt.QLineEdit()
        self.own_button = qt.QPushButton(_("File ..."))
        self.own_clear_button = qt.QPushButton(_("Clear"))
        self._prepare()
        self._lay_out()

    def show_rows(self, rows: Sequence[WeightsRow]) -> None:
        """Fill the table; the selection stays."""
        if self.table.rowCount != len(rows):
            self.table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate((row.name, row.size, row.state)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(row.tool_tip)
                self.table.setItem(number, column, item)
        if rows and self.table.currentRow() < 0:
            self.table.selectRow(0)

    def show_buttons(self, row: WeightsRow | None, *, is_fetching: bool, is_busy: bool) -> None:
        """Let the buttons be pressed that mean something for the selected row."""
        label = row.fetch_label if row is not None else _("Fetch ...")
        self.fetch_button.text = _("Cancel") if is_fetching else label
        self.fetch_button.enabled = is_fetching or (not is_busy and row is not None and row.can_fetch)
        self.verify_button.enabled = not is_busy
        self.remove_button.enabled = not is_busy and row is not None and row.can_remove

    def show_progress(self, text: str, done: int, total: int) -> None:
        """How far a fetch is; in parts of a thousand, because a bar counts only to two thousand million."""
        self.progress_bar.visible = True
        self.progress_bar.setRange(0, _PER_MILLE if total else 0)
        self.progress_bar.setValue(_PER_MILLE * done // total if total else 0)
        self.tell(text)

    def show_cancelling(self) -> None:
        """Cancel was pressed; it ends with the next piece that comes."""
        self.fetch_button.enabled = False
        self.tell(_("Cancelling ..."))

    def hide_progress(self) -> None:
        """Nothing is being fetched."""
        self.progress_bar.visible = False

    def tell(self, text: str) -> None:
        """A message below the buttons; empty hides it."""
        self.message.text = text
        self.message.visible = bool(text)

    def show_own_file(self, path: Path | None) -> None:
        """The user's own weights file, or None."""
        self.own_edit.text = str(path) if path is not None else ""
        self.own_clear_button.enabled = path is not None

    def _prepare(self) -> None:
        table = self.table
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Weights"), _("Size"), _("State")])
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.verticalHeader().visible = False
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        table.horizontalHeader().stretchLastSection = True
        table.setMaximumHeight(130)
        self.progress_bar.visible = False
        self.message.wordWrap = True
        self.message.visible = False
        self.message.textInteractionFlags = qt.Qt.TextSelectableByMouse
        self.verify_button.toolTip = _("Read every file and compare size and SHA-256 with the catalogue.")
        self.remove_button.toolTip = _("Remove the fetched file. Weights that came with the module stay.")
        self.source_edit.placeholderText = _("the address in the catalogue")
        self.source_edit.toolTip = _(
            "A mirror (https://...), or a folder with the files: used instead of the catalogue's."
        )
        self.own_edit.readOnly = True
        self.own_edit.placeholderText = _("none: the weights of the catalogue")
        self.own_edit.toolTip = _("A file made by 'sli2vol train' on your own scans.")
        self.own_clear_button.enabled = False

    def _lay_out(self) -> None:
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addLayout(_row(self.fetch_button, self.verify_button, self.remove_button))
        layout.addWidget(self.progress_bar)
        layout.addWidget(self.message)
        form = qt.QFormLayout()
        form.addRow(_("Fetch from:"), _row(self.source_edit, self.source_button))
        form.addRow(_("Own weights:"), _row(self.own_edit, self.own_button, self.own_clear_button))
        layout.addLayout(form)
        layout.addStretch(1)


def _row(*widgets: Any) -> Any:
    layout = qt.QHBoxLayout()
    for widget in widgets:
        layout.addWidget(widget)
    return layout
