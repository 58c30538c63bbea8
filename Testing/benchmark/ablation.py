"""What each part of the default is worth: the default with one part taken out at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from Sli2VolSlicerLib.engine.protocol import Method, Refinement


@dataclass(frozen=True)
class Ablation:
    """The default without one of its parts.

    Attributes:
        words: what is taken out, for the table.
        rules: the rules that are then otherwise.
        refinement: the refinement's arguments that are then otherwise; None leaves passes as they come.
        trained: whether the features are learned; otherwise the network is as it was initialised.
        ends: whether passes end where ends are known.
    """

    words: str
    rules: Mapping[str, object] = field(default_factory=dict)
    refinement: Mapping[str, object] | None = field(default_factory=dict)
    trained: bool = True
    ends: bool = True


ABLATIONS: Mapping[str, Ablation] = {
    "without-training": Ablation("learned features (the network as initialised)", trained=False),
    "without-verification": Ablation("verification", {"verification": "none"}),
    "without-second-opinion": Ablation("the second opinion on verification", {"second_opinion": False}),
    "without-soft-masks": Ablation("soft masks (hard ones are carried)", {"soft": False}),
    "without-half-size": Ablation("half size for large structures", {"rescale": False}),
    "without-magnified-slices": Ablation("a second opinion on small structures, magnified", {"magnify": False}),
    "without-refinement": Ablation("refinement, and with it all that follows", refinement=None),
    "without-known-ends": Ablation("ends known of learned kinds", ends=False),
    "without-sending-on": Ablation("sending passes on", {"sent_on": False}),
    "without-second-look": Ablation("the refinement's second look", refinement={"looks": 1}),
    "without-clean-up": Ablation("drawing outlines to edges, and dropping loose parts", refinement={"clean_up": False}),
    "without-forks": Ablation("the end of long structures where they divide", refinement={"forks": False}),
}
"""Rows of their own, told apart from the methods' by their names."""


@dataclass(frozen=True)
class WeightFiles:
    """The default's weights: of its features, its refinement and its known ends."""

    weights: Path
    refinement: Path
    ends: Path


def ablated(name: str, files: WeightFiles, device: str) -> Method:
    """The default without one part.

    Args:
        name: one of `ABLATIONS`.
        files: the default's weights.
        device: "auto", "cpu", "cuda" or "mps".
    """
    import torch

    from Sli2VolSlicerLib.engine.devices import choose_device
    from Sli2VolSlicerLib.engine.ends.known_ends import EndedRefinement, KnownEnds
    from Sli2VolSlicerLib.engine.methods import DEFAULT_RULES, REFINED_RULES
    from Sli2VolSlicerLib.engine.methods.correspondence import Correspondence
    from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS, CorrespondenceNetwork
    from Sli2VolSlicerLib.engine.refinement.network_refinement import NetworkRefinement
    from Sli2VolSlicerLib.engine.weights_file import load_ends, load_network, load_refinement

    part = ABLATIONS[name]
    torch.manual_seed(1)
    network = load_network(files.weights) if part.trained else CorrespondenceNetwork(DEFAULT_SETTINGS)
    chosen = choose_device(device)
    if part.refinement is None:
        return Correspondence(name, network, chosen, DEFAULT_RULES)
    rules = replace(REFINED_RULES, **part.rules)  # type: ignore[arg-type]
    mending: Refinement
    mending = NetworkRefinement(load_refinement(files.refinement), chosen, **part.refinement)  # type: ignore[arg-type]
    if part.ends:
        mending = EndedRefinement(mending, KnownEnds(load_ends(files.ends)))
    return Correspondence(name, network, chosen, rules, refinement=mending)
