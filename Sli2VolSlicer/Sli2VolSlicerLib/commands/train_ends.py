"""`sli2vol train-ends`: training of the network that knows where structures of learned kinds end."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..engine.errors import PropagationCancelled, VolumeError
from ..weights import sha256_of
from .interrupt import cancel_on_interrupt
from .outputs import Outputs
from .train import find_volumes
from .train_refinement import patient_of, read_labelled_volume
from .training_run import add_training_arguments, checkpoint_of, training_bar

if TYPE_CHECKING:
    from ..training.ends import EndStructure, HeldOutEnds

_GROWN = 5
"""Regions of like intensity in each volume: kinds that are no kind."""

_DESCRIPTION = """\
Train the network that sees a drawn slice and another one, and says whether the structure is still there, on labelled
structures in CT or MR volumes. It serves structures of the kinds that it was trained on; which of them it knows well
enough is measured on patients held out, and all others it leaves to the passes' own ends.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files. Labels lie beside the
volume: NAME_label.nii.gz for NAME.nii.gz and for NAME_img.nii.gz, a whole number for each structure, the same in all
volumes of a group. Which volumes are one patient's and one group's is told as for train-refinement.

The work is kept in a checkpoint beside the output: the same command given again goes on where it stopped. The same
volumes, settings and seed give the same weights."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "train-ends",
        help="train the ends of structures on labelled volumes",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_training_arguments(parser)
    parser.add_argument(
        "--held-out", type=float, default=0.1, metavar="SHARE", help="of each group's patients (default: 0.1)"
    )
    parser.add_argument(
        "--hold-out", nargs="+", metavar="PATIENT", help="hold out these patients instead, e.g. headneck_12"
    )
    parser.add_argument(
        "--known",
        nargs="+",
        metavar="KIND",
        help="serve these kinds alone, e.g. 'headneck 1' (default: those whose ends are found on held-out patients)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights.

    Raises:
        Sli2VolError: with a message for the user; no weights were written.
    """
    from ..engine.devices import choose_device
    from ..training.ends import EndTrainer, EndTraining
    from ..training.resumable import steps_wanted

    device = choose_device(arguments.device).kind
    settings = EndTraining(steps=steps_wanted(arguments.steps, EndTraining().steps), seed=arguments.seed, device=device)
    checkpoint = checkpoint_of(arguments)
    with Outputs() as outputs:
        outputs.claim(arguments.output, (".safetensors",), tuple(arguments.volumes))
        paths = find_volumes(arguments.volumes)
        trainer = EndTrainer(_structures(paths, arguments), settings, arguments.known)
        with training_bar(settings.steps, arguments.quiet, _words) as on_step:
            trainer.run_steps(checkpoint, on_step)
        last = trainer.curve[-1]
        facts = {
            "method": "sli2vol-ends",
            "volumes": str(len(paths)),
            "date": datetime.date.today().isoformat(),
            "held_out": _words(last),
        }
        outputs.write(arguments.output, lambda path: trainer.save(path, facts))
        outputs.commit()
    print(f"wrote {arguments.output} (SHA-256 {sha256_of(arguments.output)})")
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
    from tqdm import tqdm

    from ..training.ends import end_structures

    held_out = _held_out({patient: group for group, patient in map(patient_of, paths)}, arguments)
    found: list[EndStructure] = []
    with cancel_on_interrupt() as is_cancelled:
        for number, path in enumerate(
            tqdm(paths, unit=" volumes", file=sys.stderr, disable=arguments.quiet, dynamic_ncols=True)
        ):
            volume = read_labelled_volume(path)
            generator = np.random.default_rng([20_263, arguments.seed, number])
            found.extend(end_structures(volume, volume.patient in held_out, _GROWN, generator))
            if is_cancelled():
                msg = f"Cancelled after {path}; no step was trained."
                raise PropagationCancelled(msg)
    return found


def _held_out(group_of: dict[str, str], arguments: argparse.Namespace) -> frozenset[str]:
    """The patients that are kept out of training.

    Raises:
        VolumeError: one was named that is not there.
    """
    from ..training.refinement import held_out_patients

    if not arguments.hold_out:
        return held_out_patients(group_of, arguments.held_out, arguments.seed)
    unknown = sorted(set(arguments.hold_out) - set(group_of))
    if unknown:
        there = ", ".join(sorted(group_of))
        msg = f"There is no patient {', '.join(unknown)} to hold out; the volumes' patients are {there}."
        raise VolumeError(msg)
    return frozenset(arguments.hold_out)


def _words(held_out: HeldOutEnds) -> str:
    if not held_out.kinds:
        return "nothing was held out to measure on, so no kind is known"
    return f"held-out ends missed by {held_out.share_missed:.3f} of the way"
