"""`sli2vol models`: which weights there are, and whether they are whole."""

from __future__ import annotations

import argparse
import sys

from ..engine.errors import WeightsError
from ..weights import Catalogue
from .interrupt import cancel_on_interrupt
from .progress_bar import byte_bar


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("models", help="list, verify, fetch or remove pretrained weights")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="the catalogue, and which weights are on this computer").set_defaults(run=run_list)
    verify = actions.add_parser("verify", help="check size and SHA-256 of the weights on this computer")
    verify.add_argument("names", nargs="*", metavar="NAME", help="weights to check (default: all that are here)")
    verify.set_defaults(run=run_verify)
    fetch = actions.add_parser("fetch", help="fetch weights that are not on this computer")
    fetch.add_argument("name", metavar="NAME")
    fetch.add_argument(
        "--from", dest="source", default="", metavar="PLACE", help="a mirror, folder or file to fetch them from"
    )
    fetch.set_defaults(run=run_fetch)
    remove = actions.add_parser("remove", help="remove fetched weights")
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(run=run_remove)


def run_list(arguments: argparse.Namespace) -> int:
    """Print one line per entry."""
    catalogue = Catalogue.open()
    row = "{:<20} {:<10} {:<16} {:>9}  {:<14} {}"
    print(row.format("NAME", "VERSION", "METHOD", "MB", "LICENCE", "WHERE"))
    for entry in catalogue.entries:
        where = catalogue.path_of(entry) or ("to be fetched" if entry.url else "missing")
        size = f"{entry.bytes / 1e6:.2f}"
        print(row.format(entry.name, entry.version, entry.method, size, entry.licence, where))
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Check each; 2 if one is damaged, or named and missing."""
    catalogue = Catalogue.open()
    named = [catalogue.find(name) for name in arguments.names]
    bad = 0
    for entry in named or catalogue.entries:
        if not named and entry.url and catalogue.path_of(entry) is None:
            print(f"{entry.name}: not on this computer")
            continue
        try:
            print(f"{entry.name}: good ({catalogue.verify(entry)})")
        except WeightsError as error:
            bad += 1
            print(f"{entry.name}: {error}", file=sys.stderr)
    return 2 if bad else 0


def run_fetch(arguments: argparse.Namespace) -> int:
    """Fetch one."""
    with cancel_on_interrupt() as is_cancelled, byte_bar(True) as progress:
        path = Catalogue.open().fetch(
            arguments.name, source=arguments.source, progress=progress, is_cancelled=is_cancelled
        )
    print(path)
    return 0


def run_remove(arguments: argparse.Namespace) -> int:
    """Remove one."""
    removed = Catalogue.open().remove(arguments.name)
    print("removed" if removed else "nothing to remove: only fetched weights can be")
    return 0
