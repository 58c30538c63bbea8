"""`sli2vol propagate`: one painted slice becomes a volume."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..engine.records import Anchor, Direction, Propagation
from ..engine.slice_stack import SliceStack
from ..files.volume_files import VolumeFile, as_image, read_label_map, read_volume, write_image
from ..weights import sha256_of
from .interrupt import cancel_on_interrupt
from .opening import AXIS_HELP, add_method_arguments, anchors_in, open_method
from .outputs import IMAGE_SUFFIXES, SEGMENTATION_SUFFIX, Outputs, suffix_of
from .progress_bar import slice_bar
from .report import Report, confidence_of, passes_of, peak_memory_mb
from .segment_names import segments_named_in
from .segmentation_file import write_segmentation

if TYPE_CHECKING:
    from ..engine.protocol import Method


_DESCRIPTION = """\
Carry what is drawn on one slice or more through the volume.

IMAGE is a NIfTI, NRRD or MHA file, or a folder with one DICOM series. ANNOTATION is a label map on its grid
(or a .seg.nrrd from Slicer); each label is drawn on one slice or more, all labels along one axis. The drawn
slices come back unchanged. Nothing is written unless everything succeeds."""


@dataclass
class Stopwatch:
    """Seconds per stage, in the order in which the stages ran."""

    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = now - self._last
        self._last = now


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "propagate",
        help="carry what is drawn on a few slices through the volume",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("image", type=Path, metavar="IMAGE", help="the volume")
    parser.add_argument("annotation", type=Path, metavar="ANNOTATION", help="label map with the drawn slices")
    parser.add_argument(
        "output", type=Path, metavar="OUTPUT", help="label map to write (.nii.gz, .nii, .nrrd, .mha) or .seg.nrrd"
    )
    add_method_arguments(parser)
    parser.add_argument("--axis", choices=("auto", "0", "1", "2"), default="auto", help=AXIS_HELP)
    parser.add_argument(
        "--direction",
        choices=[direction.value for direction in Direction],
        default=Direction.BOTH.value,
        help="which way to go from the drawn slices: up is towards larger slice indices (default: both)",
    )
    parser.add_argument("--confidence", type=Path, metavar="FILE", help="also write the confidence (0..1) as a volume")
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="also write a report of the work")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no summary")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do it.

    Raises:
        Sli2VolError: with a message for the user; nothing was written.
    """
    watch = Stopwatch()
    with Outputs() as outputs:
        _claim_outputs(outputs, arguments)
        method, weights = open_method(arguments)
        watch.lap("load the method")
        image = read_volume(arguments.image)
        annotation = read_label_map(arguments.annotation, image.grid)
        watch.lap("read")
        axis, anchors = anchors_in(annotation.array, arguments.axis)
        stack = SliceStack(image.array, image.spacing_mm, axis)
        watch.lap("prepare")
        propagation = _propagate(stack, method, anchors, arguments)
        watch.lap("propagate")
        labels = _label_map(propagation, anchors, stack)
        _write_label_map(outputs, arguments.output, labels, image, annotation)
        if arguments.confidence is not None:
            confidence = np.ascontiguousarray(stack.volume_order(propagation.confidence), dtype=np.float32)
            writer = partial(write_image, array=confidence, grid=image.grid)
            outputs.write(arguments.confidence, writer)
        watch.lap("write")
        report = _report(arguments, method, weights, stack, propagation, watch)
        if arguments.report is not None:
            outputs.write(arguments.report, report.write)
        outputs.commit()
    if not arguments.quiet:
        _summarise(report)
    return 0


def _claim_outputs(outputs: Outputs, arguments: argparse.Namespace) -> None:
    inputs = (arguments.image, arguments.annotation)
    outputs.claim(arguments.output, (*IMAGE_SUFFIXES, SEGMENTATION_SUFFIX), inputs)
    if arguments.confidence is not None:
        outputs.claim(arguments.confidence, IMAGE_SUFFIXES, inputs)
    if arguments.report is not None:
        outputs.claim(arguments.report, (".json",), inputs)


def _propagate(
    stack: SliceStack, method: Method, anchors: Sequence[Anchor], arguments: argparse.Namespace
) -> Propagation:
    from ..engine.session import PropagationSession

    session = PropagationSession(stack, method)
    direction = Direction(arguments.direction)
    with cancel_on_interrupt() as is_cancelled, slice_bar(not arguments.quiet) as progress:
        return session.propagate(anchors, direction=direction, progress=progress, is_cancelled=is_cancelled)


def _label_map(propagation: Propagation, anchors: Sequence[Anchor], stack: SliceStack) -> np.ndarray:
    """The result as a label map (k, j, i); what was drawn wins over every label that was carried there."""
    labels = propagation.label_map()
    for anchor in anchors:
        labels[anchor.slice_index][anchor.mask] = anchor.label
    return np.ascontiguousarray(stack.volume_order(labels))


def _write_label_map(
    outputs: Outputs, path: Path, labels: np.ndarray, image: VolumeFile, annotation: VolumeFile
) -> None:
    if suffix_of(path, (*IMAGE_SUFFIXES, SEGMENTATION_SUFFIX)) == SEGMENTATION_SUFFIX:
        named = segments_named_in(annotation.metadata, labels)
        outputs.write(path, lambda temporary: write_segmentation(as_image(labels, image.grid), temporary, named))
    else:
        outputs.write(path, partial(write_image, array=labels, grid=image.grid))


def _report(
    arguments: argparse.Namespace,
    method: Method,
    weights: Path | None,
    stack: SliceStack,
    propagation: Propagation,
    watch: Stopwatch,
) -> Report:
    inside = {f"propagate: {stage}": value for stage, value in propagation.seconds.items() if stage != "total"}
    seconds = watch.seconds | inside | {"total": sum(watch.seconds.values())}
    return Report(
        image=str(arguments.image),
        annotation=str(arguments.annotation),
        output=str(arguments.output),
        method=method.name,
        weights=str(weights) if weights else None,
        weights_sha256=sha256_of(weights) if weights else None,
        device=propagation.device,
        axis=stack.axis,
        slices=stack.slice_count,
        seconds={stage: round(value, 4) for stage, value in seconds.items()},
        slices_propagated=propagation.slices_propagated,
        slices_per_second=round(propagation.slices_propagated / max(watch.seconds["propagate"], 1e-9), 2),
        peak_memory_mb=peak_memory_mb(),
        passes=passes_of(propagation),
        confidence_per_slice=confidence_of(propagation),
        notes=list(propagation.notes),
    )


def _summarise(report: Report) -> None:
    print(
        f"{report.slices_propagated} slices along axis {report.axis} in {report.seconds['propagate']:.2f} s "
        f"({report.slices_per_second:.1f} per second, {report.method} on {report.device})"
    )
    for one in report.passes:
        print(
            f"label {one['label']}: from slice {one['anchor_slice']} {one['direction']} to {one['last_slice']}: "
            f"{one['reason']}"
        )
    for note in report.notes:
        print(f"note: {note}")
    print(f"wrote {report.output}")
