"""The end network: sees the drawn slice and another one, and says whether the structure is still there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

MAPS = 6
"""Pictures per slice: the drawn slice, what was drawn and the other slice, near and from farther away."""

MEASURES = 4
"""Numbers per slice (`view.py`)."""

_HIDDEN = 96


@dataclass(frozen=True)
class EndSettings:
    """What a weights file says about its network.

    Attributes:
        widths: channels at a half, a quarter, an eighth and a sixteenth of the view's resolution.
        kinds: the kinds of structure that it was trained on, by name; one more stands for all others.
        known: those of them whose ends it finds.
    """

    widths: tuple[int, int, int, int] = (24, 48, 64, 96)
    kinds: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class EndOpinion:
    """What the network says of some slices.

    Attributes:
        present: (slices,), log odds that the structure is there.
        area: (slices,), the binary logarithm of its area as a share of the drawn one, a third of it.
        kind: (slices, kinds + 1), log odds of what it is, the last for anything else.
    """

    present: torch.Tensor
    area: torch.Tensor
    kind: torch.Tensor


class EndNetwork(nn.Module):
    """Convolutions over one pair of slices, a mean and a maximum, two layers."""

    def __init__(self, settings: EndSettings) -> None:
        super().__init__()
        self.settings = settings
        half, quarter, eighth, sixteenth = settings.widths
        self.pictures = nn.Sequential(
            _Layer(MAPS, half, 2),
            _Layer(half, quarter, 2),
            _Layer(quarter, quarter, 1),
            _Layer(quarter, eighth, 2),
            _Layer(eighth, eighth, 1),
            _Layer(eighth, sixteenth, 2),
            _Layer(sixteenth, sixteenth, 1),
        )
        self.hidden = nn.Linear(2 * sixteenth + MEASURES, _HIDDEN)
        self.forgetting = nn.Dropout(0.3)
        self.answers = nn.Linear(_HIDDEN, 2 + len(settings.kinds) + 1)

    def forward(self, maps: torch.Tensor, measures: torch.Tensor) -> EndOpinion:
        """What it thinks of some slices.

        Args:
            maps: (slices, MAPS, side, side), -1..1.
            measures: (slices, MEASURES).
        """
        seen = self.pictures(maps)
        seen = torch.cat([seen.mean((2, 3)), seen.amax((2, 3)), measures], dim=1)
        answers = self.answers(self.forgetting(functional.relu(self.hidden(seen))))
        return EndOpinion(answers[:, 0], answers[:, 1], answers[:, 2:])


class _Layer(nn.Sequential):
    """A convolution, batch normalisation, rectifier."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        )
