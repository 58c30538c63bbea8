"""`sli2vol train-refinement`: training of the refinement on volumes with labels and without."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..files.volume_files import read_label_map
from ..weights import find_weights, sha256_of
from . import training_run
from .kept_passes import KeptPasses
from .outputs import IMAGE_SUFFIXES
from .train import find_volumes, read_training_volume

if TYPE_CHECKING:
    from ..training.refinement import HeldOutDice, LabelledVolume, PassExample

_DESCRIPTION = """\
Train the refinement, which looks back at a whole pass and mends it, on real passes over CT or MR volumes.

VOLUME is a NIfTI, NRRD or MHA file, a folder with one DICOM series, or a folder of such files. Labels lie beside the
volume: NAME_label.nii.gz for NAME.nii.gz and for NAME_img.nii.gz, a whole number for each structure. Volumes without
labels serve through regions of like intensity grown in them and followed through them.

Some patients are held out to measure on. A volume's patient is its name up to its last number between underscores,
without a modality: sarcomaCT_004_img and sarcomaMRT1_004_img are patient sarcoma_004, of the group sarcoma. Groups
count alike in training. The work is kept beside the output, passes in a folder and training in a checkpoint: the same
command given again goes on where it stopped. The same volumes, settings and seed give the same weights.

Passes that stop are sent on by the refinement, and are then unlike those that it learned from. A second round, --from
the weights of the first, goes on with these weights, and half of its passes are such as they send on."""

_MODALITY = re.compile(r"(?:CT|PET|(?:T[12])?MR[A-Z0-9]*)$")


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
    training_run.add_held_out(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights.

    Raises:
        Sli2VolError: with a message for the user; no weights were written.
    """
    from ..engine.methods import create_method
    from ..engine.protocol import CarryingMethod
    from ..engine.weights_file import load_refinement
    from ..training.refinement import RefinementTrainer, RefinementTraining

    settings = training_run.settings_asked(RefinementTraining(), arguments, arguments.steps)
    checkpoint = training_run.checkpoint_of(arguments)
    weights = arguments.weights or find_weights("sli2vol")
    with training_run.weights_output(arguments, weights, arguments.earlier) as outputs:
        paths = find_volumes(arguments.volumes)
        method = create_method("sli2vol", weights, settings.device, refinement=arguments.earlier)
        assert isinstance(method, CarryingMethod), method.name
        earlier = None if arguments.earlier is None else load_refinement(arguments.earlier)
        begun = training_run.began_with(arguments)
        folder = arguments.output.with_name(f"{arguments.output.name}.passes")
        passes = KeptPasses(method, sha256_of(weights), begun.get("began_with_sha256"), arguments.seed, folder)
        examples = _examples(paths, passes, arguments)
        settings = settings if earlier is None else replace(settings, network=earlier.settings)
        trainer = RefinementTrainer(examples, settings, earlier)
        last = training_run.trained(trainer, settings, checkpoint, arguments.quiet, _words)
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


def label_file_of(path: Path) -> Path | None:
    """The label map beside a volume; None if there is none."""
    stem = _stem(path).removesuffix("_img")
    candidates = (path.with_name(f"{stem}_label{suffix}") for suffix in IMAGE_SUFFIXES)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def patient_of(path: Path) -> tuple[str, str]:
    """Group and patient, by a volume's file name.

    The patient is the name up to its last number between underscores, or all of it where there is none; the group is
    what precedes that number. A modality at the end of a part (CT, PET, MR, MRT1, T2MR, ...) is left out of both.
    """
    parts = _stem(path).removesuffix("_img").split("_")
    numbers = [place for place, part in enumerate(parts) if part.isdecimal()]
    kept = [_MODALITY.sub("", part) or part for part in (parts[: numbers[-1] + 1] if numbers else parts)]
    group = kept[: numbers[-1]] if numbers else kept[:1]
    return "_".join(group) or "volumes", "_".join(kept)


def groups_of(paths: Sequence[Path]) -> dict[str, str]:
    """The group of each patient, by the volumes' file names."""
    return {patient: group for group, patient in map(patient_of, paths)}


def _stem(path: Path) -> str:
    name = path.name
    suffixes = [suffix for suffix in IMAGE_SUFFIXES if name.lower().endswith(suffix) and not path.is_dir()]
    return name[: -max(map(len, suffixes))] if suffixes else name


def _examples(paths: Sequence[Path], passes: KeptPasses, arguments: argparse.Namespace) -> list[PassExample]:
    """Run the passes to learn from, volume by volume, but for those that are kept already."""
    from ..training.refinement import held_out_patients

    held_out = held_out_patients(groups_of(paths), arguments.held_out, arguments.seed)
    examples: list[PassExample] = []
    with training_run.volume_bar(paths, arguments.quiet) as (volumes, stop_if_cancelled):
        for path in volumes:
            volume = read_labelled_volume(path)
            for found in passes.of(volume, volume.patient in held_out):
                examples.extend(found)
                stop_if_cancelled(f"passes of {path}; the same command goes on with the next ones")
    return examples


def read_labelled_volume(path: Path) -> LabelledVolume:
    """A volume with the labels beside it, if there are any.

    Raises:
        VolumeError: either cannot be read, or the engine refuses what they hold.
    """
    from ..training.refinement import LabelledVolume

    volume = read_training_volume(path)
    labels = label_file_of(path)
    group, patient = patient_of(path)
    array = None if labels is None else read_label_map(labels, volume.grid).array
    return LabelledVolume(path.name, patient, group, volume.array, volume.spacing_mm, array)


def _words(held_out: HeldOutDice) -> str:
    if not held_out.families:
        return "nothing was held out to measure on"
    return f"held-out Dice {held_out.before:.4f} -> {held_out.after:.4f}"
