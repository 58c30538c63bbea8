"""The mask prior: a small class-agnostic network that draws a slice's mask from the slice next to it.

It sees an object-centred crop, so that one network serves structures of any size, and an appearance
map that says which intensities belonged to the structure on the slice that the user drew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch.nn import functional

from .devices import choose_device
from .errors import WeightsError
from .mask_prior_appearance import AppearanceModel
from .mask_prior_network import MaskPriorNetwork, MaskPriorSettings

__all__ = ["AppearanceModel", "Crop", "Drawn", "MaskPrior", "load_mask_prior", "save_mask_prior"]

FORMAT = "sli2vol-mask-prior-1"

_NOTHING = 0.05
"""A reference mask nowhere above this is empty."""


@dataclass(frozen=True)
class Crop:
    """A square of a slice, in pixels; the first pixel covers 0..1.

    Attributes:
        row, column: the centre.
        side: length of a side.
    """

    row: float
    column: float
    side: float

    @staticmethod
    def around(soft: np.ndarray, settings: MaskPriorSettings) -> Crop | None:
        """The square around a soft mask (rows, columns), with context; None if the mask is empty."""
        peak = float(soft.max(initial=0.0))
        if peak <= _NOTHING:
            return None
        inside = soft > min(0.5, 0.5 * peak)
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        first = rows[0], columns[0]
        last = rows[-1] + 1, columns[-1] + 1
        longest = max(last[0] - first[0], last[1] - first[1])
        side = max(longest * settings.context, longest + 2 * settings.margin)
        return Crop((first[0] + last[0]) / 2, (first[1] + last[1]) / 2, float(side))

    def cut(self, slices: np.ndarray, size: int, outside: str = "border") -> torch.Tensor:
        """Resample to size x size, averaging areas where that means shrinking.

        Args:
            slices: float32 (channels, rows, columns).
            size: side of the result.
            outside: "border" repeats the slice's border, "zeros" puts 0.

        Returns:
            float32 (channels, size, size).
        """
        factor = max(1, int(np.floor(self.side / size / 1.5 + 0.5)))
        rows, columns = slices.shape[-2:]
        reach = self.side / 2 + 2 * factor
        first_row = int(np.clip(np.floor(self.row - reach), 0, max(0, rows - factor)))
        first_column = int(np.clip(np.floor(self.column - reach), 0, max(0, columns - factor)))
        last_row = int(np.clip(np.ceil(self.row + reach), first_row + factor, rows))
        last_column = int(np.clip(np.ceil(self.column + reach), first_column + factor, columns))
        part = torch.from_numpy(np.ascontiguousarray(slices[:, first_row:last_row, first_column:last_column]))[None]
        if factor > 1:
            part = functional.avg_pool2d(part, factor, ceil_mode=True, count_include_pad=False)
        line = (torch.arange(size, dtype=torch.float32) + 0.5) / size - 0.5
        row = (self.row + line * self.side - first_row) / factor * (2 / part.shape[-2]) - 1
        column = (self.column + line * self.side - first_column) / factor * (2 / part.shape[-1]) - 1
        grid = torch.stack([column[None, :].expand(size, size), row[:, None].expand(size, size)], dim=-1)[None]
        return functional.grid_sample(part, grid, mode="bilinear", padding_mode=outside, align_corners=False)[0]

    def paste(self, crop: torch.Tensor, shape: tuple[int, int]) -> np.ndarray:
        """The inverse of `cut`: a crop (size, size) on a slice of `shape`, 0 outside the square."""
        result = np.zeros(shape, np.float32)
        half = self.side / 2
        rows = slice(max(0, int(np.floor(self.row - half))), min(shape[0], int(np.ceil(self.row + half))))
        columns = slice(max(0, int(np.floor(self.column - half))), min(shape[1], int(np.ceil(self.column + half))))
        row = (torch.arange(rows.start, rows.stop, dtype=torch.float32) + 0.5 - self.row) / half
        column = (torch.arange(columns.start, columns.stop, dtype=torch.float32) + 0.5 - self.column) / half
        height, width = len(row), len(column)
        grid = torch.stack([column[None, :].expand(height, width), row[:, None].expand(height, width)], dim=-1)[None]
        placed = functional.grid_sample(crop[None, None], grid, padding_mode="zeros", align_corners=False)
        result[rows, columns] = placed[0, 0].numpy()
        return result


@dataclass(frozen=True, eq=False)
class Drawn:
    """What the network says about one slice.

    Attributes:
        soft: float32 (labels, rows, columns), probability of each mask.
        presence: float32 (labels,), probability that the structure is on the slice at all.
    """

    soft: np.ndarray
    presence: np.ndarray


def local_range(slices: torch.Tensor, soft: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The 2nd and 98th percentile of the intensities in and around a mask.

    Args:
        slices: (batch, size, size) intensities.
        soft: (batch, size, size), the mask on them, 0..1.

    Returns:
        low and high, (batch, 1, 1) each; high is at least 0.02 above low.
    """
    coarse = functional.max_pool2d(soft[:, None].float(), 2)
    inside = (coarse > 0.5 * coarse.amax(dim=(2, 3), keepdim=True)).float()
    near = functional.max_pool2d(inside, 9, stride=1, padding=4)[:, 0] > 0
    values = torch.where(near, slices[:, ::2, ::2].float(), torch.nan).flatten(1)
    shares = torch.tensor([0.02, 0.98], dtype=values.dtype, device=values.device)
    low, high = torch.nanquantile(values, shares, dim=1).nan_to_num(0.0)[..., None, None]
    return low, torch.maximum(high, low + 0.02)


