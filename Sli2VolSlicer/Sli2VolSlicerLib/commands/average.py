"""`sli2vol average`: the mean of several trainings' weights."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..engine.errors import WeightsError
from ..weights import sha256_of
from . import training_run
from .outputs import Outputs

_DESCRIPTION = """\
Write the mean of several files of weights, which often does better than each of them where all were trained on from the
same weights: with other seeds, other volumes or for longer. They must be of one kind of network, of one size."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "average",
        help="write the mean of several trainings' weights",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("weights", nargs="+", type=Path, metavar="WEIGHTS")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE.safetensors", help="weights to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the mean.

    Raises:
        Sli2VolError: with a message for the user; nothing was written.
    """
    from ..engine.weights_file import MeanWeights

    paths: list[Path] = arguments.weights
    if len(paths) < 2:
        msg = f"A mean needs 2 files of weights or more, got {paths[0]} alone."
        raise WeightsError(msg)
    with Outputs() as outputs:
        outputs.claim(arguments.output, (".safetensors",), tuple(paths))
        mean = MeanWeights.of(paths)
        told = {"mean_of_sha256": " ".join(map(sha256_of, paths))}
        training_run.write_dated(outputs, arguments.output, mean, told)
    return 0
