"""Pictures of the panel in use, on a laptop's and on a 4K screen; they go where SLI2VOL_SCREENSHOTS says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from panel.screenshots import SCREENS, screenshot_folder, take


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures go."""
    return screenshot_folder(tmp_path)


@pytest.fixture
def used(bench: Any) -> Any:
    """The panel after a propagation, a recommendation and a correction."""
    from Sli2VolSlicerLib.scene.logic import SceneLogic

    bench.panel.desk.logic = SceneLogic()
    bench.paint(16)
    bench.propagate()
    bench.key("N")
    bench.settle()
    bench.key("A")
    bench.settle()
    bench.click(bench.ui.nextButton)
    bench.settle()
    bench.click_slice(11)
    bench.settle()
    return bench


@pytest.mark.slow
@pytest.mark.parametrize("screen", SCREENS)
def test_the_panel_in_use_on_a_screen(used: Any, folder: Path, screen: str) -> None:
    used.click(used.ui.confidenceCheckBox, 8)
    used.settle()
    take(used, folder / f"panel-{screen}.png", screen)
    panel, buttons = used.desktop.window.panel, ("nextButton", "acceptButton", "stopButton", "releaseButton")
    for name in ("propagateButton", *buttons):
        button = getattr(used.ui, name)
        assert button.width >= button.sizeHint().width(), f"{name} is cut off"
    assert used.panel.widget.width <= panel.viewport().width, "nothing sticks out to the right"


@pytest.mark.slow
def test_the_panel_in_the_dark_style(used: Any, folder: Path) -> None:
    from PySide6.QtGui import QColor, QPalette
    from PySide6.QtWidgets import QApplication

    before = QApplication.palette()
    dark = QPalette(QColor(53, 53, 53), QColor(53, 53, 53))
    dark.setColor(QPalette.ColorRole.Base, QColor(25, 25, 25))
    try:
        QApplication.setPalette(dark)
        used.events()
        take(used, folder / "panel-dark.png", "laptop")
    finally:
        QApplication.setPalette(before)


@pytest.mark.slow
def test_the_panel_while_it_runs(used: Any, folder: Path) -> None:
    used.use("random-weights")
    used.paint(20)
    used.key("P")
    used.until(lambda: used.ui.progressBar.value > 0)
    take(used, folder / "panel-running.png", "laptop")
    used.key("Esc")
    used.settle()


@pytest.mark.slow
def test_the_advanced_section(used: Any, folder: Path) -> None:
    used.ui.advancedSection.collapsed = False
    used.events()
    bar = used.desktop.window.panel.verticalScrollBar()
    bar.value = bar.maximum
    take(used, folder / "panel-advanced.png", "laptop")
