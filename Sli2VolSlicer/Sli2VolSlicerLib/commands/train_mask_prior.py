"""`sli2vol train-mask-prior`: training of the mask prior on volumes with labels and without."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import PropagationCancelled
from ..weights import sha256_of
from .interrupt import cancel_on_interrupt
from .outputs import Outputs
from .train import find_volumes
from .train_refinement import patient_of, read_labelled_volume
from .training_run import add_training_arguments, checkpoint_of, training_bar

if TYPE_CHECKING:
    from ..training.mask_prior import CutOut, HeldOutDice

_DESCRIPTION = """\
Train the mask prior, which draws a slice's mask from its neighbour's, on structures in CT or MR volumes.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files. Labels lie beside the
volume: NAME_label.nii.gz for NAME.nii.gz and for NAME_img.nii.gz, a whole number for each structure. Volumes without
labels serve through regions of like intensity grown in them and followed through them.

Some patients are held out to measure on; which volumes are one patient's is told as for train-refinement. The work is
kept in a checkpoint beside the output: the same command given again goes on where it stopped. The same volumes,
settings and seed give the same weights."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "train-mask-prior",
        help="train the mask prior on labelled volumes",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_training_arguments(parser)
    parser.add_argument("--from", dest="earlier", type=Path, metavar="FILE", help="mask prior weights to begin with")
    parser.add_argument(
        "--held-out", type=float, default=0.1, metavar="SHARE", help="of each group's patients (default: 0.1)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights.

    Raises:
        Sli2VolError: with a message for the user; no weights were written.
    """
    from ..engine.devices import choose_device
    from ..engine.weights_file import load_mask_prior
    from ..training.mask_prior import MaskPriorTrainer, MaskPriorTraining
    from ..training.resumable import steps_wanted

    device = choose_device(arguments.device).kind
    steps = steps_wanted(arguments.steps, MaskPriorTraining().steps)
    settings = MaskPriorTraining(steps=steps, seed=arguments.seed, device=device)
    checkpoint = checkpoint_of(arguments)
    inputs = [file for file in (*arguments.volumes, arguments.earlier) if file is not None]
    with Outputs() as outputs:
        outputs.claim(arguments.output, (".safetensors",), tuple(inputs))
        paths = find_volumes(arguments.volumes)
        earlier = None if arguments.earlier is None else load_mask_prior(arguments.earlier)
        began_with = {} if arguments.earlier is None else {"began_with_sha256": sha256_of(arguments.earlier)}
        settings = settings if earlier is None else replace(settings, network=earlier.settings)
        trainer = MaskPriorTrainer(_cut_outs(paths, arguments), settings, earlier)
        with training_bar(settings.steps, arguments.quiet, _words) as on_step:
            trainer.run_steps(checkpoint, on_step)
        last = trainer.curve[-1]
        facts = {
            "method": "mask-prior",
            "volumes": str(len(paths)),
            "date": datetime.date.today().isoformat(),
            **began_with,
            "held_out": _words(last),
        }
        outputs.write(arguments.output, lambda path: trainer.save(path, facts))
        outputs.commit()
    print(f"wrote {arguments.output} (SHA-256 {sha256_of(arguments.output)})")
    for each in last.families:
        print(f"{each.family}: Dice {each.drawn:.3f}, copied {each.copied:.3f} ({each.structures} structures)")
    print(f"{_words(last)}; checkpoint {checkpoint}")
    return 0


def _cut_outs(paths: Sequence[Path], arguments: argparse.Namespace) -> list[CutOut]:
    """What to learn from, and what to measure on, volume by volume."""
    from tqdm import tqdm

    from ..training.mask_prior import CutOutSettings, cut_outs
    from ..training.refinement import held_out_patients

    group_of = {patient: group for group, patient in map(patient_of, paths)}
    held_out = held_out_patients(group_of, arguments.held_out, arguments.seed)
    found: list[CutOut] = []
    with cancel_on_interrupt() as is_cancelled:
        for path in tqdm(paths, unit=" volumes", file=sys.stderr, disable=arguments.quiet, dynamic_ncols=True):
            volume = read_labelled_volume(path)
            found.extend(cut_outs(volume, CutOutSettings(), arguments.seed, volume.patient in held_out))
            if is_cancelled():
                msg = f"Cancelled after {path}; no step was trained."
                raise PropagationCancelled(msg)
    return found


def _words(held_out: HeldOutDice) -> str:
    if not held_out.families:
        return "nothing was held out to measure on"
    return f"held-out Dice {held_out.drawn:.4f} (copied to the true ends {held_out.copied:.4f})"
