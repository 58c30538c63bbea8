"""`sli2vol simulate`: the user played from a known truth."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import AnnotationError, RecommendationError
from ..engine.slice_stack import SliceStack
from ..files.volume_files import read_label_map, read_volume
from .interrupt import cancel_on_interrupt
from .opening import add_method_arguments, open_method
from .outputs import Outputs

if TYPE_CHECKING:
    from ..engine.simulation import Round

_DESCRIPTION = """\
Play the user: draw the recommended slice from TRUTH, propagate, and again, and tell how good it is after each.

A slice on which the truth is empty is drawn empty: "the structure is not here". The first slice drawn is the one of
largest area, or --first; k-means, histogram, ssim and perceptual choose it themselves, and are told on which slices
the structure is."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "simulate",
        help="play the user on a volume whose truth is known",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("image", type=Path, metavar="IMAGE", help="the volume")
    parser.add_argument("truth", type=Path, metavar="TRUTH", help="label map with the whole structure")
    parser.add_argument("--policy", default="expected-gain", metavar="NAME", help="as for `sli2vol recommend`")
    parser.add_argument("--slices", type=int, default=5, metavar="N", help="slices to draw (default: 5)")
    parser.add_argument("--first", type=int, metavar="SLICE", help="the slice drawn first (default: the largest)")
    parser.add_argument(
        "--told", action="store_true", help="keep-n and random are told the structure's first and last slice"
    )
    parser.add_argument("--axis", type=int, choices=(0, 1, 2), default=0, help="draw along this axis (default: 0)")
    parser.add_argument("--label", type=int, metavar="N", help="which label of TRUTH (default: the only one)")
    parser.add_argument("--seed", type=int, default=0, help="of random choices (default: 0)")
    add_method_arguments(parser)
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="also write the rounds as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do it.

    Raises:
        Sli2VolError: with a message for the user; nothing was written.
    """
    from ..engine.descriptors import descriptors_of
    from ..engine.recommendation import POLICIES
    from ..engine.session import PropagationSession
    from ..engine.simulation import SimulatedUser, simulate

    if arguments.policy not in POLICIES:
        msg = f"There is no policy {arguments.policy!r}; choose one of {', '.join(POLICIES)}."
        raise RecommendationError(msg)
    with Outputs() as outputs:
        if arguments.report is not None:
            outputs.claim(arguments.report, (".json",), (arguments.image, arguments.truth))
        method, _ = open_method(arguments)
        image = read_volume(arguments.image)
        labels = read_label_map(arguments.truth, image.grid).array
        label = _label(labels, arguments.label)
        stack = SliceStack(image.array, image.spacing_mm, arguments.axis)
        truth = np.ascontiguousarray(stack.slices_first(labels == label))
        user = SimulatedUser(arguments.policy, arguments.slices, arguments.first, arguments.told, arguments.seed)
        session = PropagationSession(stack, method)
        rounds: list[dict[str, Any]] = []
        with cancel_on_interrupt() as is_cancelled:
            features = descriptors_of(stack, method)
            for each in simulate(session, truth, user, features=features, is_cancelled=is_cancelled):
                rounds.append(_as_json(len(rounds) + 1, each))
                _tell(len(rounds), each)
        if len(rounds) < arguments.slices:
            print(f"no slice is left to recommend after {len(rounds)}")
        if arguments.report is not None:
            document = {
                "image": str(arguments.image),
                "truth": str(arguments.truth),
                "label": label,
                "axis": arguments.axis,
                "policy": arguments.policy,
                "method": method.name,
                "device": method.device_name,
                "rounds": rounds,
            }
            text = json.dumps(document, indent=2, allow_nan=False) + "\n"
            outputs.write(arguments.report, lambda path: path.write_text(text, encoding="utf-8"))
        outputs.commit()
    return 0


def _label(labels: np.ndarray, asked: int | None) -> int:
    present = [int(label) for label in np.unique(labels) if label]
    words = ", ".join(map(str, present)) or "none"
    if asked is not None and asked not in present:
        msg = f"The truth has no label {asked}; it has {words}."
        raise AnnotationError(msg)
    if not present:
        msg = "The truth is empty: there is nothing to draw."
        raise AnnotationError(msg)
    if asked is None and len(present) > 1:
        msg = f"The truth holds several labels ({words}): choose one with --label."
        raise AnnotationError(msg)
    return asked if asked is not None else present[0]


def _as_json(drawn: int, each: Round) -> dict[str, Any]:
    return {
        "drawn": drawn,
        "slice": each.slice_index,
        "empty": each.is_empty,
        "dice": round(each.dice, 4),
        "expected_dice": round(each.expected_dice, 4),
        "volume_ml": round(each.volume_ml, 3),
        "recommend_seconds": round(each.recommend_seconds, 4),
        "propagate_seconds": round(each.propagate_seconds, 4),
        "reason": each.reason,
    }


def _tell(drawn: int, each: Round) -> None:
    empty = " (empty)" if each.is_empty else ""
    print(
        f"{drawn} drawn: slice {each.slice_index}{empty}, Dice {each.dice:.3f} (expected {each.expected_dice:.2f}), "
        f"{each.volume_ml:.1f} ml, {each.recommend_seconds + each.propagate_seconds:.2f} s: {each.reason}",
        flush=True,
    )
