"""`sli2vol train-ends`: training of the network that knows where structures of learned kinds end."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import training_run
from .labelled_volumes import groups_of, held_out_of, read_labelled_volume
from .train import find_volumes

if TYPE_CHECKING:
    from ..training.ends import EndStructure, HeldOutEnds

_GROWN = 5
"""Regions of like intensity in each volume: kinds that are no kind."""

_DESCRIPTION = """\
Train the network that sees a drawn slice and another one, and says whether the structure is still there, on labelled
structures in CT or MR volumes. It serves structures of the kinds that it was trained on; which of them it knows well
enough is measured on patients held out, and all others it leaves to the passes' own ends.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files. Labels lie beside the
volume, or in the folder of --labels: NAME_label.nii.gz for NAME.nii.gz and for NAME_img.nii.gz, a whole number for each
structure, the same in all volumes of a group. Which volumes are one patient's and one group's is
told as for train-refinement.

The work is kept in a checkpoint beside the output: the same command given again goes on where it stopped. The same
volumes, settings and seed give the same weights."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = training_run.add_training_parser(
        commands, "train-ends", "train the ends of structures on labelled volumes", _DESCRIPTION, run
    )
    training_run.add_held_out(parser)
    training_run.add_labels(parser)
    parser.add_argument(
        "--known",
        nargs="+",
        metavar="KIND",
        help="serve these kinds alone, e.g. 'headneck 1' (default: those whose ends are found on held-out patients)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights.

    Raises:
        Sli2VolError: with a message for the user; no weights were written.
    """
    from ..training.ends import EndTrainer, EndTraining

    settings = training_run.settings_asked(EndTraining(), arguments, arguments.steps)
    checkpoint = training_run.checkpoint_of(arguments)
    with training_run.weights_output(arguments) as outputs:
        paths = find_volumes(arguments.volumes)
        trainer = EndTrainer(_structures(paths, arguments), settings, arguments.known)
        last = training_run.trained(trainer, settings, checkpoint, arguments.quiet, _words)
        facts = {"method": "sli2vol-ends", "held_out": _words(last)}
        training_run.write_weights(outputs, arguments.output, trainer, len(paths), facts)
    for each in last.kinds:
        is_known = " (known)" if each.kind in trainer.known else ""
        print(
            f"{each.kind or 'no kind'}{is_known}: {each.ends} ends missed by {each.missed:.1f} of {each.way:.1f} "
            f"slices, recognised {each.recognised:.2f}"
        )
    print(f"{_words(last)}; checkpoint {checkpoint}")
    return 0


def _structures(paths: Sequence[Path], arguments: argparse.Namespace) -> list[EndStructure]:
    """What to learn from, and what to measure on, volume by volume."""
    from ..training.ends import end_structures

    held_out = held_out_of(groups_of(paths), arguments)
    found: list[EndStructure] = []
    with training_run.volume_bar(paths, arguments.quiet) as (volumes, stop_if_cancelled):
        for number, path in enumerate(volumes):
            volume = read_labelled_volume(path, arguments.labels)
            generator = np.random.default_rng([20_263, arguments.seed, number])
            found.extend(end_structures(volume, volume.patient in held_out, _GROWN, generator))
            stop_if_cancelled(f"{path}; no step was trained")
    return found


def _words(held_out: HeldOutEnds) -> str:
    if not held_out.kinds:
        return "nothing was held out to measure on, so no kind is known"
    return f"held-out ends missed by {held_out.share_missed:.3f} of the way"
