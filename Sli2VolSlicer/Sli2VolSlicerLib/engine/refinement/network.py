"""The refinement network: looks at a whole pass at once and says what of it to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional

MAPS = 4
"""Pictures per slice: intensity, what the pass found, what was drawn, how much an intensity speaks for it."""

MEASURES = 9
"""Numbers per slice (`view.py`)."""

_GROUPS, _LANES = 4, 8


@dataclass(frozen=True)
class RefinementSettings:
    """What a weights file says about its network.

    Attributes:
        widths: channels at a half, a quarter, an eighth and a sixteenth of the view's resolution.
        more_down: blocks added on the way down, at each of these.
        more_up: blocks added on the way up, at a half, a quarter and an eighth.
        heads: of the attention to the drawn slice, at a quarter and an eighth; 0: there is none.
    """

    widths: tuple[int, int, int, int] = (20, 32, 64, 96)
    more_down: tuple[int, int, int, int] = (0, 0, 0, 0)
    more_up: tuple[int, int, int] = (0, 0, 0)
    heads: int = 0

    def deeper(self) -> RefinementSettings:
        """The same with more layers, and with attention to the drawn slice."""
        return replace(self, more_down=(0, 2, 3, 1), more_up=(1, 2, 2), heads=2)


class Layer(nn.Module):
    """A convolution within slices or across them, group normalisation, rectifier.

    Args:
        inputs, outputs: channels.
        across: slices that it sees (1 or 3); it then also sees 3x3 pixels or 1.
        spread: slices from one that it sees to the next.
    """

    def __init__(self, inputs: int, outputs: int, across: int = 1, spread: int = 1) -> None:
        super().__init__()
        pixels = 3 if across == 1 else 1
        self.convolution = nn.Conv3d(
            inputs,
            outputs,
            (across, pixels, pixels),
            padding=(spread * (across // 2), pixels // 2, pixels // 2),
            dilation=(spread, 1, 1),
            bias=False,
        )
        self.norm = nn.GroupNorm(_GROUPS, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.convolution(x)
        if self.norm.num_channels % (_GROUPS * _LANES) and not x.is_contiguous():
            # With channels last, torch normalises groups that do not fill its vectors five times slower.
            return functional.relu(self.norm(x.contiguous())).contiguous(memory_format=torch.channels_last_3d)
        return functional.relu(self.norm(x))


class Block(nn.Module):
    """Two more layers, within slices and across them, added to what they are given; at first they add nothing.

    A network that grows by such blocks begins with what it was.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(Layer(channels, channels), Layer(channels, channels, across=3))
        self.added = _adding_nothing(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        added: torch.Tensor = x + self.added(self.layers(x))
        return added


class AnchorAttention(nn.Module):
    """Every place of every slice looks at the drawn slice for what is like it there (Vaswani et al. 2017).

    Convolutions tell a slice of its neighbours only; what the structure and what is beside it look like where it was
    drawn would have to come all the way. At first it adds nothing.

    Args:
        channels: of what it is given.
        heads: into so many parts they are divided.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(_GROUPS, channels)
        self.asked = nn.Linear(channels, channels, bias=False)
        self.shown = nn.Linear(channels, 2 * channels, bias=False)
        self.added = _adding_nothing(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        passes, channels, slices, rows, columns = x.shape
        # (passes, slices, rows, columns, channels): as it lies in memory with channels last.
        places = self.norm(x.contiguous()).permute(0, 2, 3, 4, 1)
        asked = self._by_head(self.asked(places))
        keys, values = (self._by_head(each) for each in self.shown(places[:, :1]).chunk(2, dim=-1))
        found = functional.scaled_dot_product_attention(asked, keys, values).transpose(1, 2)
        found = found.reshape(passes, slices, rows, columns, channels).permute(0, 4, 1, 2, 3)
        added: torch.Tensor = x + self.added(found)
        return added

    def _by_head(self, places: torch.Tensor) -> torch.Tensor:
        """(passes, heads, places, channels of a head)."""
        passes, channels = len(places), places.shape[-1]
        return places.reshape(passes, -1, self.heads, channels // self.heads).transpose(1, 2)


def _adding_nothing(channels: int) -> nn.Conv3d:
    layer = nn.Conv3d(channels, channels, 1, bias=False)
    nn.init.zeros_(layer.weight)
    return layer


class RefinementNetwork(nn.Module):
    """A U-Net over a pass's slices, convolutions within slices and across them taking turns."""

    def __init__(self, settings: RefinementSettings) -> None:
        super().__init__()
        self.settings = settings
        half, quarter, eighth, sixteenth = settings.widths
        self.begin = Layer(MAPS * 4, half)
        self.down = nn.ModuleList(
            [
                nn.Sequential(Layer(half, half, across=3)),
                nn.Sequential(Layer(half, quarter), Layer(quarter, quarter, across=3)),
                nn.Sequential(Layer(quarter, eighth), Layer(eighth, eighth, across=3)),
                nn.Sequential(Layer(eighth, sixteenth), Layer(sixteenth, sixteenth, across=3)),
            ]
        )
        self.more_down = _more(settings.widths, settings.more_down)
        self.at_anchor = nn.ModuleList(
            [AnchorAttention(width, settings.heads) for width in (quarter, eighth) if settings.heads]
        )
        self.told = nn.ModuleList([nn.Linear(MEASURES, width) for width in settings.widths])
        self.far = nn.ModuleList(
            [
                nn.Sequential(Layer(sixteenth, sixteenth, across=3, spread=spread), Layer(sixteenth, sixteenth))
                for spread in (2, 4, 1)
            ]
        )
        self.up = nn.ModuleList(
            [
                Layer(sixteenth + eighth, eighth),
                Layer(eighth + quarter, quarter),
                nn.Sequential(Layer(quarter + half, half), Layer(half, half, across=3), Layer(half, half)),
            ]
        )
        self.more_up = _more((half, quarter, eighth), settings.more_up)
        self.change = nn.Conv3d(half, 4, 1)
        self.summary = nn.Conv1d(sixteenth + MEASURES, 64, 5, padding=2)
        self.verdicts = nn.Conv1d(64, 2, 1)
        nn.init.zeros_(self.change.weight)
        if self.change.bias is not None:
            nn.init.zeros_(self.change.bias)

    def forward(self, maps: torch.Tensor, measures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What to change and what to think of each slice.

        Args:
            maps: (passes, MAPS, slices, side, side), the anchor's slice first, side a multiple of 16.
            measures: (passes, slices, MEASURES).

        Returns:
            (passes, slices, side, side), to be added to the log odds of what the pass found, and
            (passes, slices, 2), logits of "the structure is here" and of the Dice after the change.
        """
        passes, _, slices, side, _ = maps.shape
        # Two by two pixels become channels: full resolution would cost most and add little.
        x = maps.reshape(passes, MAPS, slices, side // 2, 2, side // 2, 2).permute(0, 1, 4, 6, 2, 3, 5)
        x = self.begin(x.reshape(passes, MAPS * 4, slices, side // 2, side // 2))
        kept: list[torch.Tensor] = []
        for level, (down, told) in enumerate(zip(self.down, self.told, strict=True)):
            hints = told(measures).transpose(1, 2)[..., None, None]
            pooled = x if level == 0 else functional.max_pool3d(x, (1, 2, 2))
            x = down(pooled + hints) if level == 0 else down(pooled) + hints
            x = self.more_down[level](x)
            if level in (1, 2) and len(self.at_anchor):
                x = self.at_anchor[level - 1](x)
            kept.append(x)
        for far in self.far:
            x = x + far(x)
        summary = torch.cat([x.mean((3, 4)), measures.transpose(1, 2).to(x.dtype)], dim=1)
        verdicts = self.verdicts(functional.relu(self.summary(summary))).transpose(1, 2)
        for up, more, beside in zip(self.up, reversed(self.more_up), reversed(kept[:-1]), strict=True):
            larger = functional.interpolate(x, scale_factor=(1, 2, 2), mode="nearest")
            x = more(up(torch.cat([larger, beside], dim=1)))
        change = self.change(x).reshape(passes, 2, 2, slices, side // 2, side // 2).permute(0, 3, 4, 1, 5, 2)
        return change.reshape(passes, slices, side, side), verdicts


def _more(widths: Sequence[int], blocks: Sequence[int]) -> nn.ModuleList:
    """So many blocks at each level; nothing happens where there are none."""
    return nn.ModuleList(
        [nn.Sequential(*(Block(width) for _ in range(count))) for width, count in zip(widths, blocks, strict=True)]
    )
