"""Registration by a network: where each pixel of a slice lies in its neighbour (VoxelMorph in 2D).

Balakrishnan et al., "VoxelMorph: a learning framework for deformable medical image registration" (2019). Theirs is a
U-Net over both images. This one has the backbone of the correspondence network, which sees either slice by itself, and
a small head over the features of both: what is compared with `sli2vol` is the way of propagating, not the network.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .network import CorrespondenceNetwork, NetworkSettings

_HIDDEN = (32, 16)
"""Channels of the head."""

MARGIN = 3
"""Pixels that the head sees around one of the features."""


class DisplacementNetwork(nn.Module):
    """Two slices in, a displacement field out."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        self.features = CorrespondenceNetwork(settings)
        first, second = _HIDDEN
        last = nn.Conv2d(second, 2, 3, padding=1)
        # Begins with no displacement at all.
        nn.init.normal_(last.weight, std=1e-5)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.head = nn.Sequential(
            nn.Conv2d(2 * settings.channels, first, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(first, second, 3, padding=1),
            nn.LeakyReLU(0.2),
            last,
        )

    def forward(self, target: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        """Where each pixel of `target` lies in `source`.

        Args:
            target, source: (batch, 1, rows, columns), 0..1.

        Returns:
            float32 (batch, 2, rows, columns): (row, column) displacement u in pixels, target(p) = source(p + u(p)).
        """
        return self.between(*self.features(torch.cat([target, source])).chunk(2))

    def between(self, target: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        """As `forward`, from features (batch, channels, rows, columns) of both."""
        flow: torch.Tensor = self.head(torch.cat([target, source], dim=1).to(next(self.head.parameters()).dtype))
        return flow.float()


def warp(pictures: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """Backward warping: result(p) = pictures(p + flow(p)), border replicated.

    Args:
        pictures: float32 (batch, channels, rows, columns).
        flow: float32 (batch, 2, rows, columns), (row, column) displacement in pixels.
    """
    rows, columns = pictures.shape[-2:]
    row = torch.arange(rows, dtype=torch.float32, device=flow.device)[None, :, None] + flow[:, 0]
    column = torch.arange(columns, dtype=torch.float32, device=flow.device)[None, None, :] + flow[:, 1]
    grid = torch.stack([(column + 0.5) * 2 / columns - 1, (row + 0.5) * 2 / rows - 1], dim=-1)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)
