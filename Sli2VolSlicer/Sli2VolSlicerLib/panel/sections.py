"""The parts of the panel that do not belong to one scene: installing packages, and the weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer

from ..weights import Catalogue, OwnFile
from .dialogs import SlicerDialogs
from .first_run import FirstRunSection, SlicerPackageHost
from .installation import Installation
from .settings import PanelSettings
from .weights_section import WeightsSection


class Sections:
    """Makes both and puts them into their frames.

    Args:
        ui: the panel's widgets by name.
        weights_file_chosen: called with the user's own weights file, or None for the catalogue's.
        ready: called when packages or weights have come.
    """

    def __init__(
        self, ui: Any, weights_file_chosen: Callable[[Path | None], object], ready: Callable[[], object]
    ) -> None:
        def own_file_chosen(own: OwnFile | None) -> None:
            weights_file_chosen(own.path if own is not None else None)

        def changed() -> None:
            ready()

        dialogs, settings = SlicerDialogs(), PanelSettings(slicer.app.userSettings())
        self.first_run = FirstRunSection(Installation(SlicerPackageHost(dialogs)), settings, dialogs, changed)
        self.weights = WeightsSection(Catalogue.open(), settings, dialogs, own_file_chosen, changed)
        self._setup_frame = ui.setupFrame
        ui.setupFrame.layout().addWidget(self.first_run.widget)
        ui.weightsFrame.layout().addWidget(self.weights.widget)

    def show(self, method: str, weights_file: Path | None) -> None:
        """What is missing for a method, and the weights file that is kept in the scene."""
        self._setup_frame.visible = not self.first_run.refresh(method)
        own = self.weights.own_file
        if weights_file != (own.path if own is not None else None):
            self.weights.use_own_file(weights_file)

    def close(self) -> None:
        """Stop what is being fetched."""
        self.weights.close()
