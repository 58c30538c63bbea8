"""What the training commands share: options, the checkpoint's place, the progress bar."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ..engine.errors import OutputError, PropagationCancelled
from .interrupt import cancel_on_interrupt

MeasuredT = TypeVar("MeasuredT")


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """VOLUME..., --output, --steps, --seed, --device, --checkpoint and --quiet."""
    parser.add_argument("volumes", nargs="+", type=Path, metavar="VOLUME")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE.safetensors", help="weights to write")
    parser.add_argument("--steps", type=int, help="optimiser steps (default: as the shipped weights)")
    parser.add_argument("--seed", type=int, default=1, help="of every random choice (default: 1)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="default: OUTPUT.checkpoint")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def checkpoint_of(arguments: argparse.Namespace) -> Path:
    """Where the work is kept.

    Raises:
        OutputError: it cannot be written there.
    """
    checkpoint: Path = arguments.checkpoint or arguments.output.with_name(arguments.output.name + ".checkpoint")
    if not os.access(checkpoint.parent, os.W_OK):
        msg = f"Cannot keep checkpoints at {checkpoint}: the folder does not exist or is not writable."
        raise OutputError(msg)
    return checkpoint


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
