"""Where weights lie: those that came with the code, and those fetched since."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..engine.errors import WeightsError

FOLDER_VARIABLE = "SLI2VOL_WEIGHTS_FOLDER"
"""Environment variable that names the folder for fetched weights."""

CATALOGUE_FILE = "catalogue.json"


def shipped_folder() -> Path:
    """The folder of the weights that came with the code, with their catalogue.

    Beside this file in a wheel and in an installed Slicer extension; in `Resources/weights`
    of a source checkout (and of an editable install, which is one).

    Raises:
        WeightsError: there is no catalogue in any of these places.
    """
    here = Path(__file__).resolve().parent
    candidates = [here / "shipped"]
    if len(here.parents) > 2:
        candidates.append(here.parents[2] / "Resources" / "weights")
    for folder in candidates:
        if (folder / CATALOGUE_FILE).is_file():
            return folder
    places = " nor ".join(str(folder) for folder in candidates)
    msg = f"The catalogue of weights is neither in {places}: the installation is incomplete, install it again."
    raise WeightsError(msg)


def fetched_folder() -> Path:
    """The user's folder for fetched weights: SLI2VOL_WEIGHTS_FOLDER, else the platform's cache folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "sli2vol" / "weights"
