"""What the training commands share: options and settings, the checkpoint's place, progress bars, and the output."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from ..engine.errors import OutputError, PropagationCancelled, WeightsError
from ..weights import sha256_of
from .interrupt import cancel_on_interrupt
from .outputs import Outputs

if TYPE_CHECKING:
    from torch import nn

    from ..training.resumable import Measured, ResumableRun


class TrainingSettings(Protocol):
    """What the options decide of a training's settings, which are a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def steps(self) -> int: ...

    @property
    def seed(self) -> int: ...

    @property
    def device(self) -> str: ...


class Trained(Protocol):
    """What can be written as weights."""

    def save(self, path: Path, facts: dict[str, str]) -> None: ...


MeasuredT = TypeVar("MeasuredT", bound="Measured")
SettingsT = TypeVar("SettingsT", bound=TrainingSettings)
VolumeT = TypeVar("VolumeT")


def add_training_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    description: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    """Register a training command.

    It takes VOLUME..., --output, --steps, --seed, --device, --checkpoint and --quiet.
    """
    parser = commands.add_parser(
        name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("volumes", nargs="+", type=Path, metavar="VOLUME")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE.safetensors", help="weights to write")
    parser.add_argument("--steps", type=int, help="optimiser steps (default: as the shipped weights)")
    parser.add_argument("--seed", type=int, default=1, help="of every random choice (default: 1)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="default: OUTPUT.checkpoint")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)
    return parser


def add_held_out(parser: argparse.ArgumentParser) -> None:
    """--held-out and --hold-out."""
    parser.add_argument(
        "--held-out", type=float, default=0.1, metavar="SHARE", help="of each group's patients (default: 0.1)"
    )
    parser.add_argument(
        "--hold-out", nargs="+", metavar="PATIENT", help="hold out these patients instead, e.g. headneck_12"
    )


def add_labels(parser: argparse.ArgumentParser) -> None:
    """--labels."""
    parser.add_argument(
        "--labels", type=Path, metavar="FOLDER", help="where to look for labels that do not lie beside their volume"
    )


def add_earlier(parser: argparse.ArgumentParser, words: str) -> None:
    """--from, weights to begin with."""
    parser.add_argument("--from", dest="earlier", type=Path, metavar="FILE", help=words)


def add_kept_share(parser: argparse.ArgumentParser) -> None:
    """--keep-earlier, how much of the weights of --from is kept."""
    parser.add_argument(
        "--keep-earlier",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="this share of the weights of --from is kept in those written (default: 0)",
    )


def kept_share(arguments: argparse.Namespace) -> float:
    """What --keep-earlier asks for.

    Raises:
        WeightsError: there is no such share.
    """
    share = float(arguments.keep_earlier)
    if not 0 <= share < 1:
        msg = f"The share of the earlier weights to keep must be 0 or more and under 1, got {share:g}."
        raise WeightsError(msg)
    return share


def with_earlier(
    run: ResumableRun[MeasuredT], saved: nn.Module, earlier: nn.Module, share: float
) -> tuple[MeasuredT, dict[str, str]]:
    """Mix a share of the earlier weights into those that the run saves.

    Returns:
        what is held out measured anew, and the fact that tells of it.
    """
    from ..training.resumable import mix_in

    mix_in(saved, earlier, share)
    return run.held_out_error(), {"kept_earlier": f"{share:g}"}


def began_with(arguments: argparse.Namespace) -> dict[str, str]:
    """The fact that tells which weights a training began with, if it began with any.

    Raises:
        OSError: there is no such file.
    """
    return {} if arguments.earlier is None else {"began_with_sha256": sha256_of(arguments.earlier)}


def settings_asked(usual: SettingsT, arguments: argparse.Namespace, asked_steps: int | None) -> SettingsT:
    """The usual settings of a training with the steps, the seed and the device that were asked for.

    Raises:
        DeviceError: there is no such device.
        MethodError: under one step.
    """
    from ..engine.devices import choose_device
    from ..training.resumable import steps_wanted

    device = choose_device(arguments.device).kind
    steps = steps_wanted(asked_steps, usual.steps)
    return replace(usual, steps=steps, seed=arguments.seed, device=device)


def checkpoint_of(arguments: argparse.Namespace) -> Path:
    """Where the work is kept.

    Raises:
        OutputError: it cannot be written there.
    """
    checkpoint: Path = arguments.checkpoint or arguments.output.with_name(arguments.output.name + ".checkpoint")
    require_place(checkpoint, "checkpoints")
    return checkpoint


def require_place(path: Path, what: str) -> None:
    """Make sure, before long work, that what it makes can be kept.

    Raises:
        OutputError: it cannot be written there.
    """
    if not os.access(path.parent, os.W_OK):
        msg = f"Cannot keep {what} at {path}: the folder does not exist or is not writable."
        raise OutputError(msg)


@contextmanager
def training_bar(
    steps: int, is_quiet: bool, words: Callable[[MeasuredT], str]
) -> Iterator[Callable[[int, float, MeasuredT | None], None]]:
    """A bar over steps; yields what the trainer calls after each. Ctrl+C ends the training there.

    Args:
        words: what to say of a measurement.
    """
    from tqdm import tqdm

    with (
        cancel_on_interrupt() as is_cancelled,
        tqdm(total=steps, unit=" steps", file=sys.stderr, disable=is_quiet, dynamic_ncols=True) as bar,
    ):

        def on_step(step: int, loss: float, measured: MeasuredT | None) -> None:
            bar.update(step - bar.n)
            bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
            if measured is not None:
                bar.write(f"step {step}: {words(measured)}", sys.stderr)
            if is_cancelled():
                msg = f"Training was cancelled at step {step}; the same command goes on from the last checkpoint."
                raise PropagationCancelled(msg)

        yield on_step


def trained(
    run: ResumableRun[MeasuredT],
    settings: TrainingSettings,
    checkpoint: Path,
    is_quiet: bool,
    words: Callable[[MeasuredT], str],
) -> MeasuredT:
    """Train to the end, with a bar; returns the last measurement.

    Args:
        words: what to say of a measurement.

    Raises:
        PropagationCancelled: Ctrl+C was pressed.
        WeightsError: the checkpoint belongs to other settings.
    """
    with training_bar(settings.steps, is_quiet, words) as on_step:
        run.run_steps(checkpoint, on_step)
    return run.curve[-1]


@contextmanager
def volume_bar(volumes: Sequence[VolumeT], is_quiet: bool) -> Iterator[tuple[Iterable[VolumeT], Callable[[str], None]]]:
    """A bar over volumes; yields them, and what to call when Ctrl+C may end the work: it is told what was done last."""
    from tqdm import tqdm

    with (
        cancel_on_interrupt() as is_cancelled,
        tqdm(volumes, unit=" volumes", file=sys.stderr, disable=is_quiet, dynamic_ncols=True) as bar,
    ):

        def stop_if_cancelled(done: str) -> None:
            if is_cancelled():
                msg = f"Cancelled after {done}."
                raise PropagationCancelled(msg)

        yield bar, stop_if_cancelled


@contextmanager
def weights_output(arguments: argparse.Namespace, *others: Path | None) -> Iterator[Outputs]:
    """The file of weights, claimed before the long work begins.

    Args:
        others: inputs besides the volumes.

    Raises:
        OutputError: it cannot be written, or is an input.
    """
    with Outputs() as outputs:
        inputs = tuple(file for file in (*arguments.volumes, *others) if file is not None)
        outputs.claim(arguments.output, (".safetensors",), inputs)
        yield outputs


def write_weights(outputs: Outputs, output: Path, run: Trained, volumes: int, facts: Mapping[str, str]) -> None:
    """Write what was trained, with today's date, and say so.

    Raises:
        OutputError: it could not be written.
    """
    write_dated(outputs, output, run, {"volumes": str(volumes), **facts})


def write_dated(outputs: Outputs, output: Path, weights: Trained, facts: Mapping[str, str]) -> None:
    """Write weights with today's date, and say so.

    Raises:
        OutputError: they could not be written.
    """
    told = {"date": datetime.date.today().isoformat(), **facts}
    outputs.write(output, lambda path: weights.save(path, told))
    outputs.commit()
    print(f"wrote {output} (SHA-256 {sha256_of(output)})")
