"""The folder given at start: what lies in it may be opened, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..engine.errors import VolumeError
from ..files.kinds import holds_dicom, is_volume_name

MOST_NAMES = 1000
MOST_ENTRIES = 50_000
MOST_LEVELS = 8


class SharedFolder:
    """A folder whose volumes may be opened by relative names.

    Args:
        root: the folder; it must exist.
        most_names: how many volumes are listed.
        most_entries: how many files and folders are looked at for that.

    Raises:
        VolumeError: there is no such folder.
    """

    def __init__(self, root: Path, *, most_names: int = MOST_NAMES, most_entries: int = MOST_ENTRIES) -> None:
        if not root.is_dir():
            msg = f"There is no folder {root}."
            raise VolumeError(msg)
        self.root = root.resolve()
        self._most_names = most_names
        self._most_entries = most_entries

    def list(self) -> tuple[str, ...]:
        """Names of volumes, zip files and DICOM folders, with '/' between folders; sorted, and bounded in number."""
        names: list[str] = []
        for name in self._volumes():
            names.append(name)
            if len(names) >= self._most_names:
                break
        return tuple(sorted(names, key=str.casefold))

    def resolve(self, name: str) -> Path:
        """The file or folder of a relative name.

        Args:
            name: with '/' between folders, as `list` gives it.

        Returns:
            An absolute path without symbolic links.

        Raises:
            VolumeError: an absolute name, '..', a symbolic link that leads outside, or nothing of that name.
        """
        pure = PurePosixPath(name)
        if not name or "\0" in name or pure.is_absolute() or PureWindowsPath(name).drive or name.startswith("\\"):
            msg = f"'{name}' is not a name within the shared folder; choose one of its list."
            raise VolumeError(msg)
        if ".." in pure.parts or ".." in PureWindowsPath(name).parts:
            msg = f"'{name}' leads out of the shared folder by '..'; choose a name of its list."
            raise VolumeError(msg)
        try:
            path = (self.root / pure).resolve(strict=True)
            if not self._is_inside(path):
                msg = f"'{name}' leads out of the shared folder by a symbolic link; copy it into the folder."
                raise VolumeError(msg)
            self._check_files_of(path, name)
        except (OSError, RuntimeError, UnicodeError) as error:
            msg = f"There is no '{name}' in the shared folder, or it may not be read."
            raise VolumeError(msg) from error
        return path

    def _is_inside(self, path: Path) -> bool:
        return path == self.root or self.root in path.parents

    def _check_files_of(self, folder: Path, name: str) -> None:
        """A series is read file by file: each must lie inside too."""
        if not folder.is_dir():
            return
        for path in folder.iterdir():
            if path.is_symlink() and not self._is_inside(path.resolve()):
                msg = (
                    f"'{name}/{path.name}' leads out of the shared folder by a symbolic link; copy it into the folder."
                )
                raise VolumeError(msg)

    def _volumes(self) -> Iterator[str]:
        seen = 0
        for here, folders, files in os.walk(self.root, followlinks=False):
            folder = Path(here)
            within = folder.relative_to(self.root)
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            if len(within.parts) >= MOST_LEVELS:
                folders.clear()
            seen += 1 + len(files)
            if seen > self._most_entries:
                return
            for file in sorted(files):
                if self._is_offered(folder / file):
                    yield (within / file).as_posix()
            if within.parts and holds_dicom(folder):
                yield within.as_posix()

    def _is_offered(self, path: Path) -> bool:
        is_named_so = is_volume_name(path.name) or path.name.lower().endswith(".zip")
        if path.name.startswith(".") or not is_named_so:
            return False
        return not path.is_symlink() or self._is_inside(path.resolve())