def network_inputs(
    target: torch.Tensor, reference: torch.Tensor, soft: torch.Tensor, maps: torch.Tensor
) -> torch.Tensor:
    """Crops made into the network's channels: both slices under one contrast window, mask, appearance.

    The window is set for what lies in and around the mask: neighbours of similar grey stay apart
    even where bone and air are in view.

    Args:
        target, reference: (batch, size, size) intensities.
        soft: (batch, size, size), the mask on the reference, 0..1.
        maps: (batch, 2, size, size), appearance of target and reference, -1..1.

    Returns:
        (batch, 5, size, size).
    """
    low, high = (v[:, None] for v in local_range(reference, soft))
    windowed = (torch.stack([target, reference], dim=1) - (low + high) / 2) / (0.6 * (high - low))
    return torch.cat([windowed.clamp(-1.6, 1.6), soft[:, None] * 2 - 1, maps], dim=1)


class MaskPrior:
    """The trained network and its crop geometry.

    Args:
        network: trained; a folded copy is put on the device.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        DeviceError: no such device here.
    """

    def __init__(self, network: MaskPriorNetwork, device: str = "cpu") -> None:
        self.settings = network.settings
        chosen = choose_device(device)
        self.device_name = chosen.words
        self._device, self._kind = torch.device(chosen.kind), chosen.precision
        folded = network.folded().to(self._device, self._kind)
        self._network = folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @staticmethod
    def load(path: Path, device: str = "cpu") -> MaskPrior:
        """Read weights.

        Raises:
            WeightsError: no such file, not a safetensors file, or made for something else.
            DeviceError: no such device here.
        """
        return MaskPrior(load_mask_prior(path), device)

    def draw(
        self, target: np.ndarray, reference: np.ndarray, reference_soft: np.ndarray, appearance: AppearanceModel
    ) -> np.ndarray:
        """One structure's mask on a slice.

        Args:
            target, reference: (rows, columns), intensities 0..1.
            reference_soft: (rows, columns), the mask on `reference`, 0..1.
            appearance: of the structure, from a slice that the user drew.

        Returns:
            float32 (rows, columns), 0..1.
        """
        soft: np.ndarray = self.draw_all(target, reference, reference_soft[None], [appearance]).soft[0]
        return soft

    @torch.inference_mode()
    def draw_all(
        self, target: np.ndarray, reference: np.ndarray, softs: np.ndarray, appearances: Sequence[AppearanceModel]
    ) -> Drawn:
        """Several structures' masks on one slice, in one pass of the network.

        Args:
            target, reference: (rows, columns), intensities 0..1.
            softs: (labels, rows, columns), the masks on `reference`; an empty one stays empty.
            appearances: one per label.
        """
        settings, size = self.settings, self.settings.size
        result = np.zeros((len(softs), *target.shape), np.float32)
        presence = np.zeros(len(softs), np.float32)
        found = [(i, crop) for i, s in enumerate(softs) if (crop := Crop.around(s, settings)) is not None]
        if not found:
            return Drawn(result, presence)
        both = np.stack([target, reference]).astype(np.float32, copy=False)
        slices = torch.stack([crop.cut(both, size) for _, crop in found])
        masks = torch.stack(
            [crop.cut(softs[i][None].astype(np.float32, copy=False), size, "zeros")[0] for i, crop in found]
        )
        maps = torch.stack(
            [torch.from_numpy(appearances[i].map(pair.numpy())) for (i, _), pair in zip(found, slices, strict=True)]
        )
        inputs = network_inputs(slices[:, 0], slices[:, 1], masks, maps)
        inputs = inputs.to(self._device, self._kind, memory_format=torch.channels_last)
        logits, there = self._network(inputs)
        drawn, shares = torch.sigmoid(logits.float()).cpu(), torch.sigmoid(there.float()).cpu()
        for (i, crop), soft, share in zip(found, drawn, shares, strict=True):
            result[i] = crop.paste(soft, target.shape)
            presence[i] = float(share)
        return Drawn(result, presence)


def save_mask_prior(network: MaskPriorNetwork, path: Path, facts: Mapping[str, str]) -> None:
    """Write a network (float16) and its settings to a .safetensors file, replaced in one step.

    Args:
        network: what to keep.
        path: where.
        facts: anything worth keeping with it (training command, date, figures).
    """
    tensors = {
        name: (t.half() if t.is_floating_point() else t).contiguous() for name, t in network.state_dict().items()
    }
    metadata = {"format": FORMAT, "settings": json.dumps(asdict(network.settings)), **facts}
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(save(tensors, metadata))
    temporary.replace(path)


def load_mask_prior(path: Path) -> MaskPriorNetwork:
    """Read a network in float32, ready for inference.

    Raises:
        WeightsError: no such file, not a safetensors file, or made for something else.
    """
    if not path.is_file():
        msg = f"There is no weights file at {path}; choose another file, or leave the choice to the catalogue."
        raise WeightsError(msg)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        msg = f"{path} is not a readable weights file ({error}); fetch or copy it again."
        raise WeightsError(msg) from error
    if metadata.get("format") != FORMAT:
        kind = metadata.get("format", "weights of an unknown kind")
        msg = f"{path} holds {kind!r}, not {FORMAT!r}; choose weights of the mask prior."
        raise WeightsError(msg)
    try:
        known = json.loads(metadata["settings"])
        network = MaskPriorNetwork(MaskPriorSettings(**{**known, "widths": tuple(known["widths"])}))
        network.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        msg = f"The weights in {path} do not fit the network they name ({error}); fetch or copy the file again."
        raise WeightsError(msg) from error
    return network.eval()
