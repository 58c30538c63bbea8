"""The catalogue of weights: which there are, where each lies, and whether it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..engine.errors import WeightsError
from .entry import WeightsEntry, check_file
from .fetch import fetch_file, remove_file, take_file
from .locations import CATALOGUE_FILE, fetched_folder, shipped_folder
from .partial_file import PartialFile
from .remote import FetchProgress, IsCancelled, RemoteFile
from .source import address_of


class Catalogue:
    """The known weights and the two folders in which they may lie.

    Args:
        entries: the known weights, preferred ones first.
        shipped: folder of the weights that came with the code.
        fetched: folder of the weights fetched since; need not exist yet.

    Raises:
        WeightsError: two entries have one name.
    """

    def __init__(self, entries: Iterable[WeightsEntry], shipped: Path, fetched: Path) -> None:
        self.entries = tuple(entries)
        self.shipped = shipped
        self.fetched = fetched
        names = self.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = f"The catalogue lists more than once: {', '.join(twice)}."
            raise WeightsError(msg)

    @classmethod
    def open(cls, shipped: Path | None = None, fetched: Path | None = None) -> Catalogue:
        """Read the catalogue file.

        Args:
            shipped: folder with `catalogue.json`; the one that came with the code by default.
            fetched: folder for fetched weights; the user's cache folder by default.

        Raises:
            WeightsError: the catalogue is missing or cannot be understood.
        """
        folder = shipped or shipped_folder()
        path = folder / CATALOGUE_FILE
        try:
            records = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            msg = f"The catalogue of weights {path} cannot be read ({error.strerror})."
            raise WeightsError(msg) from error
        except ValueError as error:
            msg = f"The catalogue of weights {path} is not valid JSON ({error})."
            raise WeightsError(msg) from error
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            msg = f"The catalogue of weights {path} must be a list of objects."
            raise WeightsError(msg)
        return cls([WeightsEntry.from_json(record) for record in records], folder, fetched or fetched_folder())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all entries, in the catalogue's order."""
        return tuple(entry.name for entry in self.entries)

    def find(self, name: str) -> WeightsEntry:
        """The entry of this name, else the first one made for the method of this name.

        Raises:
            WeightsError: there is none.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        for entry in self.entries:
            if entry.method == name:
                return entry
        known = ", ".join(self.names) or "none"
        msg = f"No weights called '{name}' in the catalogue (known: {known}). Name a weights file instead."
        raise WeightsError(msg)

    def path_of(self, entry: WeightsEntry) -> Path | None:
        """Where the file of `entry` lies (shipped before fetched), unverified; None if it is not here."""
        return next(iter(self._paths_of(entry)), None)

    def bytes_begun(self, entry: WeightsEntry) -> int:
        """How much of `entry` an unfinished fetch left; the next one goes on from there."""
        return PartialFile(_remote(entry, entry.url), self.fetched).bytes_here

    def verify(self, entry: WeightsEntry) -> Path:
        """The path of the file of `entry`, its size and SHA-256 checked.

        Raises:
            WeightsError: the file is not here, or is damaged (and, of two, both are).
        """
        paths = self._paths_of(entry)
        if not paths:
            way = f"fetch them with 'sli2vol models fetch {entry.name}'" if entry.url else "install them again"
            msg = f"The weights '{entry.name}' are not on this computer ({entry.file} in {self.fetched}): {way}."
            raise WeightsError(msg)
        for path in paths[:-1]:
            with suppress(WeightsError):
                check_file(path, entry.bytes, entry.sha256)
                return path
        check_file(paths[-1], entry.bytes, entry.sha256)
        return paths[-1]

    def fetch(
        self,
        name: str,
        *,
        source: str = "",
        progress: FetchProgress | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> Path:
        """The verified path of the weights `name`, fetched into the user's folder if they are not here.

        Args:
            name: name of an entry or of a method.
            source: a mirror, folder or file instead of the catalogue's address: see `address_of`.
            progress: told the bytes that are here and the bytes that there will be.
            is_cancelled: asked for every piece that comes.

        Raises:
            WeightsError: unknown name, nowhere to fetch from, or the fetching failed (`FetchError`).
        """
        entry = self.find(name)
        with suppress(WeightsError):
            return self.verify(entry)
        address = address_of(entry, source)
        remote = _remote(entry, str(address))
        if isinstance(address, Path):
            return take_file(remote, address, self.fetched, progress=progress, is_cancelled=is_cancelled)
        return fetch_file(remote, self.fetched, progress=progress, is_cancelled=is_cancelled)

    def remove(self, name: str) -> bool:
        """Remove the fetched file of `name` with all that an unfinished fetch left; shipped weights stay.

        Returns:
            Whether there was anything to remove.
        """
        return remove_file(self.find(name).file, self.fetched)

    def _paths_of(self, entry: WeightsEntry) -> list[Path]:
        return [path for path in (self.shipped / entry.file, self.fetched / entry.file) if path.is_file()]


def _remote(entry: WeightsEntry, address: str) -> RemoteFile:
    return RemoteFile(address, entry.file, entry.bytes, entry.sha256)


def find_weights(name: str) -> Path:
    """The verified file of the weights `name` (or of the first weights for the method `name`).

    Raises:
        WeightsError: unknown name, not on this computer, or damaged.
    """
    catalogue = Catalogue.open()
    return catalogue.verify(catalogue.find(name))
