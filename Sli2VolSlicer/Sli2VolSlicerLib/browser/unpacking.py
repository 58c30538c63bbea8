"""Zip files from strangers: nothing is written outside of the target, and not more than agreed."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..engine.errors import VolumeError

_CHUNK_BYTES = 1 << 20
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class UnpackingLimits:
    """How much a zip file may hold.

    Attributes:
        most_bytes: of all its files together, unpacked.
        most_files: how many.
    """

    most_bytes: int = 4 << 30
    most_files: int = 20_000


def unpack(archive: Path, target: Path, limits: UnpackingLimits | None = None) -> int:
    """Unpack a zip file; after an error nothing of it is left.

    Args:
        archive: the zip file.
        target: a folder that does not exist yet.
        limits: how much it may hold.

    Returns:
        How many files there were.

    Raises:
        VolumeError: no zip file, damaged, encrypted, too large, or with names that lead elsewhere.
    """
    limits = limits or UnpackingLimits()
    target.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            wanted = [entry for entry in opened.infolist() if not _is_left_out(entry)]
            _check_entries(wanted, archive, limits)
            written = 0
            for entry in wanted:
                written = _write(opened, entry, target, written, limits)
            return len(wanted)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError) as error:
        shutil.rmtree(target, ignore_errors=True)
        msg = f"{archive.name} is damaged, or not a zip file. Make it again, or give the files themselves."
        raise VolumeError(msg) from error
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        msg = f"{archive.name} cannot be unpacked ({error.strerror or error})."
        raise VolumeError(msg) from error
    except VolumeError:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _is_left_out(entry: zipfile.ZipInfo) -> bool:
    """Folders are made as files need them; macOS adds files of its own."""
    parts = PurePosixPath(entry.filename).parts
    return entry.is_dir() or "__MACOSX" in parts or (bool(parts) and parts[-1] == ".DS_Store")


def _check_entries(entries: list[zipfile.ZipInfo], archive: Path, limits: UnpackingLimits) -> None:
    if len(entries) > limits.most_files:
        msg = f"{archive.name} holds {len(entries)} files; at most {limits.most_files} are unpacked."
        raise VolumeError(msg)
    if sum(entry.file_size for entry in entries) > limits.most_bytes:
        raise _too_large(archive, limits.most_bytes)
    for entry in entries:
        name = entry.filename
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or "\\" in name or PureWindowsPath(name).drive or ".." in parts:
            msg = f"{archive.name} holds '{name}', which leads out of it. Make the zip file again without that."
            raise VolumeError(msg)
        if stat.S_ISLNK(entry.external_attr >> 16):
            msg = f"{archive.name} holds the symbolic link '{name}'; put the file itself into the zip file."
            raise VolumeError(msg)
        if entry.flag_bits & _ENCRYPTED:
            msg = f"{archive.name} is encrypted; make it again without a password."
            raise VolumeError(msg)


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, written: int, limits: UnpackingLimits) -> int:
    """Write one file; returns how many bytes of all files are written then."""
    path = target.joinpath(*PurePosixPath(entry.filename).parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as source, path.open("xb") as file:
        while piece := source.read(_CHUNK_BYTES):
            written += len(piece)
            # What the zip file says of its sizes need not be true.
            if written > limits.most_bytes:
                raise _too_large(Path(opened.filename or ""), limits.most_bytes)
            file.write(piece)
    return written


def _too_large(archive: Path, most_bytes: int) -> VolumeError:
    msg = f"{archive.name} holds more than {most_bytes / 1e6:.0f} MB unpacked; give a smaller volume."
    return VolumeError(msg)
