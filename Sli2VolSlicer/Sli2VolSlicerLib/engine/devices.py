"""Which device computes, and in which precision."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .errors import DeviceError

DEVICE_NAMES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Device:
    """Where and how the network computes.

    Attributes:
        kind: "cpu", "cuda" or "mps".
        precision: of the convolutions; affinities are always float32.
    """

    kind: str
    precision: torch.dtype

    @property
    def words(self) -> str:
        return f"{self.kind} ({str(self.precision).removeprefix('torch.')})"

    def autocast(self, *, is_wanted: bool = True) -> torch.autocast:
        """Within it convolutions compute in bfloat16, where this device has it and it is wanted."""
        return torch.autocast(self.kind, torch.bfloat16, enabled=is_wanted and self.precision is torch.bfloat16)


def choose_device(name: str = "auto") -> Device:
    """The device of this name; "auto" takes CUDA, then MPS, then the CPU.

    Raises:
        DeviceError: no such name, or the machine has no such device.
    """
    if name not in DEVICE_NAMES:
        msg = f"There is no device {name!r}; choose one of {', '.join(DEVICE_NAMES)}."
        raise DeviceError(msg)
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if (name == "cuda" and not has_cuda) or (name == "mps" and not has_mps):
        msg = f"Device {name!r} was asked for, but PyTorch finds none here; choose auto or cpu."
        raise DeviceError(msg)
    if name == "cuda" or (name == "auto" and has_cuda):
        return Device("cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32)
    if name == "mps" or (name == "auto" and has_mps):
        return Device("mps", torch.float32)
    return Device("cpu", torch.bfloat16 if _processor_has_bfloat16() else torch.float32)


def _processor_has_bfloat16() -> bool:
    """Without bfloat16 instructions PyTorch emulates them, slower than float32."""
    for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        found = getattr(torch.cpu, probe, None)
        if found is not None and found():
            return True
    return False
