"""`sli2vol train-carrying`: correspondence trained on with labels, which it carries over several slices."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..weights import find_weights, sha256_of
from . import training_run
from .labelled_volumes import groups_of, held_out_of, read_labelled_volume
from .train import find_volumes, reconstruction_facts, reconstruction_words

if TYPE_CHECKING:
    from ..training.refinement import LabelledVolume

_DESCRIPTION = """\
Train correspondence weights on: besides rebuilding slices as in `sli2vol train`, they learn to carry labels over
several slices without losing their outlines.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files. Labels lie beside the
volume, or in the folder of --labels: NAME_label.nii.gz for NAME.nii.gz and for NAME_img.nii.gz, a whole number for each
structure. Volumes without labels, and those of patients held out, serve as in `sli2vol train`. Which volumes are one
patient's and one group's is told as for train-refinement; groups count alike.

--keep-earlier writes a mean of the weights it began with and of those that were trained: what they had learned without
labels holds for what no label shows.

The work is kept in a checkpoint beside the output: the same command given again goes on where it stopped. The same
volumes, settings and seed give the same weights."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = training_run.add_training_parser(
        commands, "train-carrying", "train correspondence on with labels", _DESCRIPTION, run
    )
    training_run.add_earlier(parser, "correspondence weights to begin with (default: the catalogue's)")
    training_run.add_kept_share(parser)
    training_run.add_held_out(parser)
    training_run.add_labels(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights.

    Raises:
        Sli2VolError: with a message for the user; no weights were written.
    """
    from ..engine.weights_file import facts_of, load_network
    from ..training.carrying import CarryingTrainer, CarryingTraining

    kept_share = training_run.kept_share(arguments)
    settings = training_run.settings_asked(CarryingTraining(), arguments, arguments.steps)
    checkpoint = training_run.checkpoint_of(arguments)
    earlier = arguments.earlier or find_weights("sli2vol")
    with training_run.weights_output(arguments, earlier) as outputs:
        paths = find_volumes(arguments.volumes)
        network = load_network(earlier)
        # Those of another method have another network, and are trained on as what they are.
        settings = replace(settings, network=network.settings)
        held_out = held_out_of(groups_of(paths), arguments)
        trainer = CarryingTrainer(_volumes(paths, arguments), held_out, settings, network)
        last = training_run.trained(trainer, settings, checkpoint, arguments.quiet, reconstruction_words)
        begun = {"began_with_sha256": sha256_of(earlier)}
        if kept_share:
            last, kept = training_run.with_earlier(trainer, trainer.network, network, kept_share)
            begun |= kept
        method = facts_of(earlier).get("method", "sli2vol")
        facts = {"method": method, **begun, **reconstruction_facts(last)}
        training_run.write_weights(outputs, arguments.output, trainer, len(paths), facts)
    print(f"{reconstruction_words(last)}; checkpoint {checkpoint}")
    return 0


def _volumes(paths: Sequence[Path], arguments: argparse.Namespace) -> list[LabelledVolume]:
    found: list[LabelledVolume] = []
    with training_run.volume_bar(paths, arguments.quiet) as (volumes, stop_if_cancelled):
        for path in volumes:
            found.append(read_labelled_volume(path, arguments.labels))
            stop_if_cancelled(f"{path}; no step was trained")
    return found
