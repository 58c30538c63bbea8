"""Methods of propagation, siblings under one protocol, made by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from ..devices import choose_device
from ..errors import MethodError, WeightsError
from ..network import DEFAULT_SETTINGS, CorrespondenceNetwork
from ..protocol import Method, PassRules
from ..weights_file import load_network
from .copy_mask import CopyMask
from .correspondence import Correspondence
from .optical_flow import OpticalFlow

DEFAULT_RULES = PassRules(
    soft=True,
    verification="histogram",
    least_area=0.1,
    least_confidence=0.74,
    confidence_drop=0.14,
    least_overlap=0.5,
    rescale=True,
)
PAPER_RULES = PassRules(verification="paper")

_Maker = Callable[[Path | None, str, float], Method]


def _sli2vol(weights: Path | None, device: str, bound_mb: float) -> Method:
    return Correspondence(
        "sli2vol", _network("sli2vol", weights, "pyramid"), choose_device(device), DEFAULT_RULES, bound_mb=bound_mb
    )


def _sli2vol_paper(weights: Path | None, device: str, bound_mb: float) -> Method:
    network = _network("sli2vol-paper", weights, "resnet18-stride1")
    return Correspondence("sli2vol-paper", network, choose_device(device), PAPER_RULES, bound_mb=bound_mb)


def _sli2vol_paper_unverified(weights: Path | None, device: str, bound_mb: float) -> Method:
    network = _network("sli2vol-paper-no-verification", weights, "resnet18-stride1")
    return Correspondence(
        "sli2vol-paper-no-verification", network, choose_device(device), PassRules(), bound_mb=bound_mb
    )


def _random_weights(weights: Path | None, device: str, bound_mb: float) -> Method:
    torch.manual_seed(1)
    return Correspondence(
        "random-weights",
        CorrespondenceNetwork(DEFAULT_SETTINGS),
        choose_device(device),
        DEFAULT_RULES,
        bound_mb=bound_mb,
    )


def _copy(weights: Path | None, device: str, bound_mb: float) -> Method:
    return CopyMask()


def _optical_flow(weights: Path | None, device: str, bound_mb: float) -> Method:
    return OpticalFlow()


def _network(method: str, weights: Path | None, architecture: str) -> CorrespondenceNetwork:
    if weights is None:
        msg = f"Method {method!r} needs a weights file; name one, or take the catalogue's."
        raise WeightsError(msg)
    network = load_network(weights)
    if network.settings.architecture != architecture:
        msg = (
            f"The weights in {weights} belong to a {network.settings.architecture!r} network, but method "
            f"{method!r} needs {architecture!r}; choose other weights or another method."
        )
        raise WeightsError(msg)
    return network


_MAKERS: dict[str, _Maker] = {
    "sli2vol": _sli2vol,
    "sli2vol-paper": _sli2vol_paper,
    "sli2vol-paper-no-verification": _sli2vol_paper_unverified,
    "copy": _copy,
    "optical-flow": _optical_flow,
    "random-weights": _random_weights,
}

METHOD_NAMES: tuple[str, ...] = ("sli2vol", "sli2vol-paper", "copy", "optical-flow")
"""What users choose from; the makers know a few more, for the benchmark."""

METHODS_WITH_WEIGHTS: tuple[str, ...] = ("sli2vol", "sli2vol-paper")
"""Those of them that need a weights file; the others take none."""


def create_method(
    name: str, weights: Path | None = None, device: str = "auto", memory_bound_mb: float = 512.0
) -> Method:
    """The method of this name.

    Args:
        name: one of METHOD_NAMES (or a benchmark row).
        weights: the weights file, for methods that have one.
        device: "auto", "cpu", "cuda" or "mps".
        memory_bound_mb: what may be kept of features, per volume and working size.

    Raises:
        MethodError: no method of this name.
        WeightsError: a method that needs weights got none, or a file that does not fit.
        DeviceError: no such device here.
    """
    maker = _MAKERS.get(name)
    if maker is None:
        msg = f"There is no method {name!r}; choose one of {', '.join(METHOD_NAMES)}."
        raise MethodError(msg)
    return maker(weights, device, memory_bound_mb)
