"""The weights: which there are, fetch, verify, remove, or a file of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt

from ..engine.errors import WeightsError
from ..scene.translation import tr as _
from ..weights import (
    Catalogue,
    Errand,
    OwnFile,
    WeightsState,
    Whereabouts,
    address_of,
    describe_own_file,
    state_of,
    states_read_anew,
)
from . import weights_rows
from .dialogs import Dialogs
from .settings import PanelSettings
from .weights_view import WeightsView

_TICK_MS = 30
_PATIENCE_S = 0.015
"""How long a tick lets the other thread run: Slicer holds Python's lock between ticks."""

_KINDS = "safetensors (*.safetensors)"


class WeightsSection:
    """The list of weights and what can be done with them; one thing at a time, in a thread of its own.

    Args:
        catalogue: the known weights.
        settings: keeps the mirror.
        dialogs: ask for consent and for files.
        on_own_file: called with the user's own weights file, or None when the catalogue's are to be used again.
        on_change: called when a file has been fetched or removed.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        settings: PanelSettings,
        dialogs: Dialogs,
        on_own_file: Callable[[OwnFile | None], None],
        on_change: Callable[[], None],
    ) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._dialogs = dialogs
        self._on_own_file = on_own_file
        self._on_change = on_change
        self._states: tuple[WeightsState, ...] = ()
        self._own_file: OwnFile | None = None
        self._fetching: tuple[str, Errand[Path]] | None = None
        self._verifying: Errand[tuple[WeightsState, ...]] | None = None
        self._is_verified = False
        self.view = WeightsView()
        self.widget = self.view.widget
        self._timer = qt.QTimer()
        self._timer.setInterval(_TICK_MS)
        self._connect()
        self.view.source_edit.text = settings.weights_source
        self.refresh()

    @property
    def own_file(self) -> OwnFile | None:
        """The user's own weights file that is in use."""
        return self._own_file

    @property
    def is_busy(self) -> bool:
        """Whether something is being fetched or verified."""
        return self._fetching is not None or self._verifying is not None

    def refresh(self) -> None:
        """Look at the folders again."""
        entries = self._catalogue.entries
        # Without a verification only sizes are looked at: large files must not hold the panel up.
        self._states = tuple(state_of(self._catalogue, entry, thorough=self._is_verified) for entry in entries)
        self._show()

    def use_own_file(self, path: Path | None) -> bool:
        """Use a weights file of the user's own, or with None the catalogue's again.

        Returns:
            Whether it can be used; if not, the message says why and everything stays as it was.
        """
        try:
            own = describe_own_file(path) if path is not None else None
        except WeightsError as error:
            self.view.tell(str(error))
            return False
        self._own_file = own
        self.view.show_own_file(own.path if own is not None else None)
        self.view.tell(_("These weights are for the method '{name}'.").format(name=own.method) if own else "")
        return True

    def fetch(self) -> None:
        """Fetch what is selected, after asking; Cancel while something is being fetched."""
        if self._fetching is not None:
            self._fetching[1].cancel()
            self.view.show_cancelling()
            return
        state = self._selected()
        if state is None or self.is_busy:
            return
        self._keep_source()
        source = self._settings.weights_source
        try:
            address = address_of(state.entry, source)
            if not self._agreed(state, address):
                return
        except WeightsError as error:
            self.view.tell(str(error))
            return
        name, catalogue = state.entry.name, self._catalogue
        errand = Errand(
            lambda progress, is_cancelled: catalogue.fetch(
                name, source=source, progress=progress, is_cancelled=is_cancelled
            )
        )
        self._fetching = (name, errand)
        self._begin()

    def verify(self) -> None:
        """Read every file anew and compare size and SHA-256."""
        if self.is_busy:
            return
        catalogue = self._catalogue
        self._verifying = Errand(lambda progress, is_cancelled: states_read_anew(catalogue))
        self._begin()
        self.view.tell(_("Verifying ..."))

    def remove(self) -> None:
        """Remove the fetched file that is selected, after asking; what came with the module stays."""
        state = self._selected()
        if state is None or self.is_busy or not self._dialogs.confirm(weights_rows.remove_text(state)):
            return
        try:
            self._catalogue.remove(state.entry.name)
            self.view.tell(_("Removed '{name}'.").format(name=state.entry.name))
        except WeightsError as error:
            self.view.tell(str(error))
        self.refresh()
        self._on_change()

    def close(self) -> None:
        """Cancel what runs; it ends with the next piece that comes, on its own."""
        self._timer.stop()
        self._timer.disconnect("timeout()", self._tick)
        if self._fetching is not None:
            self._fetching[1].cancel()
        self._fetching = self._verifying = None

    def _connect(self) -> None:
        view = self.view
        self._timer.connect("timeout()", self._tick)
        view.table.connect("itemSelectionChanged()", self._show_buttons)
        view.fetch_button.connect("clicked()", self.fetch)
        view.verify_button.connect("clicked()", self.verify)
        view.remove_button.connect("clicked()", self.remove)
        view.source_edit.connect("editingFinished()", self._keep_source)
        view.source_button.connect("clicked()", self._choose_source)
        view.own_button.connect("clicked()", self._choose_own_file)
        view.own_clear_button.connect("clicked()", self._clear_own_file)

    def _agreed(self, state: WeightsState, address: str | Path) -> bool:
        """Whether the user wants it; a damaged file is removed then, to make room."""
        is_damaged = state.whereabouts is Whereabouts.DAMAGED
        if is_damaged and state.can_remove:
            if not self._dialogs.confirm(weights_rows.again_text(state)):
                return False
            self._catalogue.remove(state.entry.name)
        begun = self._catalogue.bytes_begun(state.entry)
        return self._dialogs.confirm(weights_rows.consent_text(state.entry, address, begun))

    def _begin(self) -> None:
        self.view.tell("")
        self._timer.start()
        self._show_buttons()

    def _tick(self) -> None:
        if self._fetching is not None:
            self._look_at_fetching(*self._fetching)
        elif self._verifying is not None:
            self._look_at_verifying(self._verifying)

    def _look_at_fetching(self, name: str, errand: Errand[Path]) -> None:
        errand.wait(_PATIENCE_S)
        report = errand.report()
        if not errand.is_cancelling:
            text = weights_rows.progress_text(name, report.done, report.total)
            self.view.show_progress(text, report.done, report.total)
        if not report.is_finished:
            return
        self._fetching = None
        self._end(report.problem or _("Fetched '{name}'.").format(name=name))
        if not report.problem:
            self._on_change()

    def _look_at_verifying(self, errand: Errand[tuple[WeightsState, ...]]) -> None:
        errand.wait(_PATIENCE_S)
        report = errand.report()
        if not report.is_finished:
            return
        self._verifying = None
        self._is_verified = True
        self._end(weights_rows.verified_text(report.outcome) if report.outcome is not None else report.problem)

    def _end(self, text: str) -> None:
        self._timer.stop()
        self.view.hide_progress()
        self.refresh()
        self.view.tell(text)

    def _selected(self) -> WeightsState | None:
        row = self.view.table.currentRow()
        return self._states[row] if 0 <= row < len(self._states) else None

    def _show(self) -> None:
        source = self._settings.weights_source
        self.view.show_rows([weights_rows.row_of(state, source) for state in self._states])
        self._show_buttons()

    def _show_buttons(self) -> None:
        state = self._selected()
        row = weights_rows.row_of(state, self._settings.weights_source) if state is not None else None
        self.view.show_buttons(row, is_fetching=self._fetching is not None, is_busy=self.is_busy)

    def _keep_source(self) -> None:
        self._settings.weights_source = self.view.source_edit.text
        self._show()

    def _choose_source(self) -> None:
        folder = self._dialogs.choose_folder(_("Folder with weights files"))
        if folder is not None:
            self.view.source_edit.text = str(folder)
            self._keep_source()

    def _choose_own_file(self) -> None:
        path = self._dialogs.choose_file(_("Weights file"), _KINDS)
        if path is not None and self.use_own_file(path):
            self._on_own_file(self._own_file)

    def _clear_own_file(self) -> None:
        self.use_own_file(None)
        self._on_own_file(None)
