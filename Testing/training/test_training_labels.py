"""The labels that come with the repository fit the volumes that they were drawn on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from Sli2VolSlicerLib.commands.labelled_volumes import label_file_of, read_labelled_volume
from Sli2VolSlicerLib.commands.train import find_volumes

LABELS = Path(__file__).resolve().parents[2] / "Resources" / "training-labels"
NAMES = ("abdomenCT_1004", "abdomenCT_1006", "abdomenCT_andrei", "abdomenMRT2_001", "abdomenMRT2_002")
KINDS = 15
"""As many as the table beside the label maps names."""


def test_there_are_five_label_maps_and_together_they_are_small() -> None:
    files = sorted(LABELS.glob("*.nii.gz"))
    assert [file.name for file in files] == [f"{name}_label.nii.gz" for name in NAMES]
    assert sum(file.stat().st_size for file in files) < 200_000


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_labels_lie_on_their_volumes_grid_and_hold_named_kinds_only(data_folder: Path, name: str) -> None:
    volumes = find_volumes([data_folder / "train"])
    path = next(volume for volume in volumes if volume.name.startswith(f"{name}_img"))
    assert label_file_of(path) is None
    volume = read_labelled_volume(path, LABELS)
    assert volume.labels is not None and volume.labels.shape == volume.voxels.shape
    values = set(np.unique(volume.labels).tolist()) - {0}
    assert len(values) >= 7 and values <= set(range(1, KINDS + 1))
