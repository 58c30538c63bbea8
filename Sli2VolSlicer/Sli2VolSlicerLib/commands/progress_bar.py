"""Progress bars on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from ..engine.records import Progress


@contextmanager
def slice_bar(is_shown: bool) -> Iterator[Callable[[Progress], None]]:
    """A bar over slices; yields the callback that the engine calls after each."""
    with tqdm(total=None, unit=" slices", file=sys.stderr, disable=not is_shown, dynamic_ncols=True) as bar:

        def show(progress: Progress) -> None:
            if bar.total != progress.total:
                bar.total = progress.total
            bar.set_description(progress.message, refresh=False)
            bar.update(progress.done - bar.n)

        yield show


@contextmanager
def byte_bar(is_shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar over bytes; yields a callback for bytes done and bytes in all (0 when unknown)."""
    with tqdm(total=None, unit="B", unit_scale=True, file=sys.stderr, disable=not is_shown, dynamic_ncols=True) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        yield show
