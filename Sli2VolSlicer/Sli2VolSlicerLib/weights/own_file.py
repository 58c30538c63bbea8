"""A weights file of the user's own: whether it is whole and what it is for, read without PyTorch."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine.errors import WeightsError

_LENGTH_BYTES = 8
_MOST_HEADER_BYTES = 100_000_000
_METHOD_OF = {
    ("pyramid", "edge-profile"): "sli2vol",
    ("resnet18-stride1", "edge-profile"): "sli2vol-paper",
    ("pyramid", "gradient-enhanced"): "sli2vol-plus",
}
"""By the network's architecture and descriptor."""
_NETWORK_FORMAT = "sli2vol-correspondence-1"
_MASK_PRIOR_FORMAT = "sli2vol-mask-prior-1"


@dataclass(frozen=True)
class OwnFile:
    """What a weights file says about itself.

    Attributes:
        path: where it is.
        method: the method that it is made for.
    """

    path: Path
    method: str


def describe_own_file(path: Path) -> OwnFile:
    """Read the head of a weights file made by `sli2vol train`.

    Raises:
        WeightsError: it cannot be read, is cut short, or holds something else.
    """
    try:
        header, present = _read_header(path), path.stat().st_size
    except OSError as error:
        msg = f"The weights file {path} cannot be read ({error.strerror}). Choose another."
        raise WeightsError(msg) from error
    except (ValueError, struct.error) as error:
        msg = f"{path} is not a weights file (safetensors is expected). Choose a file made by `sli2vol train`."
        raise WeightsError(msg) from error
    length, contents = header
    expected = _LENGTH_BYTES + length + _last_byte(contents)
    if present != expected:
        msg = f"The weights file {path} is cut short: {present} bytes of {expected}. Copy it again."
        raise WeightsError(msg)
    return OwnFile(path, _method_of(path, contents.get("__metadata__")))


def _read_header(path: Path) -> tuple[int, dict[str, Any]]:
    """Its length in bytes, and tensor name to where it lies."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(_LENGTH_BYTES))
        if length > _MOST_HEADER_BYTES:
            raise ValueError(length)
        contents = json.loads(file.read(length))
    if not isinstance(contents, dict):
        raise ValueError(contents)
    return length, contents


def _last_byte(contents: dict[str, Any]) -> int:
    tensors = [value for name, value in contents.items() if name != "__metadata__" and isinstance(value, dict)]
    ends = [tensor["data_offsets"][1] for tensor in tensors if len(tensor.get("data_offsets", ())) == 2]
    return max(ends, default=0)


def _method_of(path: Path, metadata: object) -> str:
    known = metadata if isinstance(metadata, dict) else {}
    if known.get("format") == _MASK_PRIOR_FORMAT:
        return "mask-prior"
    if known.get("format") != _NETWORK_FORMAT:
        found = known.get("format", "weights of an unknown kind")
        msg = f"{path} holds {found!r}, not a network of this tool. Choose a file made by `sli2vol train`."
        raise WeightsError(msg)
    try:
        settings = json.loads(known["settings"])
        # Files made before there was a choice do not name the descriptor.
        return _METHOD_OF[settings["architecture"], settings.get("descriptor", "edge-profile")]
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{path} names a network that this version does not know ({error}). Install a newer version."
        raise WeightsError(msg) from error
