"""Where an entry of the catalogue stands: shipped, fetched, begun, missing or damaged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..engine.errors import WeightsError
from .catalogue import Catalogue
from .entry import WeightsEntry, forget_checks


class Whereabouts(Enum):
    """Where the file of an entry is."""

    SHIPPED = "came with the module"
    FETCHED = "fetched"
    BEGUN = "begun"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class WeightsState:
    """What is known of an entry on this computer.

    Attributes:
        entry: which.
        whereabouts: where its file is.
        path: the file, or None where there is none.
        bytes_here: how much of the file is here; the rest is fetched when it is continued.
        can_remove: whether something of it lies in the user's folder.
        problem: what is wrong with a damaged file; empty otherwise.
    """

    entry: WeightsEntry
    whereabouts: Whereabouts
    path: Path | None
    bytes_here: int
    can_remove: bool
    problem: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether the weights can be propagated with."""
        return self.whereabouts in (Whereabouts.SHIPPED, Whereabouts.FETCHED)


def state_of(catalogue: Catalogue, entry: WeightsEntry, *, thorough: bool = True) -> WeightsState:
    """Where `entry` stands.

    Args:
        catalogue: the catalogue that it is in.
        entry: which weights.
        thorough: whether to look at the SHA-256 too (read once while the file stays unchanged), not only at the size.
    """
    path, begun = catalogue.path_of(entry), catalogue.bytes_begun(entry)
    can_remove = bool(begun) or (catalogue.fetched / entry.file).is_file()
    if path is None:
        return WeightsState(entry, Whereabouts.BEGUN if begun else Whereabouts.MISSING, None, begun, can_remove)
    if thorough or path.stat().st_size != entry.bytes:
        try:
            path = catalogue.verify(entry)
        except WeightsError as error:
            return WeightsState(entry, Whereabouts.DAMAGED, path, 0, can_remove, str(error))
    whereabouts = Whereabouts.SHIPPED if path.parent == catalogue.shipped else Whereabouts.FETCHED
    return WeightsState(entry, whereabouts, path, entry.bytes, can_remove)


def states_read_anew(catalogue: Catalogue) -> tuple[WeightsState, ...]:
    """Where every entry stands, each file read from the disk now; takes a moment for large ones."""
    forget_checks()
    return tuple(state_of(catalogue, entry) for entry in catalogue.entries)
