"""A made-up volume with one drawn slice, as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands.files import Case, drawing, phantom, write


@pytest.fixture
def case(tmp_path: Path) -> Case:
    labels = drawing()
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    outputs.mkdir()
    return Case(write(phantom(), inputs / "image.nii.gz"), write(labels, inputs / "annotation.nii.gz"), labels, outputs)
