"""Window and level: what is grey, by preset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trame_slicer.core import VolumeWindowLevel


@dataclass(frozen=True)
class WindowPreset:
    """A window that is in use for a kind of tissue.

    Attributes:
        name: what the menu says.
        window, level: in the volume's units; None for what suits the volume.
    """

    name: str
    window: float | None = None
    level: float | None = None


PRESETS = (
    WindowPreset("Automatic"),
    WindowPreset("CT abdomen", 350.0, 40.0),
    WindowPreset("CT liver", 150.0, 60.0),
    WindowPreset("CT lung", 1400.0, -500.0),
    WindowPreset("CT bone", 1000.0, 400.0),
    WindowPreset("CT brain", 100.0, 50.0),
)

_CT_LEAST_HU = -900.0


def suited_preset(volume_node: Any) -> WindowPreset:
    """Soft tissue where intensities look like Hounsfield units, else what suits the volume."""
    low, high = VolumeWindowLevel.get_volume_scalar_range(volume_node)
    return PRESETS[1] if low <= _CT_LEAST_HU and high > 0 else PRESETS[0]


def apply_preset(volume_node: Any, name: str) -> None:
    """Show a volume by the preset of that name; an unknown one is as "Automatic"."""
    preset = next((each for each in PRESETS if each.name == name), PRESETS[0])
    if preset.window is not None and preset.level is not None:
        VolumeWindowLevel.set_volume_node_window_level(volume_node, preset.window, preset.level)
    else:
        low, high = VolumeWindowLevel.get_volume_auto_min_max_range(volume_node)
        VolumeWindowLevel.set_volume_node_display_min_max_range(volume_node, low, high)
