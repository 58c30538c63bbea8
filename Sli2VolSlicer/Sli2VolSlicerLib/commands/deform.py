"""`sli2vol deform`: copies of volumes and their labels as if of other patients, to train on."""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import numpy as np

from ..engine.errors import VolumeError
from . import training_run
from .labelled_volumes import label_file_of, name_of, name_of_copy, read_labelled_volume, write_labelled_volume
from .outputs import Outputs, require_folder
from .train import find_volumes

_DESCRIPTION = """\
Write copies of CT or MR volumes and their labels as if they were of other patients: deformed, stretched along the
slices, every structure a little brighter or darker as in another contrast phase, with other noise. Few labelled
volumes of a kind then teach as if they were more.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files. Labels lie beside the
volume, or in the folder of --labels, as for train-refinement. The copies of NAME_img.nii.gz are
NAME_deformed1_img.nii.gz and so on, of the same patient by their names, and their labels NAME_deformed1_label.nii.gz.
The same volumes, labels and seed give the same copies."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "deform",
        help="write deformed copies of volumes and labels, to train on",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("volumes", nargs="+", type=Path, metavar="VOLUME")
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="where copies are written")
    parser.add_argument("--copies", type=int, default=3, metavar="N", help="of each volume (default: 3)")
    training_run.add_labels(parser)
    parser.add_argument(
        "--same-contrast", nargs="+", type=int, default=[], metavar="LABEL", help="labels that keep their intensity"
    )
    parser.add_argument("--seed", type=int, default=1, help="of every random choice (default: 1)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the copies, each volume's when all of its copies are made.

    Raises:
        Sli2VolError: with a message for the user; copies of the volumes before are there.
    """
    if arguments.copies < 1:
        msg = f"There must be at least 1 copy of each volume, got {arguments.copies}."
        raise VolumeError(msg)
    require_folder(arguments.output, "copies")
    paths = find_volumes(arguments.volumes)
    with training_run.volume_bar(paths, arguments.quiet) as (volumes, stop_if_cancelled):
        for path in volumes:
            _write_copies(path, arguments)
            stop_if_cancelled(f"copies of {path}")
    print(f"wrote {arguments.copies} copies of each of {len(paths)} volumes to {arguments.output}")
    return 0


def _write_copies(path: Path, arguments: argparse.Namespace) -> None:
    """All copies of one volume, or none."""
    from ..training.deformation import DeformationSettings, deformed

    volume = read_labelled_volume(path, arguments.labels)
    name = name_of(path)
    inputs = tuple(each for each in (path, label_file_of(path, arguments.labels)) if each is not None)
    with Outputs() as outputs:
        for number in range(arguments.copies):
            generator = np.random.default_rng([arguments.seed, number, zlib.crc32(name.encode())])
            copy = deformed(volume, DeformationSettings(), generator, frozenset(arguments.same_contrast))
            write_labelled_volume(outputs, copy, arguments.output, name_of_copy(name, number + 1), inputs)
        outputs.commit()
