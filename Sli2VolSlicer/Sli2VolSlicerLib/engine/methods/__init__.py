"""Methods of propagation, siblings under one protocol, made by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from ..devices import choose_device
from ..ends.known_ends import EndedRefinement, KnownEnds
from ..errors import MethodError, WeightsError
from ..network import DEFAULT_SETTINGS, PAPER_SETTINGS, PLUS_SETTINGS, CorrespondenceNetwork, NetworkSettings
from ..protocol import Method, PassRules, Refinement
from ..refinement.network_refinement import NetworkRefinement
from ..weights_file import load_displacement, load_ends, load_mask_prior, load_network, load_refinement
from .auto import Auto
from .copy_mask import CopyMask
from .correspondence import Correspondence
from .interpolation import Interpolation
from .mask_prior import MaskPriorMethod
from .optical_flow import OpticalFlow
from .overfit import Overfit
from .voxelmorph import VoxelMorph

DEFAULT_RULES = PassRules(
    soft=True,
    verification="histogram",
    least_area=0.1,
    least_confidence=0.74,
    confidence_drop=0.14,
    least_overlap=0.5,
    rescale=True,
    magnify=True,
)
# In overtime a stop rule costs nothing but time: it may speak earlier.
REFINED_RULES = replace(DEFAULT_RULES, overtime=True, least_confidence=0.78)
PAPER_RULES = PassRules(verification="paper")
MASK_PRIOR_RULES = PassRules(soft=True, verification="histogram", least_area=0.1, least_overlap=0.5, rescale=True)


@dataclass(frozen=True)
class _Wanted:
    """What a method is made from."""

    weights: Path | None
    refinement: Path | None
    ends: Path | None
    device: str
    bound_mb: float


_Maker = Callable[[_Wanted], Method]


def _sli2vol(name: str, wanted: _Wanted) -> Correspondence:
    network, device = _network(name, wanted.weights, DEFAULT_SETTINGS), choose_device(wanted.device)
    if wanted.refinement is None:
        return Correspondence(name, network, device, DEFAULT_RULES, wanted.bound_mb)
    refinement: Refinement = NetworkRefinement(load_refinement(wanted.refinement), device)
    if wanted.ends is not None:
        refinement = EndedRefinement(refinement, KnownEnds(load_ends(wanted.ends)))
    return Correspondence(name, network, device, REFINED_RULES, wanted.bound_mb, refinement)


def _overfit(wanted: _Wanted) -> Method:
    return Overfit(_sli2vol("overfit", wanted), device=wanted.device)


def _auto(wanted: _Wanted) -> Method:
    # Optical flow needs no weights, and by the default's rules it ends as the default does. Passes left as they come
    # are no candidate: they carry as the default's do, which is all that a drawn slice can judge.
    default = _sli2vol("sli2vol", wanted)
    return Auto([default, OpticalFlow(default.rules, default.refinement)])


def _sli2vol_paper(name: str, rules: PassRules, wanted: _Wanted) -> Method:
    network = _network(name, wanted.weights, PAPER_SETTINGS)
    return Correspondence(name, network, choose_device(wanted.device), rules, wanted.bound_mb)


def _sli2vol_plus(name: str, rules: PassRules, wanted: _Wanted) -> Method:
    # Its paper propagates until nothing is left and speaks of no verification (section 3.4).
    network = _network(name, wanted.weights, PLUS_SETTINGS)
    return Correspondence(name, network, choose_device(wanted.device), rules, wanted.bound_mb)


def _voxelmorph(wanted: _Wanted) -> Method:
    if wanted.weights is None:
        msg = "Method 'voxelmorph' needs a weights file; name one."
        raise WeightsError(msg)
    return VoxelMorph(load_displacement(wanted.weights), choose_device(wanted.device))


def _mask_prior(wanted: _Wanted) -> Method:
    if wanted.weights is None:
        raise _without_weights("mask-prior")
    return MaskPriorMethod(load_mask_prior(wanted.weights), choose_device(wanted.device), MASK_PRIOR_RULES)


def _random_weights(wanted: _Wanted) -> Method:
    torch.manual_seed(1)
    network, device = CorrespondenceNetwork(DEFAULT_SETTINGS), choose_device(wanted.device)
    return Correspondence("random-weights", network, device, DEFAULT_RULES, wanted.bound_mb)


def _copy(_: _Wanted) -> Method:
    return CopyMask()


def _optical_flow(_: _Wanted) -> Method:
    return OpticalFlow()


def _interpolation(_: _Wanted) -> Method:
    return Interpolation()


def _network(method: str, weights: Path | None, like: NetworkSettings) -> CorrespondenceNetwork:
    if weights is None:
        raise _without_weights(method)
    network = load_network(weights)
    found, needed = ((s.architecture, s.descriptor) for s in (network.settings, like))
    if found != needed:
        msg = (
            f"The weights in {weights} belong to a {found[0]!r} network that sees the {found[1]}, but method "
            f"{method!r} needs {needed[0]!r} and the {needed[1]}; choose other weights or another method."
        )
        raise WeightsError(msg)
    return network


def _without_weights(method: str) -> WeightsError:
    return WeightsError(f"Method {method!r} needs a weights file; name one, or take the catalogue's.")


_MAKERS: dict[str, _Maker] = {
    "sli2vol": partial(_sli2vol, "sli2vol"),
    "sli2vol-unrefined": partial(_sli2vol, "sli2vol-unrefined"),
    "sli2vol-paper": partial(_sli2vol_paper, "sli2vol-paper", PAPER_RULES),
    "sli2vol-paper-no-verification": partial(_sli2vol_paper, "sli2vol-paper-no-verification", PassRules()),
    "sli2vol-plus": partial(_sli2vol_plus, "sli2vol-plus", PassRules()),
    "sli2vol-plus-verified": partial(_sli2vol_plus, "sli2vol-plus-verified", PAPER_RULES),
    "mask-prior": _mask_prior,
    "copy": _copy,
    "optical-flow": _optical_flow,
    "interpolation": _interpolation,
    "overfit": _overfit,
    "auto": _auto,
    "random-weights": _random_weights,
    "voxelmorph": _voxelmorph,
}

METHOD_NAMES: tuple[str, ...] = (
    "sli2vol",
    "sli2vol-paper",
    "mask-prior",
    "copy",
    "optical-flow",
    "interpolation",
    "overfit",
    "auto",
    "sli2vol-plus",
)
"""What users choose from; the makers know a few more, for the benchmark."""

WEIGHTS_OF: Mapping[str, str] = {
    "sli2vol": "sli2vol",
    "sli2vol-paper": "sli2vol-paper",
    "mask-prior": "mask-prior",
    "overfit": "sli2vol",
    "auto": "sli2vol",
    "sli2vol-plus": "sli2vol-plus",
}
"""Those of them that need a weights file, and its name in the catalogue; the others take none."""

REFINEMENT_OF: Mapping[str, str] = {
    "sli2vol": "sli2vol-refinement",
    "overfit": "sli2vol-refinement",
    "auto": "sli2vol-refinement",
}
"""Methods that are refined, and the name of the weights that do it."""

ENDS_OF: Mapping[str, str] = {"sli2vol": "sli2vol-ends", "overfit": "sli2vol-ends", "auto": "sli2vol-ends"}
"""Those of them whose passes end where structures of learned kinds do, and the name of the weights that know."""


def create_method(
    name: str,
    weights: Path | None = None,
    device: str = "auto",
    memory_bound_mb: float = 512.0,
    refinement: Path | None = None,
    ends: Path | None = None,
) -> Method:
    """The method of this name.

    Args:
        name: one of METHOD_NAMES (or a benchmark row).
        weights: the weights file, for methods that have one.
        device: "auto", "cpu", "cuda" or "mps".
        memory_bound_mb: what may be kept of features, per volume and working size.
        refinement: weights of the refinement, for methods in REFINEMENT_OF; without them passes stand as they are.
        ends: weights of the known ends, for methods in ENDS_OF and refined passes alone.

    Raises:
        MethodError: no method of this name, or refinement for one that has none.
        WeightsError: a method that needs weights got none, or a file that does not fit.
        DeviceError: no such device here.
    """
    maker = _MAKERS.get(name)
    if maker is None:
        msg = f"There is no method {name!r}; choose one of {', '.join(METHOD_NAMES)}."
        raise MethodError(msg)
    if refinement is not None and name not in REFINEMENT_OF:
        msg = f"Method {name!r} is not refined; leave {refinement} out, or choose one of {', '.join(REFINEMENT_OF)}."
        raise MethodError(msg)
    if ends is not None and (name not in ENDS_OF or refinement is None):
        msg = f"Known ends ({ends}) serve refined passes of {', '.join(ENDS_OF)} alone; leave the file out."
        raise MethodError(msg)
    return maker(_Wanted(weights, refinement, ends, device, memory_bound_mb))
