"""`sli2vol train`: self-supervised training on anyone's volumes."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import OutputError, PropagationCancelled, VolumeError
from ..engine.slice_stack import SliceStack
from ..weights import sha256_of
from .interrupt import cancel_on_interrupt
from .outputs import IMAGE_SUFFIXES, Outputs
from .volume_files import read_volume

if TYPE_CHECKING:
    from ..training.sampling import TrainingVolume
    from ..training.trainer import HeldOutError, Trainer

_DESCRIPTION = """\
Train on CT or MR volumes, without labels: the network learns to rebuild each slice from its neighbours.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files (those called
*_label.* and *.seg.nrrd are left out). The work is kept in a checkpoint beside the output: the same command
given again goes on where it stopped. The same volumes, settings and seed give the same weights."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "train",
        help="train weights on your own volumes, without labels",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("volumes", nargs="+", type=Path, metavar="VOLUME")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE.safetensors", help="weights to write")
    parser.add_argument(
        "--method", default="sli2vol", help="what to train for: sli2vol (default) or sli2vol-paper", metavar="NAME"
    )
    parser.add_argument("--steps", type=int, help="optimiser steps (default: as the shipped weights)")
    parser.add_argument("--seed", type=int, default=1, help="of every random choice (default: 1)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="default: OUTPUT.checkpoint")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights.

    Raises:
        Sli2VolError: with a message for the user; no weights were written.
    """
    from ..engine.devices import choose_device
    from ..training.presets import training_settings
    from ..training.trainer import Trainer

    device = choose_device(arguments.device).kind
    settings = training_settings(arguments.method, arguments.steps, arguments.seed, device)
    checkpoint = arguments.checkpoint or arguments.output.with_name(arguments.output.name + ".checkpoint")
    if not os.access(checkpoint.parent, os.W_OK):
        msg = f"Cannot keep checkpoints at {checkpoint}: the folder does not exist or is not writable."
        raise OutputError(msg)
    with Outputs() as outputs:
        outputs.claim(arguments.output, (".safetensors",), tuple(arguments.volumes))
        paths = find_volumes(arguments.volumes)
        trainer = Trainer([_load(path) for path in paths], settings)
        _train(trainer, checkpoint, arguments.quiet)
        facts = {
            "method": arguments.method,
            "volumes": str(len(paths)),
            "date": datetime.date.today().isoformat(),
            "held_out_error": f"{trainer.curve[-1].network:.5f}",
            "held_out_copying": f"{trainer.curve[-1].copying:.5f}",
        }
        outputs.write(arguments.output, lambda path: trainer.save(path, facts))
        outputs.commit()
    last = trainer.curve[-1]
    print(
        f"wrote {arguments.output} (SHA-256 {sha256_of(arguments.output)})\n"
        f"held-out error {last.network:.5f}, copying the slice {last.copying:.5f}; checkpoint {checkpoint}"
    )
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


def _load(path: Path) -> TrainingVolume:
    from ..training.sampling import TrainingVolume

    volume = read_volume(path)
    try:
        SliceStack(volume.array, volume.spacing_mm)
    except VolumeError as error:
        msg = f"{path}: {error}"
        raise VolumeError(msg) from error
    return TrainingVolume(path.name, volume.array, volume.spacing_mm)


def _train(trainer: Trainer, checkpoint: Path, is_quiet: bool) -> None:
    from tqdm import tqdm

    steps = trainer.settings.steps
    with (
        cancel_on_interrupt() as is_cancelled,
        tqdm(total=steps, unit=" steps", file=sys.stderr, disable=is_quiet, dynamic_ncols=True) as bar,
    ):

        def on_step(step: int, loss: float, held_out: HeldOutError | None) -> None:
            bar.update(step - bar.n)
            bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
            if held_out is not None:
                bar.write(
                    f"step {step}: held-out error {held_out.network:.5f} (copying {held_out.copying:.5f})", sys.stderr
                )
            if is_cancelled():
                msg = f"Training was cancelled at step {step}; the same command goes on from the last checkpoint."
                raise PropagationCancelled(msg)

        trainer.run(checkpoint, on_step)
