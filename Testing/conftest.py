"""What all tests share: where the data is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real volumes: SLI2VOL_DATA, else ../shared/data beside the checkout.

    Skips when there is none, except under CI=true, where missing data is a failure.
    """
    named = os.environ.get("SLI2VOL_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        msg = f"No real volumes at {folder}; name their folder in SLI2VOL_DATA."
        if os.environ.get("CI") == "true":
            pytest.fail(msg)
        pytest.skip(msg)
    return folder
