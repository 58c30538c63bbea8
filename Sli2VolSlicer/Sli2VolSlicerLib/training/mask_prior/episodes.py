"""Episodes: a few slices of one structure in order, seen as another scanner and another patient would show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional

from ...engine.errors import VolumeError
from ..augmentation import AugmentationSettings, jitter_intensity
from ..refinement.batches import BatchSettings, sampling_shares
from ..refinement.objects import NOTHING_TO_LEARN_FROM
from .cut_outs import CutOut

_LEAST_DRAWN = 8
"""Pixels of a slice that an episode may begin on."""


@dataclass(frozen=True)
class EpisodeSettings:
    """How episodes are drawn. Angles, scales and flips are about those of the thesis.

    Attributes:
        steps: slices to draw after the first.
        scene: side of the square in which an episode is played, in pixels.
        fills: a structure's longest side takes this share of the scene at most.
        zoom: largest logarithm of the magnification.
        skipped: chance that every second slice is left out.
        ending: chance that the structure ends within the episode, where its ends are known.
        intensity: gamma, contrast, brightness and noise, one draw for all slices.
        each_slice: the same, drawn for every slice on its own.
        inverted: chance that bright becomes dark.
        mask_moved: chance that the first slice's mask is drawn a little otherwise.
        mask_turn, mask_zoom, mask_shift: how far at most, in radians, as a logarithm, and in pixels.
        shares: how often regions, tracks and structures across the slices are drawn.
    """

    steps: int = 4
    scene: int = 112
    fills: float = 0.55
    zoom: float = 0.2
    skipped: float = 0.2
    ending: float = 0.25
    intensity: AugmentationSettings = field(
        default_factory=lambda: AugmentationSettings(gamma=1.8, contrast=0.3, brightness=0.1, noise=0.03)
    )
    each_slice: AugmentationSettings = field(
        default_factory=lambda: AugmentationSettings(gamma=1.08, contrast=0.05, brightness=0.02, noise=0.0)
    )
    inverted: float = 0.25
    mask_moved: float = 0.4
    mask_turn: float = 0.035
    mask_zoom: float = 0.08
    mask_shift: float = 1.0
    shares: BatchSettings = field(default_factory=lambda: BatchSettings(grown_share=0.25, tracked_share=0.08))


@dataclass(frozen=True, eq=False)
class Episode:
    """Slices of one structure in the order in which they are drawn.

    Attributes:
        intensity: float32 (1 + steps, scene, scene), 0..1.
        truth: float32, the same shape, 0..1.
        drawn: float32 (scene, scene): the mask of the first slice, as it is handed in.
    """

    intensity: np.ndarray
    truth: np.ndarray
    drawn: np.ndarray

    @property
    def steps(self) -> int:
        """Slices to draw; fewer than asked for where the volume ends."""
        return len(self.intensity) - 1


class EpisodeSampler:
    """Draws episodes; every draw depends on the generator alone.

    Args:
        cut_outs: what to draw from; those held out are left aside.
        settings: how.

    Raises:
        VolumeError: there is nothing to draw from.
    """

    def __init__(self, cut_outs: Sequence[CutOut], settings: EpisodeSettings) -> None:
        self.settings = settings
        self.cut_outs = tuple(one for one in cut_outs if not one.is_held_out)
        self._usable = [np.flatnonzero(one.mask.sum(axis=(1, 2)) >= _LEAST_DRAWN) for one in self.cut_outs]
        if not any(len(usable) for usable in self._usable):
            raise VolumeError(NOTHING_TO_LEARN_FROM)
        shares = sampling_shares([one.family for one in self.cut_outs], settings.shares)
        shares[[len(usable) == 0 for usable in self._usable]] = 0
        self._shares = shares / shares.sum()

    def draw(self, generator: np.random.Generator) -> Episode:
        """One episode: a random structure, from a random slice on, either way."""
        settings, number = self.settings, int(generator.choice(len(self.cut_outs), p=self._shares))
        one = self.cut_outs[number]
        indices = self._indices(self._usable[number], len(one.mask), generator)
        frame = self._frame(one.mask[indices[0]], generator)
        intensity = torch.from_numpy(one.intensity[indices].astype(np.float32) / 255)[None]
        mask = torch.from_numpy(one.mask[indices].astype(np.float32))[None]
        seen = functional.grid_sample(intensity, frame, padding_mode="border", align_corners=False)[0]
        truth = functional.grid_sample(mask, frame, align_corners=False)[0]
        if generator.random() < settings.inverted:
            seen = 1 - seen
        # All slices one below the other: the draw is then the same for them.
        seen = jitter_intensity(seen.flatten(0, 1)[None], settings.intensity, generator).reshape(seen.shape)
        seen = jitter_intensity(seen, settings.each_slice, generator)
        drawn = self._moved(truth[:1], generator) if generator.random() < settings.mask_moved else truth[:1]
        return Episode(seen.numpy(), truth.numpy(), drawn[0].numpy())

    def _indices(self, usable: np.ndarray, slices: int, generator: np.random.Generator) -> np.ndarray:
        """The slices of an episode, in its order; two at least."""
        settings = self.settings
        step = (1 if generator.random() < 0.5 else -1) * (2 if generator.random() < settings.skipped else 1)
        last = int(usable[-1] if step > 0 else usable[0])
        if generator.random() < settings.ending:
            first = int(np.clip(last - step * int(generator.integers(0, settings.steps)), usable[0], usable[-1]))
            first = int(usable[np.argmin(np.abs(usable - first))])
        else:
            first = int(generator.choice(usable))
        indices = first + step * np.arange(settings.steps + 1)
        indices = indices[(indices >= 0) & (indices < slices)]
        if len(indices) < 2:
            # The volume, or what is known of it, ends here; every cut-out goes on the other way.
            indices = np.array([first, first - int(np.sign(step))])
        return indices

    def _frame(self, mask: np.ndarray, generator: np.random.Generator) -> torch.Tensor:
        """A sampling grid (1, scene, scene, 2) around a mask, turned, mirrored, zoomed and a little off."""
        settings = self.settings
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
        centre = np.array([columns[0] + columns[-1] + 1, rows[0] + rows[-1] + 1]) / 2
        centre += generator.uniform(-0.1, 0.1, 2) * longest
        magnified = float(np.exp(generator.uniform(-settings.zoom, settings.zoom)))
        magnified = min(magnified, settings.fills * settings.scene / longest)
        angle = generator.uniform(-np.pi, np.pi)
        mirrored = -1.0 if generator.random() < 0.5 else 1.0
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = turned * np.array([mirrored, 1.0]) * (settings.scene / 2 / magnified)
        # From pixels, as (column, row), to -1..1.
        size = np.array(mask.shape[::-1])
        affine = np.column_stack([matrix, centre]) * (2 / size)[:, None] - np.array([[0, 0, 1], [0, 0, 1]])
        shape = [1, 1, settings.scene, settings.scene]
        return functional.affine_grid(torch.from_numpy(affine.astype(np.float32))[None], shape, align_corners=False)

    def _moved(self, mask: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
        """A mask (1, scene, scene) turned, scaled and shifted a little about its middle."""
        settings = self.settings
        places = torch.nonzero(mask[0] > 0.5).float()
        if not len(places):
            return mask
        middle = (places.mean(dim=0).numpy()[::-1] + 0.5) * 2 / settings.scene - 1
        angle = generator.uniform(-settings.mask_turn, settings.mask_turn)
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned *= np.exp(generator.uniform(-settings.mask_zoom, settings.mask_zoom))
        shift = generator.uniform(-settings.mask_shift, settings.mask_shift, 2) * 2 / settings.scene
        affine = np.column_stack([turned, middle - turned @ middle + shift]).astype(np.float32)
        frame = functional.affine_grid(torch.from_numpy(affine)[None], [1, 1, *mask.shape[1:]], align_corners=False)
        return functional.grid_sample(mask[None], frame, align_corners=False)[0]
