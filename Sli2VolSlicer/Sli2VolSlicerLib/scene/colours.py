"""The colours of confidence: everybody can tell them apart, and they can be seen on dark and on light."""

from __future__ import annotations

from typing import Any

import slicer

Colour = tuple[int, int, int]
"""Red, green and blue, 0..255."""

SURE: Colour = (52, 118, 186)
UNSURE: Colour = (240, 134, 32)
"""Blue and orange differ for people with any red-green blindness, and in grey too."""

MARK: Colour = (226, 184, 20)
"""Of the recommended slice, with a dark outline."""

_LEAST_SHOWN = 0.4
"""A confidence as low as this is drawn as the lowest and most orange bar."""

_TAG = "Sli2VolConfidence"
_STEPS = 64


def confidence_colour(share: float) -> Colour:
    """Between unsure (0) and sure (1)."""
    share = min(1.0, max(0.0, share))
    red, green, blue = (round(u + share * (s - u)) for u, s in zip(UNSURE, SURE, strict=True))
    return red, green, blue


def sureness(confidence: float) -> float:
    """How high, and how blue, a bar is: 0..1."""
    return min(1.0, max(0.0, (confidence - _LEAST_SHOWN) / (1 - _LEAST_SHOWN)))


def confidence_table(scene: Any) -> Any:
    """The vtkMRMLColorTableNode of these colours, from unsure to sure; one per scene, and saved with it."""
    node = scene.GetSingletonNode(_TAG, "vtkMRMLColorTableNode")
    if node is None:
        node = slicer.vtkMRMLColorTableNode()
        node.SetSingletonTag(_TAG)
        node = scene.AddNode(node)
    # Closing a scene empties the nodes that stay.
    if node.GetNumberOfColors() != _STEPS:
        _fill(node)
    return node


def _fill(node: Any) -> None:
    node.SetName("Sli2Vol confidence")
    node.SetDescription("From unsure (orange) to sure (blue).")
    node.SetTypeToUser()
    node.SetNumberOfColors(_STEPS)
    for step in range(_STEPS):
        red, green, blue = (value / 255 for value in confidence_colour(step / (_STEPS - 1)))
        node.SetColor(step, f"{50 + 50 * step / (_STEPS - 1):.0f} %", red, green, blue, 1.0)
