"""What several commands begin with: a method by its name, anchors from a label map."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..engine.annotation import anchors_from_masks, find_axis
from ..engine.errors import MethodError
from ..engine.records import Anchor
from ..weights import find_weights

if TYPE_CHECKING:
    from ..engine.protocol import Method

_NONE = "none"

AXIS_HELP = """\
the axis along which slices were painted: auto finds it; 0, 1 and 2 count the axes of the array in (k, j, i) order,
so 0 is the last axis of a NIfTI file (usually axial), 1 the middle one and 2 the first"""


def add_method_arguments(parser: argparse.ArgumentParser) -> None:
    """--method, --device, --weights, --refinement and --ends."""
    parser.add_argument(
        "--method",
        default="sli2vol",
        help="sli2vol (default), sli2vol-paper, sli2vol-plus, mask-prior, copy, optical-flow, interpolation, "
        "overfit, or auto",
        metavar="NAME",
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute (default: auto)"
    )
    parser.add_argument("--weights", type=Path, metavar="FILE", help="weights to use instead of the catalogue's")
    parser.add_argument(
        "--refinement",
        metavar="FILE",
        help=f"weights of the refinement instead of the catalogue's, or '{_NONE}' to leave passes as they are",
    )
    parser.add_argument(
        "--ends",
        metavar="FILE",
        help=f"weights of the known ends instead of the catalogue's, or '{_NONE}': passes end where they find ends",
    )


def open_method(arguments: argparse.Namespace) -> tuple[Method, Path | None]:
    """The method that the arguments name, and the weights file that it took.

    Raises:
        Sli2VolError: no such method, device or weights, or weights for a method that takes none.
    """
    from ..engine.methods import ENDS_OF, METHOD_NAMES, REFINEMENT_OF, WEIGHTS_OF, create_method

    weights: Path | None = arguments.weights
    takes_weights = arguments.method in WEIGHTS_OF
    if weights is not None and arguments.method in METHOD_NAMES and not takes_weights:
        msg = f"The method '{arguments.method}' takes no weights; leave --weights out, or choose another method."
        raise MethodError(msg)
    if weights is None and takes_weights:
        weights = find_weights(WEIGHTS_OF[arguments.method])
    refinement = _companion(arguments.refinement, REFINEMENT_OF.get(arguments.method))
    ends = _companion(arguments.ends, ENDS_OF.get(arguments.method) if refinement is not None else None)
    return create_method(arguments.method, weights, arguments.device, refinement=refinement, ends=ends), weights


def _companion(asked: str | None, usual: str | None) -> Path | None:
    """The file of a method's further weights: as asked for, or the catalogue's of this name, or none."""
    if asked is not None:
        return None if asked == _NONE else Path(asked)
    return None if usual is None else find_weights(usual)


def anchors_in(labels: np.ndarray, axis: str) -> tuple[int, tuple[Anchor, ...]]:
    """The painted axis and the anchors of a label map (k, j, i).

    Args:
        axis: "auto", or the axis' number.

    Raises:
        AnnotationError: nothing is painted, or the axis cannot be told.
    """
    masks = {int(label): labels == label for label in np.unique(labels) if label != 0}
    number = find_axis(list(masks.values())) if axis == "auto" else int(axis)
    return number, anchors_from_masks(masks, number)
