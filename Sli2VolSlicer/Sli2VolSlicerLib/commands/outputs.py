"""Output files that appear together and whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from ..engine.errors import OutputError

IMAGE_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")
SEGMENTATION_SUFFIX = ".seg.nrrd"


def suffix_of(path: Path, known: tuple[str, ...]) -> str:
    """The longest of `known` with which the file name ends, lower case.

    Raises:
        OutputError: none of them.
    """
    name = path.name.lower()
    fitting = [suffix for suffix in known if name.endswith(suffix) and len(name) > len(suffix)]
    if not fitting:
        msg = f"Cannot write {path}: its name must end in {', '.join(known)}."
        raise OutputError(msg)
    return max(fitting, key=len)


def require_folder(folder: Path, what: str) -> None:
    """Make sure that there is a folder to write several files to.

    Raises:
        OutputError: there is none.
    """
    if not folder.is_dir():
        msg = f"There is no folder {folder} to write {what} to; make it, or name another."
        raise OutputError(msg)


class Outputs:
    """Files written under temporary names and renamed at the end, all of them; a context manager.

    Entering it does nothing; `claim` checks each path before the long work begins; `commit` renames.
    What is not committed leaves nothing behind.
    """

    def __init__(self) -> None:
        self._temporary: dict[Path, Path] = {}

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for temporary in self._temporary.values():
            temporary.unlink(missing_ok=True)

    def claim(self, path: Path, known: tuple[str, ...], inputs: tuple[Path, ...] = ()) -> None:
        """Check that `path` can be written: its folder, its name, and that it is no input.

        Raises:
            OutputError: it cannot.
        """
        suffix = suffix_of(path, known)
        if path.is_dir():
            msg = f"Cannot write {path}: it is a folder."
            raise OutputError(msg)
        if path.exists() and not os.access(path, os.W_OK):
            msg = f"Cannot write {path}: the file is there and read-only."
            raise OutputError(msg)
        if not path.parent.is_dir():
            msg = f"Cannot write {path}: the folder {path.parent} does not exist."
            raise OutputError(msg)
        for taken in (*inputs, *self._temporary):
            if path.resolve() == taken.resolve():
                msg = f"Cannot write {path}: it is given twice, or is an input. Choose another name."
                raise OutputError(msg)
        temporary = path.with_name(f".{path.name[: -len(suffix)]}.{os.getpid()}.partial{suffix}")
        try:
            temporary.touch()
        except OSError as error:
            msg = f"Cannot write {path} ({error.strerror}). Choose another folder, or make it writable."
            raise OutputError(msg) from error
        self._temporary[path] = temporary

    def write(self, path: Path, writer: Callable[[Path], object]) -> None:
        """Let `writer` write a claimed file under its temporary name.

        Raises:
            OutputError: it could not.
        """
        try:
            writer(self._temporary[path])
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "is the disk full?"
            msg = f"Writing {path} failed ({reason}). Nothing was written."
            raise OutputError(msg) from error

    def commit(self) -> None:
        """Give all files their names; from here on they are there.

        Raises:
            OutputError: one could not be renamed.
        """
        for path, temporary in list(self._temporary.items()):
            try:
                os.replace(temporary, path)
            except OSError as error:
                msg = f"Cannot write {path} ({error.strerror})."
                raise OutputError(msg) from error
            del self._temporary[path]
