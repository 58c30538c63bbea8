"""The names and colours of an annotation's segments, for the segmentation that comes of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .segmentation_file import SegmentEntry


def segments_named_in(metadata: Mapping[str, str], labels: np.ndarray) -> list[SegmentEntry]:
    """One entry per label, called and coloured as in a `.seg.nrrd` header where that says so.

    Args:
        metadata: the header fields of the annotation; those of a plain label map name nothing.
        labels: label map; 0 is background.
    """
    named: dict[int, SegmentEntry] = {}
    number = 0
    while metadata.get(f"Segment{number}_LabelValue", "").isdigit():
        label = int(metadata[f"Segment{number}_LabelValue"])
        name = metadata.get(f"Segment{number}_Name", f"Segment {label}")
        named[label] = SegmentEntry(label, name, _color(metadata.get(f"Segment{number}_Color", "")))
        number += 1
    return [named.get(int(v), SegmentEntry(int(v), f"Segment {int(v)}")) for v in np.unique(labels) if v > 0]


def _color(text: str) -> tuple[float, float, float] | None:
    parts = text.split()
    try:
        red, green, blue = (min(1.0, max(0.0, float(part))) for part in parts)
    except ValueError:
        return None
    return red, green, blue
