"""The `sli2vol` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..engine.errors import PropagationCancelled, Sli2VolError
from ..weights import FetchCancelled
from . import (
    average,
    benchmark,
    deform,
    invent,
    models,
    propagate,
    recommend,
    serve,
    simulate,
    train,
    train_carrying,
    train_ends,
    train_mask_prior,
    train_plus,
    train_refinement,
)

EXIT_ERROR = 2
EXIT_CANCELLED = 130


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog="sli2vol", description="One painted slice becomes a volume.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    training = (train, train_carrying, train_refinement, train_ends, train_mask_prior, train_plus)
    for command in (propagate, recommend, simulate, serve, deform, invent, *training, average, models, benchmark):
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when all went well, 2 after an error (one line on stderr), 130 when cancelled.
    """
    arguments = make_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (KeyboardInterrupt, PropagationCancelled, FetchCancelled) as error:
        print(str(error) or "Cancelled; nothing was written.", file=sys.stderr)
        return EXIT_CANCELLED
    except Sli2VolError as error:
        print(f"sli2vol: {error}", file=sys.stderr)
        return EXIT_ERROR
    except MemoryError:
        print("sli2vol: the memory is full; crop the volume, or close other programs.", file=sys.stderr)
        return EXIT_ERROR


if __name__ == "__main__":
    sys.exit(main())
