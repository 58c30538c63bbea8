"""Which files and folders may be opened as a volume, by their names and first bytes."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from ..engine.errors import VolumeError

VOLUME_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
"""How the names of files that hold one whole volume end."""

SEGMENTATION_SUFFIX = ".seg.nrrd"

_HEADER_BYTES = 1 << 20
_DICOM_PREAMBLE_BYTES = 128
_FILES_LOOKED_AT = 5


def is_volume_name(name: str) -> bool:
    """Whether a file of this name should hold a volume; a segmentation is none."""
    lower = name.lower()
    return lower.endswith(VOLUME_SUFFIXES) and not lower.endswith(SEGMENTATION_SUFFIX)


def is_dicom_file(path: Path) -> bool:
    """Whether the file begins as DICOM files do."""
    try:
        with path.open("rb") as file:
            return file.read(_DICOM_PREAMBLE_BYTES + 4)[_DICOM_PREAMBLE_BYTES:] == b"DICM"
    except OSError:
        return False


def holds_dicom(folder: Path) -> bool:
    """Whether one of a folder's first files is DICOM; folders within are not looked at."""
    try:
        files = (path for path in sorted(folder.iterdir()) if path.is_file() and path.name != "DICOMDIR")
        return any(is_dicom_file(path) for path in islice(files, _FILES_LOOKED_AT))
    except OSError:
        return False


def check_self_contained(path: Path) -> None:
    """Refuse a volume file whose header names another file for its voxels: that could lie anywhere.

    Raises:
        VolumeError: it does, or the header cannot be told from its voxels.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    name = path.name.lower()
    if name.endswith(".nrrd"):
        other = _other_file_of_nrrd(head)
    elif name.endswith(".mha"):
        other = _other_file_of_metaimage(head)
    elif name.endswith(".nii"):
        other = "the .img file beside it" if head[344:348] == b"ni1\0" or head[4:8] == b"ni2\0" else ""
    else:
        other = ""
    if other:
        msg = f"{path} keeps its voxels in another file ({other}); save it as one file (.nii.gz, .nrrd or .mha)."
        raise VolumeError(msg)


def _other_file_of_nrrd(head: bytes) -> str:
    header = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    found = re.search(rb"^\s*data\s*file\s*:\s*([^\r\n]*)", header, re.IGNORECASE | re.MULTILINE)
    return _shown(found.group(1)) if found else ""


def _other_file_of_metaimage(head: bytes) -> str:
    # MetaImage's reader takes what follows the first one as voxels.
    found = re.search(rb"ElementDataFile\s*[=:]?\s*([^\r\n]*)", head, re.IGNORECASE)
    if found is None or found.group(1).strip().lower() == b"local":
        return ""
    return _shown(found.group(1))


def _shown(text: bytes) -> str:
    return f"'{text.strip()[:80].decode('ascii', 'replace')}'"
