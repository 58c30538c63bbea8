"""Reading and writing weights: safetensors that say which network they belong to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

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
_NetworkT = TypeVar("_NetworkT", bound=torch.nn.Module)
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
    metadata = {"format": _FORMAT_OF[type(network)], "settings": json.dumps(asdict(network.settings)), **facts}
    _write(network.state_dict(), path, metadata, torch.float16 if half else torch.float32)


def facts_of(path: Path) -> dict[str, str]:
    """What a weights file tells of itself.

    Raises:
        WeightsError: no such file, or not a safetensors file.
    """
    return _opened(path)[0]


@dataclass(frozen=True, eq=False)
class MeanWeights:
    """The mean of several files' weights, with those of their facts that all of them tell.

    Means of networks trained from common weights often do better than each (Wortsman et al. 2022, model soups).

    Attributes:
        metadata: format, settings, and the facts.
        tensors: by their names; float32 where they are no whole numbers.
    """

    metadata: dict[str, str]
    tensors: dict[str, torch.Tensor]

    @staticmethod
    def of(paths: Sequence[Path]) -> MeanWeights:
        """Read the files, one or more.

        Raises:
            WeightsError: one of them cannot be read, or its network is another than the first file's.
        """
        files = [_opened(each) for each in paths]
        metadata, first = files[0]
        for path, (told, tensors) in zip(paths, files, strict=True):
            shapes = {name: tensor.shape for name, tensor in tensors.items()}
            is_alike = shapes == {name: tensor.shape for name, tensor in first.items()}
            if not is_alike or any(told.get(name) != metadata.get(name) for name in ("format", "settings")):
                msg = f"{path} holds another network than {paths[0]}; a mean needs weights of the same kind and size."
                raise WeightsError(msg)
        agreed = {name: fact for name, fact in metadata.items() if all(told.get(name) == fact for told, _ in files)}
        return MeanWeights(agreed, {name: _mean([tensors[name] for _, tensors in files]) for name in first})

    def save(self, path: Path, facts: Mapping[str, str]) -> None:
        """Write it in float16, to a .safetensors file that is replaced in one step.

        Args:
            facts: anything more that is worth keeping with it.
        """
        _write(self.tensors, path, {**self.metadata, **facts}, torch.float16)


def _mean(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Of numbers that are counted, the first's."""
    return torch.stack(list(tensors)).mean(0) if tensors[0].is_floating_point() else tensors[0]


def _write(tensors: Mapping[str, torch.Tensor], path: Path, metadata: dict[str, str], kind: torch.dtype) -> None:
    kept = {name: (t.to(kind) if t.is_floating_point() else t).contiguous() for name, t in tensors.items()}
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(save(kept, metadata))
    temporary.replace(path)


def load_network(path: Path) -> CorrespondenceNetwork:
    """Read a correspondence network in float32, ready for inference.

    Raises:
        WeightsError: no such file, not a safetensors file, or made for something else.
    """
    return _loaded(path, FORMAT, "sli2vol train", lambda kept: CorrespondenceNetwork(NetworkSettings(**kept)))


def load_displacement(path: Path) -> DisplacementNetwork:
    """Read a registering network in float32, ready for inference.

    Raises:
        WeightsError: as `load_network`.
    """
    made_by = "sli2vol train --method voxelmorph"
    return _loaded(path, DISPLACEMENT_FORMAT, made_by, lambda kept: DisplacementNetwork(NetworkSettings(**kept)))


def load_refinement(path: Path) -> RefinementNetwork:
    """Read a refinement network in float32, ready for inference.

    Raises:
        WeightsError: as `load_network`.
    """
    made_by = "sli2vol train-refinement"
    return _loaded(path, REFINEMENT_FORMAT, made_by, lambda kept: RefinementNetwork(RefinementSettings(**kept)))


def load_mask_prior(path: Path) -> MaskPriorNetwork:
    """Read a mask prior's network in float32, ready for inference.

    Raises:
        WeightsError: as `load_network`.
    """
    made_by = "sli2vol train-mask-prior"
    return _loaded(path, MASK_PRIOR_FORMAT, made_by, lambda kept: MaskPriorNetwork(MaskPriorSettings(**kept)))


def load_ends(path: Path) -> EndNetwork:
    """Read an end network in float32, ready for inference.

    Raises:
        WeightsError: as `load_network`.
    """
    return _loaded(path, END_FORMAT, "sli2vol train-ends", lambda kept: EndNetwork(EndSettings(**kept)))


def _loaded(path: Path, form: str, made_by: str, make: Callable[[dict[str, Any]], _NetworkT]) -> _NetworkT:
    """A network made from the settings that the file keeps, with its tensors."""
    settings, tensors = _read(path, form, made_by)
    try:
        # JSON has lists where the settings have tuples.
        network = make({name: tuple(kept) if isinstance(kept, list) else kept for name, kept in settings.items()})
        network.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _misfit(path, error) from error
    return network.eval()


def _read(path: Path, form: str, made_by: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Settings and float32 tensors of a weights file of the format `form`."""
    metadata, tensors = _opened(path)
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
    return settings, tensors


def _opened(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """What a weights file tells, and its tensors in float32."""
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
    return metadata, {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def _misfit(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        f"The weights in {path} do not fit the network they name ({error}); fetch or copy the file again."
    )
