"""The widgets in which the user says how to propagate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..engine.records import Direction
from ..scene.panel_state import DEVICES, METHODS, PanelState
from ..scene.translation import tr as _

DIRECTIONS = (Direction.BOTH, Direction.UP, Direction.DOWN)
"""In the order in which the .ui file offers them."""

_MOST_SLICES = 9999


class Options:
    """Reads and sets the widgets; calls back when the user has changed one.

    Args:
        ui: the panel's widgets by name.
        changed: called after the user's changes, and not after those made here.
    """

    def __init__(self, ui: Any, changed: Callable[[], object]) -> None:
        self._ui = ui
        self._changed = changed
        self._is_setting = False
        explanations = {
            "sli2vol": _("Sli2Vol, refined (recommended)"),
            "sli2vol-paper": _("Sli2Vol as published"),
            "mask-prior": _("Draw each slice from its neighbour's mask"),
            "optical-flow": _("Optical flow (needs no weights)"),
            "interpolation": _("Interpolate between drawn slices (needs two at least)"),
            "overfit": _("Sli2Vol, outlines refined by a network fitted on the spot (slow)"),
            "auto": _("Sli2Vol, or optical flow where the drawn slice speaks for it"),
            "copy": _("Copy the mask (to compare with)"),
            "sli2vol-plus": _("Sli2Vol+ (to compare with)"),
        }
        for name in METHODS:
            ui.methodSelector.addItem(explanations[name])
        for selector in (ui.directionSelector, ui.segmentsSelector, ui.methodSelector, ui.deviceSelector):
            selector.connect("currentIndexChanged(int)", self._on_changed)
        for box in (ui.firstSliceSpinBox, ui.lastSliceSpinBox, ui.memorySpinBox):
            box.connect("valueChanged(int)", self._on_changed)
        for check in (ui.rangeCheckBox, ui.confidenceCheckBox):
            check.connect("toggled(bool)", self._on_changed)

    @property
    def direction(self) -> Direction:
        """Which way to go."""
        return DIRECTIONS[self._ui.directionSelector.currentIndex]

    @property
    def only_selected_segment(self) -> bool:
        """Whether one segment is propagated, or all visible ones."""
        return bool(self._ui.segmentsSelector.currentIndex == 1)

    @property
    def slice_range(self) -> tuple[int, int] | None:
        """First and last slice that may change; None for all."""
        if not self._ui.rangeCheckBox.checked:
            return None
        return int(self._ui.firstSliceSpinBox.value), int(self._ui.lastSliceSpinBox.value)

    @property
    def method(self) -> str:
        """A name out of METHODS."""
        return METHODS[self._ui.methodSelector.currentIndex]

    @property
    def device(self) -> str:
        """A name out of DEVICES."""
        return DEVICES[self._ui.deviceSelector.currentIndex]

    @property
    def memory_bound_mb(self) -> float:
        """What may be kept of features."""
        return float(self._ui.memorySpinBox.value)

    @property
    def show_confidence(self) -> bool:
        """Whether the confidence is laid over the slices."""
        return bool(self._ui.confidenceCheckBox.checked)

    def read(self, state: PanelState) -> PanelState:
        """A state with what the widgets say."""
        first, last = self.slice_range or (None, None)
        return replace(
            state,
            direction=self.direction,
            only_selected_segment=self.only_selected_segment,
            range_first=first,
            range_last=last,
            method=self.method,
            device=self.device,
            memory_bound_mb=self.memory_bound_mb,
            show_confidence=self.show_confidence,
        )

    def show(self, state: PanelState) -> None:
        """Set the widgets, without calling back."""
        ui = self._ui
        self._is_setting = True
        ui.directionSelector.currentIndex = DIRECTIONS.index(state.direction)
        ui.segmentsSelector.currentIndex = int(state.only_selected_segment)
        ui.methodSelector.currentIndex = METHODS.index(state.method)
        ui.deviceSelector.currentIndex = DEVICES.index(state.device)
        ui.memorySpinBox.value = int(state.memory_bound_mb)
        ui.rangeCheckBox.checked = state.slice_range is not None
        for box, value in ((ui.firstSliceSpinBox, state.range_first), (ui.lastSliceSpinBox, state.range_last)):
            if value is not None:
                box.maximum = max(box.maximum, value)
                box.value = value
        ui.confidenceCheckBox.checked = state.show_confidence
        self._enable_range()
        self._is_setting = False

    def allow_slices(self, slice_count: int | None) -> None:
        """Let the range hold the slices of a volume; None where they are not known."""
        last = _MOST_SLICES if slice_count is None else slice_count - 1
        self._is_setting = True
        for box in (self._ui.firstSliceSpinBox, self._ui.lastSliceSpinBox):
            box.maximum = last
        if slice_count is not None and not self._ui.rangeCheckBox.checked:
            self._ui.firstSliceSpinBox.value, self._ui.lastSliceSpinBox.value = 0, last
        self._is_setting = False

    def _on_changed(self, value: Any = None) -> None:
        self._enable_range()
        if not self._is_setting:
            self._changed()

    def _enable_range(self) -> None:
        for box in (self._ui.firstSliceSpinBox, self._ui.lastSliceSpinBox):
            box.enabled = self._ui.rangeCheckBox.checked
