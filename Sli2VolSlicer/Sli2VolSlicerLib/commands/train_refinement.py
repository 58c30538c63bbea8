"""`sli2vol train-refinement`: training of the refinement on volumes with labels and without."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import OutputError, WeightsError
from ..weights import find_weights, sha256_of
from . import training_run
from .kept_passes import KeptPasses
from .labelled_volumes import groups_of, held_out_of, label_file_of, patient_of, read_labelled_volume
from .train import find_volumes

if TYPE_CHECKING:
    from ..training.refinement import HeldOutDice, PassExample, RefinementTraining

_DESCRIPTION = """\
Train the refinement, which looks back at a whole pass and mends it, on real passes over CT or MR volumes.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files. Labels lie beside the
volume, or in the folder of --labels: NAME_label.nii.gz for NAME.nii.gz and for NAME_img.nii.gz, a whole number for each
structure. Volumes without labels serve through regions of like intensity grown in them and followed through them.

Some patients are held out to measure on. A volume's patient is its name up to its last number between underscores,
without a modality: sarcomaCT_004_img and sarcomaMRT1_004_img are patient sarcoma_004, of the group sarcoma. Groups
count alike in training. The work is kept beside the output, passes in a folder and training in a checkpoint: the same
command given again goes on where it stopped. The same volumes, settings and seed give the same weights.

Passes that stop are sent on by the refinement, and are then unlike those that it learned from. A second round, --from
the weights of the first, goes on with these weights, and half of its passes are such as they send on.
With --deeper it goes on with a larger network that at first says what the earlier one said. --keep-earlier writes a
mean of the weights given and of those that were trained, which often knows both what was known and what is new."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = training_run.add_training_parser(
        commands, "train-refinement", "train the refinement on labelled volumes", _DESCRIPTION, run
    )
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="correspondence weights whose passes are refined (the catalogue's)"
    )
    training_run.add_earlier(
        parser, "refinement weights to begin with: a second round, on passes that they send on as well"
    )
    training_run.add_kept_share(parser)
    parser.add_argument(
        "--deeper",
        action="store_true",
        help="a network with more layers, grown out of the one of --from if there is one",
    )
    parser.add_argument(
        "--passes",
        type=Path,
        metavar="FOLDER",
        help="where passes are kept; with the first round's folder a second one runs only those sent on "
        "(default: OUTPUT.passes)",
    )
    parser.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help="the highest (default: that of the first round)",
    )
    training_run.add_held_out(parser)
    training_run.add_labels(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights.

    Raises:
        Sli2VolError: with a message for the user; no weights were written.
    """
    from ..engine.methods import create_method
    from ..engine.protocol import CarryingMethod
    from ..engine.weights_file import load_refinement
    from ..training.refinement import RefinementTrainer, grown

    kept_share = _kept_share(arguments)
    settings = training_run.settings_asked(_usual(arguments), arguments, arguments.steps)
    checkpoint = training_run.checkpoint_of(arguments)
    folder = _passes_folder(arguments)
    weights = arguments.weights or find_weights("sli2vol")
    with training_run.weights_output(arguments, weights, arguments.earlier) as outputs:
        paths = find_volumes(arguments.volumes)
        method = create_method("sli2vol", weights, settings.device, refinement=arguments.earlier)
        assert isinstance(method, CarryingMethod), method.name
        earlier = None if arguments.earlier is None else load_refinement(arguments.earlier)
        begun = training_run.began_with(arguments)
        passes = KeptPasses(method, sha256_of(weights), begun.get("began_with_sha256"), arguments.seed, folder)
        examples = _examples(paths, passes, arguments)
        earlier = grown(earlier, settings.seed) if earlier is not None and arguments.deeper else earlier
        settings = settings if earlier is None else replace(settings, network=earlier.settings)
        trainer = RefinementTrainer(examples, settings, earlier)
        last = training_run.trained(trainer, settings, checkpoint, arguments.quiet, _words)
        if earlier is not None and kept_share:
            last, kept = training_run.with_earlier(trainer, trainer.averaged, earlier, kept_share)
            begun |= kept
        facts = {
            "method": "sli2vol-refinement",
            "correspondence_sha256": passes.correspondence,
            **begun,
            "held_out": _words(last),
        }
        training_run.write_weights(outputs, arguments.output, trainer, len(paths), facts)
    for each in last.families:
        print(f"{each.family}: Dice {each.before:.3f} -> {each.after:.3f} ({each.passes} passes)")
    print(f"{_words(last)}; checkpoint {checkpoint}")
    return 0


def _usual(arguments: argparse.Namespace) -> RefinementTraining:
    """The usual settings, with the network and the learning rate that were asked for.

    Raises:
        WeightsError: nothing is learned with such a rate.
    """
    from ..training.refinement import RefinementTraining

    usual, rate = RefinementTraining(), arguments.learning_rate
    usual = replace(usual, network=usual.network.deeper()) if arguments.deeper else usual
    if rate is None:
        return usual
    if not 0 < rate < 1:
        msg = f"The learning rate must lie between 0 and 1, got {rate:g}."
        raise WeightsError(msg)
    return replace(usual, learning_rate=rate)


def _examples(paths: Sequence[Path], passes: KeptPasses, arguments: argparse.Namespace) -> list[PassExample]:
    """Run the passes to learn from, volume by volume, but for those that are kept already."""
    held_out = held_out_of(groups_of(paths), arguments)
    labelled = Counter(patient_of(path)[0] for path in paths if label_file_of(path, arguments.labels) is not None)
    examples: list[PassExample] = []
    with training_run.volume_bar(paths, arguments.quiet) as (volumes, stop_if_cancelled):
        for path in volumes:
            volume = read_labelled_volume(path, arguments.labels)
            for found in passes.of(volume, labelled[volume.group], volume.patient in held_out):
                examples.extend(found)
                stop_if_cancelled(f"passes of {path}; the same command goes on with the next ones")
    return examples


def _passes_folder(arguments: argparse.Namespace) -> Path:
    """Where the passes are kept.

    Raises:
        OutputError: they cannot be written there.
    """
    folder: Path = arguments.passes or arguments.output.with_name(f"{arguments.output.name}.passes")
    training_run.require_place(folder, "passes")
    if folder.exists() and not folder.is_dir():
        msg = f"Cannot keep passes at {folder}: it is not a folder."
        raise OutputError(msg)
    return folder


def _kept_share(arguments: argparse.Namespace) -> float:
    """What --keep-earlier asks for.

    Raises:
        WeightsError: no such share, or there are no earlier weights.
    """
    share = training_run.kept_share(arguments)
    if share and arguments.earlier is None:
        msg = f"There are no earlier weights to keep {share:g} of; give them with --from, or leave --keep-earlier out."
        raise WeightsError(msg)
    return share


def _words(held_out: HeldOutDice) -> str:
    if not held_out.families:
        return "nothing was held out to measure on"
    return f"held-out Dice {held_out.before:.4f} -> {held_out.after:.4f}"
