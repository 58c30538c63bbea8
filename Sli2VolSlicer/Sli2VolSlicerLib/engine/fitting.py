"""A small network fitted to one structure of one volume: from its drawn slices, and from others as far as trusted.

After Payer et al., "Medical volume segmentation by overfitting sparsely annotated data" (2023), who fit common networks
for half an hour and more; this one is small, sees the structure's surroundings alone, and takes seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from .devices import Device
from .protocol import Tell

STRIDE = 4
"""Rows and columns of a lesson are multiples of this."""

_MAPS = 6
_GROUPS = 4
_NOISE, _GAIN, _OFFSET = 0.05, 0.2, 0.15
_LEAST_CERTAIN = 0.1
_NEIGHBOURS = 3


@dataclass(frozen=True)
class FitSettings:
    """How the network is fitted.

    Attributes:
        steps: batches.
        batch: slices in each.
        width: channels at full resolution; twice and four times as many below.
        rate: the learning rate at its highest.
        drawn_share: share of the slices in a batch that are drawn ones, whatever the others are trusted.
        seed: of everything random.
    """

    steps: int = 400
    batch: int = 4
    width: int = 12
    rate: float = 4e-3
    drawn_share: float = 0.35
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Lesson:
    """What there is to learn of one structure.

    Attributes:
        intensity: float32 (slices + 2, rows, columns), about -1..1: a slice more at either end.
        soft: float32 (slices, rows, columns), 0..1: what was drawn, and what was found on the others.
        trust: float32 (slices,), 0..1.
        is_drawn: bool (slices,).
    """

    intensity: torch.Tensor
    soft: torch.Tensor
    trust: torch.Tensor
    is_drawn: torch.Tensor

    def maps(self, indices: torch.Tensor, hint: torch.Tensor) -> torch.Tensor:
        """What the network sees: each slice, its neighbours, where it is in the plane, and a hint of the structure.

        Args:
            hint: (chosen slices, rows, columns), 0..1.

        Returns:
            (chosen slices, _MAPS, rows, columns).
        """
        rows, columns = self.soft.shape[1:]
        down, right = torch.meshgrid(torch.linspace(-1, 1, rows), torch.linspace(-1, 1, columns), indexing="ij")
        place = torch.stack([down, right]).expand(len(indices), 2, rows, columns)
        around = torch.stack([self.intensity[indices + beside] for beside in range(3)], dim=1)
        return torch.cat([around, place, hint[:, None] * 2 - 1], dim=1)


class FittedNetwork(nn.Module):
    """A U-Net of two levels; 68,000 parameters at width 12."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            [_layers(_MAPS, width), _layers(width, 2 * width), _layers(2 * width, 4 * width)],
        )
        self.up = nn.ModuleList([_layers(6 * width, 2 * width), _layers(3 * width, width)])
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Log odds of the structure, (slices, rows, columns)."""
        whole = self.down[0](maps)
        halved = self.down[1](functional.avg_pool2d(whole, 2))
        quartered = self.down[2](functional.avg_pool2d(halved, 2))
        halved = self.up[0](torch.cat([_magnified(quartered), halved], dim=1))
        odds: torch.Tensor = self.last(self.up[1](torch.cat([_magnified(halved), whole], dim=1)))[:, 0]
        return odds


def fit(lesson: Lesson, settings: FitSettings, device: Device, tell: Tell) -> torch.Tensor:
    """What a network fitted to the lesson says of each of its slices: float32 like `lesson.soft`, log odds.

    Deterministic under the settings' seed; the process's own random numbers are left alone.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = FittedNetwork(settings.width)
    optimiser = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=1e-3)
    choice = _choice(lesson, settings.drawn_share)
    for step in range(settings.steps):
        tell(step, settings.steps)
        for group in optimiser.param_groups:
            group["lr"] = _rate(settings, step)
        chosen = torch.multinomial(choice, settings.batch, replacement=True, generator=generator)
        maps, wanted, certain = _varied(lesson, chosen, generator)
        with device.autocast():
            odds = network(maps)
        optimiser.zero_grad()
        _loss(odds.float(), wanted, certain).backward()
        optimiser.step()
    return _said(network, lesson, settings.batch, device)


