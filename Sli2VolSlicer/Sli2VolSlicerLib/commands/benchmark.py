"""`sli2vol benchmark`: every labelled structure of a folder, every method, one table."""

from __future__ import annotations

import argparse
from importlib.util import find_spec

from ..engine.errors import Sli2VolError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command; the benchmark itself comes with the source and the wheel, not with Slicer."""
    parser = commands.add_parser("benchmark", help="measure all methods on a folder of labelled volumes")
    if find_spec("sli2vol_benchmark") is None:
        parser.add_argument("arguments", nargs="*")
        parser.set_defaults(run=run_without)
        return
    from sli2vol_benchmark.cli import add_arguments, run

    add_arguments(parser)
    parser.set_defaults(run=run)


def run_without(arguments: argparse.Namespace) -> int:
    """Say that there is no benchmark here.

    Raises:
        Sli2VolError: always.
    """
    msg = "The benchmark is not installed here: install Sli2VolSlicer with pip, or from its source."
    raise Sli2VolError(msg)
