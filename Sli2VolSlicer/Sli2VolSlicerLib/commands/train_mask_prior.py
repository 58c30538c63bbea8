"""`sli2vol train-mask-prior`: training of the mask prior on volumes with labels and without."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import training_run
from .labelled_volumes import groups_of, held_out_of, read_labelled_volume
from .train import find_volumes

if TYPE_CHECKING:
    from ..training.mask_prior import CutOut, HeldOutDice

_DESCRIPTION = """\
Train the mask prior, which draws a slice's mask from its neighbour's, on structures in CT or MR volumes.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files. Labels lie beside the
volume, or in the folder of --labels: NAME_label.nii.gz for NAME.nii.gz and for NAME_img.nii.gz, a whole number for each
structure. Volumes without labels serve through regions of like intensity grown in them and followed through them.

Some patients are held out to measure on; which volumes are one patient's is told as for train-refinement. The work is
kept in a checkpoint beside the output: the same command given again goes on where it stopped. The same volumes,
settings and seed give the same weights."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = training_run.add_training_parser(
        commands, "train-mask-prior", "train the mask prior on labelled volumes", _DESCRIPTION, run
    )
    training_run.add_earlier(parser, "mask prior weights to begin with")
    training_run.add_held_out(parser)
    training_run.add_labels(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights.

    Raises:
        Sli2VolError: with a message for the user; no weights were written.
    """
    from ..engine.weights_file import load_mask_prior
    from ..training.mask_prior import MaskPriorTrainer, MaskPriorTraining

    settings = training_run.settings_asked(MaskPriorTraining(), arguments, arguments.steps)
    checkpoint = training_run.checkpoint_of(arguments)
    with training_run.weights_output(arguments, arguments.earlier) as outputs:
        paths = find_volumes(arguments.volumes)
        earlier = None if arguments.earlier is None else load_mask_prior(arguments.earlier)
        begun = training_run.began_with(arguments)
        settings = settings if earlier is None else replace(settings, network=earlier.settings)
        trainer = MaskPriorTrainer(_cut_outs(paths, arguments), settings, earlier)
        last = training_run.trained(trainer, settings, checkpoint, arguments.quiet, _words)
        facts = {"method": "mask-prior", **begun, "held_out": _words(last)}
        training_run.write_weights(outputs, arguments.output, trainer, len(paths), facts)
    for each in last.families:
        print(f"{each.family}: Dice {each.drawn:.3f}, copied {each.copied:.3f} ({each.structures} structures)")
    print(f"{_words(last)}; checkpoint {checkpoint}")
    return 0


def _cut_outs(paths: Sequence[Path], arguments: argparse.Namespace) -> list[CutOut]:
    """What to learn from, and what to measure on, volume by volume."""
    from ..training.mask_prior import CutOutSettings, cut_outs

    held_out = held_out_of(groups_of(paths), arguments)
    found: list[CutOut] = []
    with training_run.volume_bar(paths, arguments.quiet) as (volumes, stop_if_cancelled):
        for path in volumes:
            volume = read_labelled_volume(path, arguments.labels)
            found.extend(cut_outs(volume, CutOutSettings(), arguments.seed, volume.patient in held_out))
            stop_if_cancelled(f"{path}; no step was trained")
    return found


def _words(held_out: HeldOutDice) -> str:
    if not held_out.families:
        return "nothing was held out to measure on"
    return f"held-out Dice {held_out.drawn:.4f} (copied to the true ends {held_out.copied:.4f})"
