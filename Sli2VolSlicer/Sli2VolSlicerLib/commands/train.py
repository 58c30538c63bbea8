"""`sli2vol train`: self-supervised training on anyone's volumes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import VolumeError
from ..engine.slice_stack import SliceStack
from ..files.volume_files import VolumeFile, read_volume
from . import training_run
from .outputs import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from ..training.sampling import TrainingVolume
    from ..training.trainer import HeldOutError

_DESCRIPTION = """\
Train on CT or MR volumes, without labels: the network learns to rebuild each slice from its neighbours.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files (those called
*_label.* and *.seg.nrrd are left out). The work is kept in a checkpoint beside the output: the same command
given again goes on where it stopped. The same volumes, settings and seed give the same weights."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = training_run.add_training_parser(
        commands, "train", "train weights on your own volumes, without labels", _DESCRIPTION, run
    )
    parser.add_argument(
        "--method",
        default="sli2vol",
        help="what to train for: sli2vol (default), sli2vol-paper or voxelmorph",
        metavar="NAME",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights.

    Raises:
        Sli2VolError: with a message for the user; no weights were written.
    """
    from ..engine.devices import choose_device
    from ..training.presets import make_trainer, training_settings

    device = choose_device(arguments.device).kind
    settings = training_settings(arguments.method, arguments.steps, arguments.seed, device)
    checkpoint = training_run.checkpoint_of(arguments)
    with training_run.weights_output(arguments) as outputs:
        paths = find_volumes(arguments.volumes)
        trainer = make_trainer([_load(path) for path in paths], settings)
        last = training_run.trained(trainer, settings, checkpoint, arguments.quiet, reconstruction_words)
        facts = {"method": arguments.method, **reconstruction_facts(last)}
        training_run.write_weights(outputs, arguments.output, trainer, len(paths), facts)
    print(f"held-out error {last.network:.5f}, copying the slice {last.copying:.5f}; checkpoint {checkpoint}")
    return 0


def find_volumes(given: Sequence[Path]) -> list[Path]:
    """The volumes among what the user gave, folders of files opened.

    Raises:
        VolumeError: something is not there, or a folder holds nothing to read.
    """
    found: list[Path] = []
    for path in given:
        if not path.exists():
            msg = f"There is no file {path}."
            raise VolumeError(msg)
        inside = sorted(p for p in path.iterdir() if _is_image(p)) if path.is_dir() else []
        # A folder without such files is taken as one DICOM series, and refused when read if it is not.
        found.extend(inside or [path])
    return found


def _is_image(path: Path) -> bool:
    name = path.name.lower()
    stem = name.split(".", 1)[0]
    return name.endswith(IMAGE_SUFFIXES) and not name.endswith(".seg.nrrd") and not stem.endswith(("_label", "_seg"))


def read_training_volume(path: Path) -> VolumeFile:
    """Read a volume that can be propagated through.

    Raises:
        VolumeError: the file cannot be read, or the engine refuses what it holds.
    """
    volume = read_volume(path)
    try:
        SliceStack(volume.array, volume.spacing_mm)
    except VolumeError as error:
        msg = f"{path}: {error}"
        raise VolumeError(msg) from error
    return volume


def _load(path: Path) -> TrainingVolume:
    from ..training.sampling import TrainingVolume

    volume = read_training_volume(path)
    return TrainingVolume(path.name, volume.array, volume.spacing_mm)


def reconstruction_facts(held_out: HeldOutError) -> dict[str, str]:
    """What weights tell of their last measurement."""
    return {"held_out_error": f"{held_out.network:.5f}", "held_out_copying": f"{held_out.copying:.5f}"}


def reconstruction_words(held_out: HeldOutError) -> str:
    """What the command says of a measurement."""
    return f"held-out error {held_out.network:.5f} (copying {held_out.copying:.5f})"
