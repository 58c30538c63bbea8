"""Reading and writing weights: safetensors that say which network they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from .displacement import DisplacementNetwork
from .ends.network import EndNetwork, EndSettings
from .errors import WeightsError
from .mask_prior.network import MaskPriorNetwork, MaskPriorSettings
from .network import CorrespondenceNetwork, NetworkSettings
from .refinement.network import RefinementNetwork, RefinementSettings

FORMAT = "sli2vol-correspondence-1"
REFINEMENT_FORMAT = "sli2vol-refinement-1"
MASK_PRIOR_FORMAT = "sli2vol-mask-prior-1"
END_FORMAT = "sli2vol-ends-1"
DISPLACEMENT_FORMAT = "sli2vol-displacement-1"

_Network = CorrespondenceNetwork | RefinementNetwork | MaskPriorNetwork | EndNetwork | DisplacementNetwork
_FORMAT_OF: Mapping[type[torch.nn.Module], str] = {
    CorrespondenceNetwork: FORMAT,
    RefinementNetwork: REFINEMENT_FORMAT,
    MaskPriorNetwork: MASK_PRIOR_FORMAT,
    EndNetwork: END_FORMAT,
    DisplacementNetwork: DISPLACEMENT_FORMAT,
}


def save_network(network: _Network, path: Path, facts: Mapping[str, str], half: bool = True) -> None:
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
    metadata = {"format": _FORMAT_OF[type(network)], "settings": json.dumps(asdict(network.settings)), **facts}
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(save(tensors, metadata))
    temporary.replace(path)


def load_network(path: Path) -> CorrespondenceNetwork:
    """Read a correspondence network in float32, ready for inference.

    Raises:
        WeightsError: no such file, not a safetensors file, or made for something else.
    """
    settings, tensors = _read(path, FORMAT, "sli2vol train")
    try:
        network = CorrespondenceNetwork(NetworkSettings(**settings))
        network.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _misfit(path, error) from error
    return network.eval()


def load_displacement(path: Path) -> DisplacementNetwork:
    """Read a registering network in float32, ready for inference.

    Raises:
        WeightsError: as `load_network`.
    """
    settings, tensors = _read(path, DISPLACEMENT_FORMAT, "sli2vol train --method voxelmorph")
    try:
        network = DisplacementNetwork(NetworkSettings(**settings))
        network.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _misfit(path, error) from error
    return network.eval()


def load_refinement(path: Path) -> RefinementNetwork:
    """Read a refinement network in float32, ready for inference.

    Raises:
        WeightsError: as `load_network`.
    """
    settings, tensors = _read(path, REFINEMENT_FORMAT, "sli2vol train-refinement")
    try:
        network = RefinementNetwork(RefinementSettings(tuple(settings["widths"])))
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise _misfit(path, error) from error
    return network.eval()


def load_mask_prior(path: Path) -> MaskPriorNetwork:
    """Read a mask prior's network in float32, ready for inference.

    Raises:
        WeightsError: as `load_network`.
    """
    settings, tensors = _read(path, MASK_PRIOR_FORMAT, "sli2vol train-mask-prior")
    try:
        network = MaskPriorNetwork(MaskPriorSettings(**{**settings, "widths": tuple(settings["widths"])}))
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise _misfit(path, error) from error
    return network.eval()


def load_ends(path: Path) -> EndNetwork:
    """Read an end network in float32, ready for inference.

    Raises:
        WeightsError: as `load_network`.
    """
    settings, tensors = _read(path, END_FORMAT, "sli2vol train-ends")
    try:
        lists = {name: tuple(settings[name]) for name in ("widths", "kinds", "known")}
        network = EndNetwork(EndSettings(**lists))
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise _misfit(path, error) from error
    return network.eval()


def _read(path: Path, form: str, made_by: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Settings and float32 tensors of a weights file of the format `form`."""
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
    if metadata.get("format") != form:
        found = metadata.get("format", "weights of an unknown kind")
        msg = f"{path} holds {found!r}, not {form!r}; choose weights made by `{made_by}`."
        raise WeightsError(msg)
    try:
        settings = json.loads(metadata["settings"])
    except (KeyError, ValueError) as error:
        raise _misfit(path, error) from error
    if not isinstance(settings, dict):
        raise _misfit(path, TypeError("its settings are no object"))
    return settings, {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def _misfit(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        f"The weights in {path} do not fit the network they name ({error}); fetch or copy the file again."
    )
