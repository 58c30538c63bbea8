"""Drawing the mask prior's training samples: a slice to draw, its neighbour, and the neighbour's mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..engine.mask_prior import network_inputs
from ..engine.mask_prior_appearance import AppearanceModel
from ..engine.mask_prior_network import MaskPriorSettings
from .mask_prior_objects import TrainingObject
from .mask_prior_perturbation import alter_images, perturb_masks


@dataclass(frozen=True)
class SampleSettings:
    """How samples are drawn.

    Attributes:
        largest_gap: slices from reference to target, 1..largest_gap, near ones oftener.
        ended_share: share of samples whose target lies past the structure's end.
        anchor_reach: the appearance comes from a slice up to this far from the reference.
        zoom: smallest and largest factor on the crop's side.
        shift: largest displacement of the crop, over its side.
        deepest_drift: the network is fed its own drawings for at most this many steps.
    """

    largest_gap: int = 3
    ended_share: float = 0.16
    anchor_reach: int = 8
    zoom: tuple[float, float] = (0.85, 1.25)
    shift: float = 0.05
    deepest_drift: int = 6


@dataclass(frozen=True, eq=False)
class Task:
    """One sample before rendering.

    Attributes:
        object_index: of the sampler's objects.
        target, reference, anchor: slices of the object.
        frame: float64 (2, 3): (column, row) of the crop, -1..1, to (row, column) in the object's pixels.
        drawn: the network's own mask on the reference, (size, size); None: take the truth and perturb it.
        depth: how many of its own drawings lie behind `drawn`.
    """

    object_index: int
    target: int
    reference: int
    anchor: int
    frame: np.ndarray
    drawn: torch.Tensor | None = None
    depth: int = 0


@dataclass(frozen=True, eq=False)
class Batch:
    """Rendered samples.

    Attributes:
        inputs: (batch, 5, size, size).
        truth: (batch, size, size), 0..1.
        reference: (batch, size, size), the mask that the network was handed.
    """

    inputs: torch.Tensor
    truth: torch.Tensor
    reference: torch.Tensor


class TaskSampler:
    """Draws tasks from objects and renders them; every draw depends on the generator alone.

    Args:
        objects: what to draw from.
        shares: family -> weight in sampling; families that are not named share nothing.
        network: its crop geometry.
        settings: how.
    """

    def __init__(
        self,
        objects: Sequence[TrainingObject],
        shares: dict[str, float],
        network: MaskPriorSettings,
        settings: SampleSettings,
    ) -> None:
        self.objects = list(objects)
        self._network = network
        self._settings = settings
        self._occupied = [o.occupied for o in self.objects]
        families = [o.family for o in self.objects]
        counts = {f: families.count(f) for f in set(families)}
        weights = np.array([shares.get(f, 0.0) / counts[f] for f in families])
        self._weights = weights / weights.sum()

    def draw(self, generator: np.random.Generator) -> Task:
        """A new task: a random object, somewhere along it."""
        index = int(generator.choice(len(self.objects), p=self._weights))
        depth = len(self.objects[index].mask)
        occupied = self._occupied[index]
        gap = 1 + int(generator.choice(self._settings.largest_gap, p=self._gap_shares()))
        step = 1 if generator.random() < 0.5 else -1
        if generator.random() < self._settings.ended_share:
            end = int(occupied[-1] if step > 0 else occupied[0])
            reference = end - step * int(generator.integers(0, gap))
            target = reference + step * gap
        else:
            reference = int(generator.choice(occupied))
            target = reference + step * gap
        if not 0 <= target < depth:
            target = reference - step * gap
        if not (0 <= target < depth and self.objects[index].mask[reference].sum() >= 10):
            return self.draw(generator)
        near = occupied[np.abs(occupied - reference) <= self._settings.anchor_reach]
        anchor = int(generator.choice(near)) if generator.random() < 0.7 else reference
        frame = self._frame(self.objects[index].mask[reference], generator)
        return Task(index, target, reference, anchor, frame)

    def _gap_shares(self) -> np.ndarray:
        shares = 1.0 / np.arange(1, self._settings.largest_gap + 1) ** 1.5
        result: np.ndarray = shares / shares.sum()
        return result

    def _frame(self, mask: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """A crop around a mask, turned and mirrored at random, a little off in place and size."""
        angle = generator.uniform(-np.pi, np.pi)
        mirrored = -1.0 if generator.random() < 0.5 else 1.0
        down = np.array([np.cos(angle), np.sin(angle)])
        right = np.array([-np.sin(angle), np.cos(angle)]) * mirrored
        places = np.argwhere(mask) + 0.5
        along = np.stack([places @ right, places @ down])
        low, high = along.min(axis=1) - 0.5, along.max(axis=1) + 0.5
        longest = float((high - low).max())
        side = max(longest * self._network.context, longest + 2 * self._network.margin)
        side *= float(np.exp(generator.uniform(*np.log(self._settings.zoom))))
        centre = (low + high) / 2 + generator.uniform(-1, 1, 2) * self._settings.shift * side
        return np.stack([right * side / 2, down * side / 2, centre[0] * right + centre[1] * down], axis=1)

    def render(self, tasks: Sequence[Task], generator: np.random.Generator | None) -> Batch:
        """Make crops of tasks; without a generator nothing is altered or perturbed."""
        size = self._network.size
        crops = torch.stack([self._cut(t, size) for t in tasks])
        images, masks = crops[:, :3], crops[:, 3:]
        soft = masks[:, 1]
        if generator is not None:
            images = alter_images(images, soft, generator)
            soft = perturb_masks(soft, generator)
        soft = torch.stack([s if t.drawn is None else t.drawn for t, s in zip(tasks, soft, strict=True)])
        maps = torch.stack([_appearance(i, m) for i, m in zip(images, masks, strict=True)])
        return Batch(network_inputs(images[:, 0], images[:, 1], soft, maps), masks[:, 0], soft)

    def _cut(self, task: Task, size: int) -> torch.Tensor:
        """(6, size, size): intensities of target, reference and anchor, then their masks."""
        one = self.objects[task.object_index]
        slices = [task.target, task.reference, task.anchor]
        rows, columns = one.mask.shape[1:]
        both = np.concatenate([one.intensity[slices].astype(np.float32), one.mask[slices].astype(np.float32)])
        line = (np.arange(size) + 0.5) * 2 / size - 1
        across, down = np.meshgrid(line, line)
        row, column = (f[0] * across + f[1] * down + f[2] for f in task.frame)
        grid = np.stack([column * 2 / columns - 1, row * 2 / rows - 1], axis=-1).astype(np.float32)[None]
        place = torch.from_numpy(grid)
        cut = functional.grid_sample(torch.from_numpy(both)[None], place, padding_mode="border", align_corners=False)
        return cut[0]

    def continued(
        self, task: Task, drawn: torch.Tensor, truth: torch.Tensor, generator: np.random.Generator
    ) -> Task | None:
        """The next step on from what the network drew; None where propagation would not go on.

        Args:
            drawn: (size, size), the network's probabilities on the task's target.
            truth: the same of the truth.
        """
        inside, right = drawn > 0.5, truth > 0.5
        common, either = float((inside & right).sum()), float((inside | right).sum())
        if inside.sum() < 6 or task.depth >= self._settings.deepest_drift:
            return None
        if (right.any() and common < 0.3 * either) or (not right.any() and generator.random() < 0.5):
            return None
        one = self.objects[task.object_index]
        step = int(np.sign(task.target - task.reference))
        target = task.target + step * (1 if generator.random() < 0.8 else 2)
        if not 0 <= target < len(one.mask):
            return None
        frame, part = self._recropped(task.frame, drawn, inside, generator)
        return Task(task.object_index, target, task.target, task.anchor, frame, part, task.depth + 1)

    def _recropped(
        self, frame: np.ndarray, drawn: torch.Tensor, inside: torch.Tensor, generator: np.random.Generator
    ) -> tuple[np.ndarray, torch.Tensor]:
        """The frame around what was drawn, and the drawing in it."""
        size = drawn.shape[-1]
        rows, columns = torch.nonzero(inside.any(dim=1)).ravel(), torch.nonzero(inside.any(dim=0)).ravel()
        low = np.array([int(columns[0]), int(rows[0])]) * 2 / size - 1
        high = np.array([int(columns[-1]) + 1, int(rows[-1]) + 1]) * 2 / size - 1
        longest = float((high - low).max())
        pixel = 1 / float(np.hypot(*frame[:, 0]))
        scale = max(longest * self._network.context, longest + 2 * self._network.margin * pixel) / 2
        scale *= float(np.exp(generator.uniform(-0.08, 0.08)))
        centre = (low + high) / 2
        inner = np.array([[scale, 0, centre[0]], [0, scale, centre[1]]])
        grid = functional.affine_grid(torch.from_numpy(inner).float()[None], [1, 1, size, size], align_corners=False)
        part = functional.grid_sample(drawn[None, None], grid, align_corners=False)[0, 0]
        outer = np.column_stack([frame[:, :2] * scale, frame[:, :2] @ centre + frame[:, 2]])
        return outer, part


def _appearance(images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """(2, size, size): appearance of target and reference by the anchor, by the reference if that is out of view."""
    slices, known = images.numpy(), masks.numpy() > 0.5
    anchor = 2 if known[2].sum() >= 20 else 1
    return torch.from_numpy(AppearanceModel.from_anchor(slices[anchor], known[anchor]).map(slices[:2]))
