"""`sli2vol train-refinement`: training of the refinement on volumes with labels and without."""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import PropagationCancelled
from ..files.volume_files import read_label_map
from ..weights import find_weights, sha256_of
from .interrupt import cancel_on_interrupt
from .kept_passes import KeptPasses
from .outputs import IMAGE_SUFFIXES, Outputs
from .train import find_volumes, read_training_volume
from .training_run import add_training_arguments, checkpoint_of, training_bar

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
    parser = commands.add_parser(
        "train-refinement",
        help="train the refinement on labelled volumes",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_training_arguments(parser)
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="correspondence weights whose passes are refined (the catalogue's)"
    )
    parser.add_argument(
        "--from",
        dest="earlier",
        type=Path,
        metavar="FILE",
        help="refinement weights to begin with: a second round, on passes that they send on as well",
    )
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
    from ..engine.methods import create_method
    from ..engine.protocol import CarryingMethod
    from ..engine.weights_file import load_refinement
    from ..training.refinement import RefinementTrainer, RefinementTraining
    from ..training.resumable import steps_wanted

    device = choose_device(arguments.device).kind
    steps = steps_wanted(arguments.steps, RefinementTraining().steps)
    settings = RefinementTraining(steps=steps, seed=arguments.seed, device=device)
    checkpoint = checkpoint_of(arguments)
    weights = arguments.weights or find_weights("sli2vol")
    inputs = [file for file in (*arguments.volumes, weights, arguments.earlier) if file is not None]
    with Outputs() as outputs:
        outputs.claim(arguments.output, (".safetensors",), tuple(inputs))
        paths = find_volumes(arguments.volumes)
        method = create_method("sli2vol", weights, device, refinement=arguments.earlier)
        assert isinstance(method, CarryingMethod), method.name
        earlier = None if arguments.earlier is None else load_refinement(arguments.earlier)
        began_with = None if arguments.earlier is None else sha256_of(arguments.earlier)
        folder = arguments.output.with_name(f"{arguments.output.name}.passes")
        passes = KeptPasses(method, sha256_of(weights), began_with, arguments.seed, folder)
        examples = _examples(paths, passes, arguments)
        settings = settings if earlier is None else replace(settings, network=earlier.settings)
        trainer = RefinementTrainer(examples, settings, earlier)
        with training_bar(settings.steps, arguments.quiet, _words) as on_step:
            trainer.run_steps(checkpoint, on_step)
        last = trainer.curve[-1]
        facts = {
            "method": "sli2vol-refinement",
            "volumes": str(len(paths)),
            "date": datetime.date.today().isoformat(),
            "correspondence_sha256": passes.correspondence,
            **({} if began_with is None else {"began_with_sha256": began_with}),
            "held_out": _words(last),
        }
        outputs.write(arguments.output, lambda path: trainer.save(path, facts))
        outputs.commit()
    print(f"wrote {arguments.output} (SHA-256 {sha256_of(arguments.output)})")
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


def _stem(path: Path) -> str:
    name = path.name
    suffixes = [suffix for suffix in IMAGE_SUFFIXES if name.lower().endswith(suffix) and not path.is_dir()]
    return name[: -max(map(len, suffixes))] if suffixes else name


def _examples(paths: Sequence[Path], passes: KeptPasses, arguments: argparse.Namespace) -> list[PassExample]:
    """Run the passes to learn from, volume by volume, but for those that are kept already."""
    from tqdm import tqdm

    from ..training.refinement import held_out_patients

    group_of = {patient: group for group, patient in map(patient_of, paths)}
    held_out = held_out_patients(group_of, arguments.held_out, arguments.seed)
    examples: list[PassExample] = []
    with cancel_on_interrupt() as is_cancelled:
        for path in tqdm(paths, unit=" volumes", file=sys.stderr, disable=arguments.quiet, dynamic_ncols=True):
            volume = read_labelled_volume(path)
            for found in passes.of(volume, volume.patient in held_out):
                examples.extend(found)
                if is_cancelled():
                    msg = f"Cancelled after passes of {path}; the same command goes on with the next ones."
                    raise PropagationCancelled(msg)
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
