"""Pictures of the stand-in's window, on a laptop's and on a 4K screen; they go where SLI2VOL_SCREENSHOTS says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

SCREENS = {"laptop": (1366, 768, 1), "4k": (1920, 1080, 2)}
"""Width and height in Qt's pixels, and how many of the screen's make one: 4K screens are run at 200 %."""


def screenshot_folder(otherwise: Path) -> Path:
    """Where pictures go; it is made if need be."""
    named = os.environ.get("SLI2VOL_SCREENSHOTS")
    place = Path(named) if named else otherwise
    place.mkdir(parents=True, exist_ok=True)
    return place


def take(bench: Any, path: Path, screen: str) -> None:
    """A picture of the whole window."""
    from PySide6.QtGui import QPixmap

    width, height, ratio = SCREENS[screen]
    bench.desktop.window.resize(width, height)
    bench.events()
    views = bench.desktop.app.layoutManager()
    for name in views.sliceViewNames():
        views.sliceWidget(name).sliceView().bring_up_to_date()
    picture = QPixmap(width * ratio, height * ratio)
    picture.setDevicePixelRatio(ratio)
    bench.desktop.window.render(picture)
    assert picture.save(str(path))
