"""`sli2vol train-plus`: training of Sli2Vol+, guided by pseudo-labels of one slice per volume."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..engine.errors import VolumeError
from ..weights import find_weights, sha256_of
from . import training_run
from .labelled_volumes import read_labelled_volume
from .train import find_volumes, reconstruction_facts, reconstruction_words

if TYPE_CHECKING:
    from ..training.plus import HeldOutAgreement, PseudoLabels
    from ..training.refinement import LabelledVolume

_DESCRIPTION = """\
Train the network of the method sli2vol-plus on CT or MR volumes, guided by one drawn slice of each.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files. Labels lie beside the
volume, or in the folder of --labels: NAME_label.nii.gz for NAME.nii.gz and for NAME_img.nii.gz, a whole number for each
structure. Only one slice of them is used, the one that shows the most structures; in volumes without labels, regions of
like intensity are drawn.

The slice is propagated through its volume, which gives pseudo-labels. A 3D network (of MONAI: pip install
'sli2volslicer[plus]') learns from them and refines them. Then the network of the method learns to rebuild slices and
their pseudo-labels from neighbouring ones. The work is kept beside the output, pseudo-labels in a folder and both
trainings in checkpoints: the same command given again goes on where it stopped. The same volumes, settings and seed
give the same weights."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = training_run.add_training_parser(
        commands, "train-plus", "train weights for sli2vol-plus, guided by pseudo-labels", _DESCRIPTION, run
    )
    training_run.add_labels(parser)
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="weights of sli2vol that make the pseudo-labels (the catalogue's)"
    )
    training_run.add_earlier(
        parser, "weights to begin with, as far as their layers fit: of sli2vol all but the first, of sli2vol-plus all"
    )
    parser.add_argument(
        "--unrefined", action="store_true", help="take the pseudo-labels as they were propagated, without MONAI"
    )
    parser.add_argument(
        "--refining-steps", type=int, metavar="N", help="optimiser steps of the 3D network (default: as shipped)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights.

    Raises:
        Sli2VolError: with a message for the user; no weights were written.
    """
    from ..engine.weights_file import load_network
    from ..training.plus import PlusTrainer, PlusTraining

    settings = training_run.settings_asked(PlusTraining(), arguments, arguments.steps)
    checkpoint = training_run.checkpoint_of(arguments)
    weights = arguments.weights or find_weights("sli2vol")
    earlier = None if arguments.earlier is None else load_network(arguments.earlier)
    with training_run.weights_output(arguments, weights, arguments.earlier) as outputs:
        volumes = _volumes(arguments.volumes, arguments.labels)
        labels, agreement = _labels(volumes, weights, arguments)
        seen = [v.unlabelled for v in volumes]
        trainer = PlusTrainer(seen, labels, settings, earlier)
        last = training_run.trained(trainer, settings, checkpoint, arguments.quiet, reconstruction_words)
        facts = {
            "method": "sli2vol-plus",
            "correspondence_sha256": sha256_of(weights),
            "pseudo_labels": "as propagated" if agreement is None else f"refined, {_agreement_words(agreement)}",
            **reconstruction_facts(last),
            **training_run.began_with(arguments),
        }
        if earlier is not None:
            facts["began_with_tensors"] = str(trainer.layers_taken)
        training_run.write_weights(outputs, arguments.output, trainer, len(volumes), facts)
    print(f"held-out error {last.network:.5f}, copying the slice {last.copying:.5f}; checkpoint {checkpoint}")
    return 0


def _volumes(given: Sequence[Path], labels: Path | None) -> list[LabelledVolume]:
    """What to learn from; pseudo-labels belong to volumes by their names.

    Args:
        given: files and folders.
        labels: a folder to look in where no labels lie beside a volume.

    Raises:
        VolumeError: one cannot be read, two are called the same, or there is no such folder.
    """
    paths = find_volumes(given)
    for number, path in enumerate(paths):
        same = next((other for other in paths[:number] if other.name == path.name), None)
        if same is not None:
            msg = f"{same} and {path} have the same name; rename one of them."
            raise VolumeError(msg)
    return [read_labelled_volume(path, labels) for path in paths]


def _labels(
    volumes: Sequence[LabelledVolume], weights: Path, arguments: argparse.Namespace
) -> tuple[dict[str, np.ndarray], HeldOutAgreement | None]:
    """The label maps that guide training, by volume, and how well the 3D network did; None if it was not asked."""
    from ..training.plus import PseudoLabelRefiner, RefiningTraining, boxes_of, refined, require_monai

    settings = training_run.settings_asked(RefiningTraining(), arguments, arguments.refining_steps)
    if not arguments.unrefined:
        # Asked before minutes are spent on pseudo-labels.
        require_monai()
    made = _pseudo_labels(volumes, weights, arguments, settings.device)
    boxes = [] if arguments.unrefined else [box for each in volumes for box in boxes_of(each, made[each.name])]
    if not boxes:
        return {name: each.labels for name, each in made.items()}, None
    refiner = PseudoLabelRefiner(boxes, settings)
    checkpoint = arguments.output.with_name(f"{arguments.output.name}.refining.checkpoint")
    agreement = training_run.trained(refiner, settings, checkpoint, arguments.quiet, _agreement_words)
    maps = {
        name: refined(each, ((box, refiner.probabilities(box)) for box in boxes if box.volume == name))
        for name, each in made.items()
    }
    return maps, agreement


def _pseudo_labels(
    volumes: Sequence[LabelledVolume], weights: Path, arguments: argparse.Namespace, device: str
) -> dict[str, PseudoLabels]:
    """Propagate each volume's one slice, but for those that are kept already."""
    from ..engine.methods import create_method
    from ..training.plus import identity_of, keep_labels, kept_labels, propagated

    # Without the refinement, which has learnt from more than one slice per volume.
    method = create_method("sli2vol-unrefined", weights, device)
    checksum = sha256_of(weights)
    folder = arguments.output.with_name(f"{arguments.output.name}.pseudo-labels")
    found: dict[str, PseudoLabels] = {}
    with training_run.volume_bar(volumes, arguments.quiet) as (seen, stop_if_cancelled):
        for volume in seen:
            identity = identity_of(volume, checksum, arguments.seed)
            file = folder / f"{volume.name}.npz"
            made = kept_labels(file, identity)
            if made is None:
                made = propagated(volume, method, arguments.seed)
                folder.mkdir(exist_ok=True)
                keep_labels(file, identity, made)
            found[volume.name] = made
            stop_if_cancelled(f"pseudo-labels of {volume.name}; the same command goes on with the next ones")
    return found


def _agreement_words(held_out: HeldOutAgreement) -> str:
    return f"Dice with held-out pseudo-labels {held_out.dice:.4f}"
