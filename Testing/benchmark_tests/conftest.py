"""A small folder of labelled volumes for the benchmark's tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def small_data(tmp_path: Path) -> Path:
    """Two families of one volume each, an ellipsoid in noise."""
    import SimpleITK as sitk

    folder = tmp_path / "data"
    (folder / "eval").mkdir(parents=True)
    z, y, x = np.mgrid[:16, :40, :40]
    truth = ((z - 8) / 5.2) ** 2 + ((y - 20) / 9) ** 2 + ((x - 21) / 10) ** 2 <= 1
    index = {}
    for name in ("hnCT_1", "laMR_1"):
        noise = np.random.default_rng(1).normal(scale=10, size=truth.shape)
        for kind, array in (("img", (200 * truth + noise).astype(np.int16)), ("label", truth.astype(np.uint8))):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing((1.0, 1.0, 2.0))
            sitk.WriteImage(image, str(folder / "eval" / f"{name}_{kind}.nii.gz"))
        index[name] = {
            "split": "eval",
            "file": f"eval/{name}_img.nii.gz",
            "label": f"eval/{name}_label.nii.gz",
            "licence": "MIT",
            "structures": {"1": {"name": "thing", "slices": int(truth.any(axis=(1, 2)).sum())}},
        }
    (folder / "index.json").write_text(json.dumps(index))
    return folder