@torch.inference_mode()
def _said(network: FittedNetwork, lesson: Lesson, batch: int, device: Device) -> torch.Tensor:
    parts = []
    for indices in torch.arange(len(lesson.soft)).split(batch):
        with device.autocast():
            parts.append(network(lesson.maps(indices, lesson.soft[indices])).float())
    return torch.cat(parts)


def _choice(lesson: Lesson, drawn_share: float) -> torch.Tensor:
    """How often each slice is shown."""
    usual = (1 - drawn_share) * lesson.trust / lesson.trust.sum()
    return usual + drawn_share * lesson.is_drawn.float() / lesson.is_drawn.sum()


def _rate(settings: FitSettings, step: int) -> float:
    """A short warming up, then down a cosine."""
    return settings.rate * min(1.0, (step + 1) / 10) * (0.5 + 0.5 * math.cos(math.pi * step / settings.steps))


def _varied(
    lesson: Lesson, chosen: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Slices moved, turned, scaled and of other contrast: the maps, what is wanted, and how certain that is.

    The hint is a slice nearby, moved by itself: what was found on the very slice would be copied and nothing learned.
    """
    count = len(chosen)
    away = torch.randint(-_NEIGHBOURS, _NEIGHBOURS + 1, (count,), generator=generator)
    hint = lesson.soft[(chosen + away).clamp(0, len(lesson.soft) - 1)][:, None]
    hint = functional.grid_sample(hint, _moved(hint, generator, 0.04, 0.15, 0.1), align_corners=False)[:, 0]
    wanted = lesson.soft[chosen]
    certain = (2 * wanted - 1).abs().clamp(min=_LEAST_CERTAIN)
    everything = torch.cat([lesson.maps(chosen, hint), wanted[:, None], certain[:, None]], dim=1)
    grid = _moved(everything, generator, 0.08, 0.15, 0.2)
    moved = functional.grid_sample(everything, grid, align_corners=False, padding_mode="border")
    gain = torch.exp(_GAIN * _even(generator, count, 1, 1, 1))
    noise = _NOISE * torch.randn((count, 3, *wanted.shape[1:]), generator=generator)
    intensity = moved[:, :3] * gain + _OFFSET * _even(generator, count, 1, 1, 1) + noise
    return torch.cat([intensity, moved[:, 3:-2]], dim=1), moved[:, -2], moved[:, -1]


def _moved(images: torch.Tensor, generator: torch.Generator, shift: float, scale: float, turn: float) -> torch.Tensor:
    """Sampling grids for small random motions: shares of the half side, of the size, and radians."""
    count, _, rows, columns = images.shape
    size, angle = torch.exp(scale * _even(generator, count)), turn * _even(generator, count)
    motion = torch.zeros(count, 2, 3)
    motion[:, 0, 0] = motion[:, 1, 1] = size * angle.cos()
    motion[:, 0, 1], motion[:, 1, 0] = -size * angle.sin() * rows / columns, size * angle.sin() * columns / rows
    motion[:, :, 2] = shift * _even(generator, count, 2)
    return functional.affine_grid(motion, [count, 1, rows, columns], align_corners=False)


def _even(generator: torch.Generator, *shape: int) -> torch.Tensor:
    """Evenly distributed over -1..1."""
    return torch.rand(shape, generator=generator) * 2 - 1


def _loss(odds: torch.Tensor, wanted: torch.Tensor, certain: torch.Tensor) -> torch.Tensor:
    pixels = functional.binary_cross_entropy_with_logits(odds, wanted, weight=certain)
    found = torch.sigmoid(odds)
    common = (found * wanted * certain).sum(dim=(1, 2))
    both = ((found + wanted) * certain).sum(dim=(1, 2))
    return 3 * pixels + 0.5 * (1 - (2 * common + 1) / (both + 1)).mean()


def _layers(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.GroupNorm(_GROUPS, outputs),
        nn.LeakyReLU(0.1),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.GroupNorm(_GROUPS, outputs),
        nn.LeakyReLU(0.1),
    )


def _magnified(images: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
