"""`sli2vol invent`: volumes of nobody and their labels, to train on."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..engine.errors import VolumeError
from . import training_run
from .labelled_volumes import write_labelled_volume
from .outputs import Outputs, require_folder

_DESCRIPTION = """\
Write volumes of nobody and their labels: tubes and organs in textured tissue, of random shape, contrast and noise. They
teach that a tube goes on where it can hardly be told from what lies beside it, which few labelled volumes show.

The first is invented_1_img.nii.gz, its labels invented_1_label.nii.gz: 1 to 4 are tubes, 5 to 8 organs. Every one is a
patient of its own, of the group "invented", for the trainings that take labels. The same number and seed give the same
volumes."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "invent",
        help="write volumes of nobody and their labels, to train on",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="where volumes are written")
    parser.add_argument("--volumes", type=int, default=40, metavar="N", help="how many (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="of every random choice (default: 1)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the volumes, one after the other.

    Raises:
        Sli2VolError: with a message for the user; the volumes before are there.
    """
    from ..training.invention import GROUP

    if arguments.volumes < 1:
        msg = f"There must be at least 1 volume to invent, got {arguments.volumes}."
        raise VolumeError(msg)
    require_folder(arguments.output, "volumes")
    names = [f"{GROUP}_{number}" for number in range(1, arguments.volumes + 1)]
    with training_run.volume_bar(names, arguments.quiet) as (wanted, stop_if_cancelled):
        for number, name in enumerate(wanted, start=1):
            _write(name, number, arguments)
            stop_if_cancelled(name)
    print(f"wrote {arguments.volumes} volumes to {arguments.output}")
    return 0


def _write(name: str, number: int, arguments: argparse.Namespace) -> None:
    """One volume and its labels, or neither."""
    from ..training.invention import InventionSettings, invented

    volume = invented(name, InventionSettings(), np.random.default_rng([arguments.seed, number]))
    with Outputs() as outputs:
        write_labelled_volume(outputs, volume, arguments.output, name)
        outputs.commit()
