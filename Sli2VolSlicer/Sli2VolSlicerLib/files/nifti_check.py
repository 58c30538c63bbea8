"""Whether a NIfTI file is whole: readers fill what is missing with zeros and say nothing."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from ..engine.errors import VolumeError

_CHUNK_BYTES = 1 << 22
_HEADER_BYTES = 540


def check_nifti_is_whole(path: Path) -> None:
    """Compare the length of the data with what the header promises, and check gzip's own checksum.

    Raises:
        VolumeError: the file is truncated or damaged.
    """
    zipped = path.name.lower().endswith(".gz")
    opened = cast(Callable[[Path, str], IO[bytes]], gzip.open if zipped else open)
    try:
        with opened(path, "rb") as file:
            header = file.read(_HEADER_BYTES)
            length = len(header)
            while piece := file.read(_CHUNK_BYTES):
                length += len(piece)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        msg = f"The file {path} is damaged or truncated ({error}). Copy it again from where it came."
        raise VolumeError(msg) from error
    except OSError as error:
        msg = f"The file {path} cannot be read ({error.strerror})."
        raise VolumeError(msg) from error
    promised = _promised_bytes(header)
    if promised is None:
        msg = f"The file {path} is not a NIfTI file, though its name says so."
        raise VolumeError(msg)
    if length < promised:
        msg = f"The file {path} is truncated: it holds {length} of {promised} bytes. Copy it again from where it came."
        raise VolumeError(msg)


def _promised_bytes(header: bytes) -> int | None:
    """The length that a NIfTI-1 or NIfTI-2 single-file header promises; None if it is neither."""
    for order in "<>":
        if len(header) >= 348 and struct.unpack_from(f"{order}i", header, 0)[0] == 348:
            if header[344:347] != b"n+1":
                return len(header)
            sizes = struct.unpack_from(f"{order}8h", header, 40)
            bits = struct.unpack_from(f"{order}h", header, 72)[0]
            offset = int(struct.unpack_from(f"{order}f", header, 108)[0])
        elif len(header) >= 540 and struct.unpack_from(f"{order}i", header, 0)[0] == 540:
            sizes = struct.unpack_from(f"{order}8q", header, 16)
            bits = struct.unpack_from(f"{order}h", header, 14)[0]
            offset = struct.unpack_from(f"{order}q", header, 168)[0]
        else:
            continue
        dimensions = max(0, min(int(sizes[0]), 7))
        return offset + math.prod(max(1, s) for s in sizes[1 : dimensions + 1]) * bits // 8
    return None
