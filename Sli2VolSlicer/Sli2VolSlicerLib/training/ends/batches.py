"""Batches for the end network: a structure drawn on one slice, and some other slices in question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ...engine.ends.network import MEASURES
from ...engine.ends.view import SIDE, Frame, Handling, maps_of, measures_of
from ...engine.errors import VolumeError
from ..augmentation import AugmentationSettings, jitter_intensity
from .structures import EndStructure

_AREA_RANGE = (-6.0, 2.0)
_PICTURES = [0, 2, 3, 5]
"""Maps that show intensities; the others show masks."""

_NEAR_AN_END, _LEAST_SPREAD, _SPREAD = 0.6, 2.0, 0.25
_PAST_THE_END = 12
_DISTANCES = [0, 3]
"""Places among the measures (`engine/ends/view.py`) that tell how far off a slice is."""


@dataclass(frozen=True)
class EndBatches:
    """How batches are drawn.

    Attributes:
        structures: in a batch.
        slices: in question, for each of them.
        across_share, other_share: of the structures drawn, those across the acquired slices and those of no kind;
            the kinds share the rest alike.
        intensity: gamma, contrast, brightness and noise.
        shift, zoom, turn: largest shift as a share of the view, logarithm of the magnification, angle in radians.
        distance_hidden: chance that a slice's distance is not told.
    """

    structures: int = 20
    slices: int = 4
    across_share: float = 0.09
    other_share: float = 0.13
    intensity: AugmentationSettings = field(
        default_factory=lambda: AugmentationSettings(gamma=1.35, contrast=0.2, brightness=0.08, noise=0.02)
    )
    shift: float = 0.05
    zoom: float = 0.15
    turn: float = 0.2
    distance_hidden: float = 0.3


@dataclass(frozen=True, eq=False)
class EndBatch:
    """Slices in question, as the network takes them, and what is true of them.

    Attributes:
        maps: float32 (slices, MAPS, SIDE, SIDE).
        measures: float32 (slices, MEASURES).
        present: float32 (slices,), 1 where the structure is.
        area: float32 (slices,), as `EndOpinion.area`.
        kind: int64 (slices,), the last number for anything else.
    """

    maps: torch.Tensor
    measures: torch.Tensor
    present: torch.Tensor
    area: torch.Tensor
    kind: torch.Tensor


class EndSampler:
    """Draws batches; every draw depends on the generator alone.

    Args:
        structures: what to draw from; those held out are left aside.
        kinds: by name.
        settings: how.

    Raises:
        VolumeError: there is nothing labelled to draw from.
    """

    def __init__(self, structures: Sequence[EndStructure], kinds: Sequence[str], settings: EndBatches) -> None:
        self._settings = settings
        self._kinds = list(kinds)
        self._by_source: dict[str, list[EndStructure]] = {}
        for each in structures:
            if not each.is_held_out:
                self._by_source.setdefault(each.source, []).append(each)
        if not kinds:
            msg = (
                "The volumes hold no labelled structure on five slices or more outside the patients held out: there "
                "are no ends to learn. Give volumes with labels beside them (NAME_label.nii.gz)."
            )
            raise VolumeError(msg)
        self._sources = sorted(self._by_source)
        self._shares = self._sampling_shares()

    def draw(self, generator: np.random.Generator) -> EndBatch:
        """One batch."""
        drawn: list[EndBatch] = []
        while len(drawn) < self._settings.structures:
            source = self._sources[int(generator.choice(len(self._sources), p=self._shares))]
            members = self._by_source[source]
            one = self._shown(members[int(generator.integers(len(members)))], generator)
            if one is not None:
                drawn.append(one)
        names = ("maps", "measures", "present", "area", "kind")
        return EndBatch(**{name: torch.cat([getattr(one, name) for one in drawn]) for name in names})

    def _sampling_shares(self) -> np.ndarray:
        settings = self._settings
        of_all = {
            "across": settings.across_share,
            "other": settings.other_share,
            "along": 1 - settings.across_share - settings.other_share,
        }
        ways = [self._way(self._by_source[source][0]) for source in self._sources]
        shares = np.array([of_all[way] / ways.count(way) for way in ways])
        result: np.ndarray = shares / shares.sum()
        return result

    def _way(self, one: EndStructure) -> str:
        if not one.kind:
            return "other"
        return "along" if one.source in self._kinds else "across"

    def _shown(self, one: EndStructure, generator: np.random.Generator) -> EndBatch | None:
        """One structure drawn on a random slice, and slices to one side of it; None if there are none."""
        settings, areas = self._settings, one.areas
        anchor, step = int(generator.choice(one.fair_slices())), int(generator.choice([-1, 1]))
        room = len(areas) - 1 - anchor if step > 0 else anchor
        if room < 1:
            return None
        there = np.flatnonzero(areas)
        end = abs(int(there[-1] if step > 0 else there[0]) - anchor)
        away = np.array([self._in_question(end, room, generator) for _ in range(settings.slices)])
        drawn = one.drawn(anchor)
        maps = maps_of(
            Frame.around(drawn),
            torch.from_numpy(one.volume.seen(anchor)),
            torch.from_numpy(drawn.astype(np.float32)),
            torch.from_numpy(np.stack([one.volume.seen(anchor + step * int(each)) for each in away])),
            self._handling(generator),
        )
        of_others = areas[anchor + step * away]
        area = np.clip(np.log2((of_others + 1) / areas[anchor]), *_AREA_RANGE) / 3
        number = self._kinds.index(one.kind) if one.kind in self._kinds else len(self._kinds)
        return EndBatch(
            maps=self._otherwise_lit(maps, generator),
            measures=self._half_told(measures_of(away, one.volume.spacing_mm, float(areas[anchor])), generator),
            present=torch.from_numpy((of_others > 0).astype(np.float32)),
            area=torch.from_numpy(area.astype(np.float32)),
            kind=torch.full((len(away),), number),
        )

    @staticmethod
    def _in_question(end: int, room: int, generator: np.random.Generator) -> int:
        """A slice near the structure's end, or any other not far past it."""
        if generator.random() < _NEAR_AN_END:
            near = generator.normal(end + 0.5, max(_LEAST_SPREAD, _SPREAD * end))
            return int(np.clip(round(near), 1, room))
        return int(generator.integers(1, min(room, 2 * end + _PAST_THE_END) + 1))

    def _handling(self, generator: np.random.Generator) -> Handling:
        settings = self._settings
        down, right = generator.uniform(-settings.shift, settings.shift, 2)
        zoom = float(np.exp(generator.uniform(-settings.zoom, settings.zoom)))
        return Handling((float(down), float(right)), zoom, float(generator.uniform(-settings.turn, settings.turn)))

    def _otherwise_lit(self, maps: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
        """All slices of one structure in another light, the same for all."""
        pictures = (maps[:, _PICTURES] + 1) / 2
        column = pictures.reshape(1, -1, SIDE)
        lit = jitter_intensity(column, self._settings.intensity, generator).reshape(pictures.shape)
        maps = maps.clone()
        maps[:, _PICTURES] = lit * 2 - 1
        return maps

    def _half_told(self, measures: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
        told = torch.ones(MEASURES)
        for place in _DISTANCES:
            told[place] = float(generator.random() >= self._settings.distance_hidden)
        return measures * told
