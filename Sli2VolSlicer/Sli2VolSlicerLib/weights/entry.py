"""One line of the catalogue: what a weights file is, and how to know it again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..engine.errors import WeightsError

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class WeightsEntry:
    """A weights file of the catalogue.

    Attributes:
        name: what the user calls it; unique in the catalogue.
        version: version of these weights.
        method: the method that they are made for.
        file: plain file name (no folder).
        sha256: hexadecimal SHA-256 of the file.
        bytes: size of the file.
        url: where to fetch it (https), or empty when it only comes with the code.
        licence: SPDX identifier of the weights' licence.
        card: file name of the model card, beside the catalogue.
    """

    name: str
    version: str
    method: str
    file: str
    sha256: str
    bytes: int
    url: str
    licence: str
    card: str

    def __post_init__(self) -> None:
        for field_name in ("file", "card"):
            value = getattr(self, field_name)
            if not is_plain_file_name(value):
                msg = f"Catalogue entry '{self.name}': {field_name} must be a plain file name, got '{value}'."
                raise WeightsError(msg)
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            msg = f"Catalogue entry '{self.name}': sha256 must be 64 hexadecimal digits, got '{self.sha256}'."
            raise WeightsError(msg)
        if self.bytes <= 0:
            msg = f"Catalogue entry '{self.name}': bytes must be positive, got {self.bytes}."
            raise WeightsError(msg)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> WeightsEntry:
        """An entry from its JSON object.

        Raises:
            WeightsError: a field is missing, unknown, or of the wrong kind.
        """
        wanted = {field.name: int if field.name == "bytes" else str for field in fields(cls)}
        name = record.get("name", "without a name")
        wrong = sorted(set(wanted) ^ set(record))
        if wrong:
            msg = f"Catalogue entry '{name}': fields missing or unknown: {', '.join(wrong)}."
            raise WeightsError(msg)
        for field_name, kind in wanted.items():
            if not isinstance(record[field_name], kind):
                msg = f"Catalogue entry '{name}': {field_name} must be {kind.__name__}, got {record[field_name]!r}."
                raise WeightsError(msg)
        return cls(**record)


def is_plain_file_name(name: str) -> bool:
    """Whether `name` names a file in its folder and cannot lead out of it."""
    return bool(name) and name not in (".", "..") and not re.search(r"[/\\:\x00]", name)


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def check_file(path: Path, size: int, sha256: str) -> None:
    """Check a file's size and SHA-256; a file found good is not read again while it stays unchanged.

    Raises:
        WeightsError: missing, of another size, or with other contents.
    """
    try:
        status = path.stat()
    except OSError as error:
        msg = f"The file {path} cannot be read ({error.strerror})."
        raise WeightsError(msg) from error
    if status.st_size != size:
        sizes = f"it has {status.st_size} bytes and should have {size}"
        msg = f"The file {path} is damaged: {sizes}. Fetch or install it again."
        raise WeightsError(msg)
    found = _sha256_while_unchanged(path, status.st_size, status.st_mtime_ns)
    if found != sha256:
        msg = f"The file {path} is damaged: its SHA-256 is {found} and should be {sha256}. Fetch or install it again."
        raise WeightsError(msg)


def forget_checks() -> None:
    """Read every file anew at its next check, even those that look unchanged."""
    _sha256_while_unchanged.cache_clear()


@lru_cache(maxsize=64)
def _sha256_while_unchanged(path: Path, size: int, modified_ns: int) -> str:
    return sha256_of(path)
