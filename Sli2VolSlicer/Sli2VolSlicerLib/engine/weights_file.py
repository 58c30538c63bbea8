"""Reading and writing weights: safetensors that say which network they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from .errors import WeightsError
from .network import CorrespondenceNetwork, NetworkSettings

FORMAT = "sli2vol-correspondence-1"


def save_network(network: CorrespondenceNetwork, path: Path, facts: Mapping[str, str], half: bool = True) -> None:
    """Write a network and its settings.

    Args:
        network: what to keep.
        path: a .safetensors file; replaced in one step.
        facts: anything worth keeping with it (training command, date, figures).
        half: store float16, half the size; the rounding is far below what bfloat16 computes with.
    """
    kind = torch.float16 if half else torch.float32
    tensors = {
        name: (t.to(kind) if t.is_floating_point() else t).contiguous() for name, t in network.state_dict().items()
    }
    metadata = {"format": FORMAT, "settings": json.dumps(asdict(network.settings)), **facts}
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(save(tensors, metadata))
    temporary.replace(path)


def load_network(path: Path) -> CorrespondenceNetwork:
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
        found = metadata.get("format", "weights of an unknown kind")
        msg = f"{path} holds {found!r}, not {FORMAT!r}; choose weights made by `sli2vol train`."
        raise WeightsError(msg)
    try:
        settings = NetworkSettings(**json.loads(metadata["settings"]))
        network = CorrespondenceNetwork(settings)
        network.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        msg = f"The weights in {path} do not fit the network they name ({error}); fetch or copy the file again."
        raise WeightsError(msg) from error
    return network.eval()
