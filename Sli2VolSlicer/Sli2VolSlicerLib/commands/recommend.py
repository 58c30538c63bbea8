"""`sli2vol recommend`: which slice to look at next."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..engine.errors import AnnotationError, RecommendationError
from ..engine.records import Anchor, Propagation
from ..engine.slice_stack import SliceStack
from ..files.volume_files import VolumeFile, read_label_map, read_volume
from .interrupt import cancel_on_interrupt
from .opening import AXIS_HELP, add_method_arguments, anchors_in, open_method
from .outputs import Outputs
from .progress_bar import slice_bar

if TYPE_CHECKING:
    from ..engine.protocol import Method
    from ..engine.recommendation import QualityEstimate, Recommendation

_DESCRIPTION = """\
Say which slice to draw or correct next, and why.

ANNOTATION holds what is drawn so far, as for `sli2vol propagate`; it is propagated first. The policies
confidence and expected-gain (the default) judge that propagation. keep-n, random, k-means, histogram, ssim and
perceptual also work before anything is drawn: then leave ANNOTATION out."""

_POLICY_HELP = """\
expected-gain (default): where a drawn slice is expected to improve the volume most; confidence: the most voxels in
doubt; keep-n: evenly spaced; random; k-means, histogram, ssim, perceptual: slices that stand for others that look alike
(by pixels, histogram, structural similarity, the network's features)"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "recommend",
        help="say which slice to draw next",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("image", type=Path, metavar="IMAGE", help="the volume")
    parser.add_argument(
        "annotation", type=Path, nargs="?", metavar="ANNOTATION", help="label map with the slices drawn so far"
    )
    parser.add_argument("--policy", default="expected-gain", metavar="NAME", help=_POLICY_HELP)
    parser.add_argument("--count", type=int, default=1, metavar="N", help="how many slices to name (default: 1)")
    parser.add_argument(
        "--all-axes", action="store_true", help="look along all three axes (confidence and expected-gain)"
    )
    parser.add_argument("--axis", choices=("auto", "0", "1", "2"), default="auto", help=AXIS_HELP)
    parser.add_argument("--label", type=int, metavar="N", help="for this label only (default: for all)")
    parser.add_argument(
        "--range", type=int, nargs=2, metavar=("FIRST", "LAST"), help="name slices of this range only, inclusive"
    )
    parser.add_argument(
        "--empty", type=int, nargs="+", default=[], metavar="SLICE", help="slices on which the structure is not"
    )
    parser.add_argument("--seed", type=int, default=0, help="of random choices (default: 0)")
    add_method_arguments(parser)
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="also write the recommendations as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do it.

    Raises:
        Sli2VolError: with a message for the user; nothing was written.
    """
    from ..engine.descriptors import descriptors_of
    from ..engine.recommendation import RecommendationRequest, recommend

    with Outputs() as outputs:
        if arguments.report is not None:
            inputs = [path for path in (arguments.image, arguments.annotation) if path is not None]
            outputs.claim(arguments.report, (".json",), tuple(inputs))
        _check_policy(arguments)
        image = read_volume(arguments.image)
        axis, anchors = _anchors(arguments, image)
        stack = SliceStack(image.array, image.spacing_mm, axis)
        needs_method = bool(anchors) or arguments.policy == "perceptual"
        method = open_method(arguments)[0] if needs_method else None
        propagation = _propagate(stack, method, anchors, arguments) if anchors and method is not None else None
        request = RecommendationRequest(
            stack,
            propagation,
            anchors,
            label=arguments.label,
            all_axes=arguments.all_axes,
            seed=arguments.seed,
            slice_range=tuple(arguments.range) if arguments.range is not None else None,
            features=descriptors_of(stack, method) if method is not None else None,
        )
        found = recommend(request, arguments.policy, count=arguments.count)
        qualities = _qualities(propagation, anchors, stack)
        if arguments.report is not None:
            document = report(found, qualities, arguments)
            text = json.dumps(document, indent=2, allow_nan=False) + "\n"
            outputs.write(arguments.report, lambda path: path.write_text(text, encoding="utf-8"))
        outputs.commit()
    for each in found:
        of_label = f" (label {each.label})" if each.label is not None else ""
        print(f"axis {each.axis} slice {each.slice_index}{of_label}, score {each.score:.3f}: {each.reason}")
    for label, quality in qualities.items():
        print(f"label {label}: {quality.reason}")
    return 0


def report(
    found: Sequence[Recommendation], qualities: dict[int, QualityEstimate], arguments: argparse.Namespace
) -> dict[str, object]:
    """What --report writes."""
    recommendations = [
        {
            "axis": each.axis,
            "slice": each.slice_index,
            "score": round(float(each.score), 6),
            "reason": each.reason,
            "label": each.label,
        }
        for each in found
    ]
    return {
        "image": str(arguments.image),
        "annotation": str(arguments.annotation) if arguments.annotation is not None else None,
        "policy": arguments.policy,
        "recommendations": recommendations,
        "quality": {str(label): asdict(quality) for label, quality in qualities.items()},
    }


def _check_policy(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be, before any file is read."""
    from ..engine.recommendation import ALL_AXES_POLICIES, POLICIES, POLICIES_BEFORE_DRAWING

    if arguments.policy not in POLICIES:
        msg = f"There is no policy {arguments.policy!r}; choose one of {', '.join(POLICIES)}."
        raise RecommendationError(msg)
    if arguments.count < 1:
        msg = f"At least one slice must be asked for, got --count {arguments.count}."
        raise RecommendationError(msg)
    if arguments.annotation is None and arguments.policy in ALL_AXES_POLICIES:
        msg = (
            f"The policy '{arguments.policy}' judges a propagation: give an ANNOTATION with at least one drawn slice, "
            f"or choose one of {', '.join(POLICIES_BEFORE_DRAWING)}."
        )
        raise RecommendationError(msg)


def _anchors(arguments: argparse.Namespace, image: VolumeFile) -> tuple[int, tuple[Anchor, ...]]:
    """The axis and what is drawn; before anything is drawn the named axis, or 0."""
    labels = None if arguments.annotation is None else read_label_map(arguments.annotation, image.grid).array
    if labels is not None and labels.any():
        axis, anchors = anchors_in(labels, arguments.axis)
    else:
        axis, anchors = (0 if arguments.axis == "auto" else int(arguments.axis)), ()
    return axis, (*anchors, *_empty_anchors(arguments.empty, anchors, image.array.shape, axis))


def _empty_anchors(
    indices: Sequence[int], anchors: Sequence[Anchor], shape: tuple[int, ...], axis: int
) -> tuple[Anchor, ...]:
    if not indices:
        return ()
    if not anchors:
        msg = "--empty says where a drawn structure is not, and nothing is drawn yet; use --range instead."
        raise AnnotationError(msg)
    blank = np.zeros([side for a, side in enumerate(shape) if a != axis], bool)
    return tuple(
        Anchor(index, label, blank) for label in sorted({anchor.label for anchor in anchors}) for index in set(indices)
    )


def _propagate(
    stack: SliceStack, method: Method, anchors: Sequence[Anchor], arguments: argparse.Namespace
) -> Propagation:
    from ..engine.session import PropagationSession

    session = PropagationSession(stack, method)
    with cancel_on_interrupt() as is_cancelled, slice_bar(not arguments.quiet) as progress:
        return session.propagate(anchors, progress=progress, is_cancelled=is_cancelled)


def _qualities(
    propagation: Propagation | None, anchors: Sequence[Anchor], stack: SliceStack
) -> dict[int, QualityEstimate]:
    from ..engine.recommendation import estimate_quality

    if propagation is None:
        return {}
    return {
        label: estimate_quality(propagation, label, tuple(anchors), stack.spacing_mm) for label in propagation.masks
    }
