"""Many sessions of the real page: one after another they leave nothing, and at once each gets its own result."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("trame_slicer", reason="the page needs .venv-browser: Testing/setup --browser")
pytest.importorskip("selenium", reason="the page needs .venv-browser: Testing/setup --browser")

from browser.chromium import chromium, served
from browser.page_by_mouse import PageByMouse, strokes_over
from browser.processes import children_of, memory_at_rest_mb

pytestmark = pytest.mark.slow

QUICK = """
import asyncio
from Sli2VolSlicerLib.browser.serving import ServeOptions, serve
options = ServeOptions(port=0, device="cpu", sessions=2, away_s=0.3)
asyncio.run(serve(options, lambda address: print("Open", address, flush=True)))
"""
"""Like `sli2vol serve`, but it does not wait for pages that are loaded again."""

STRUCTURES = {"spleen": 1, "right kidney": 2, "left kidney": 3, "liver": 6}


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of processes is read as on Linux")
def test_twenty_sessions_one_after_another_leave_the_memory_as_it_was(tmp_path: Path) -> None:
    taken = []
    with served(line=(sys.executable, "-c", QUICK)) as (server, address), chromium(tmp_path) as driver:
        page = PageByMouse(driver)
        for number in range(20):
            page.open(address)
            page.press("Sample")
            page.until(lambda: page["volume_name"])
            driver.get("about:blank")
            if number in (0, 19):
                # What is left is the server and the process that waits for the next page.
                taken.append(memory_at_rest_mb(server, children=1))
        assert len(children_of(server)) == 1
    first, last = taken
    assert last < 1.1 * first, f"{first:.0f} MB after the first session, {last:.0f} MB after the twentieth"


@dataclass
class Tab:
    """One of several tabs.

    Attributes:
        handle: selenium's.
        truth: what is painted and propagated in it, bool (k, j, i).
    """

    handle: str
    truth: np.ndarray

    @property
    def index(self) -> int:
        """The painted slice."""
        return int(self.truth.sum(axis=(1, 2)).argmax())


def test_four_sessions_at_once_get_each_its_own_result(data_folder: Path, tmp_path: Path) -> None:
    volume = data_folder / "eval" / "sabsCT_01_img.nii.gz"
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(volume).replace("_img", "_label")))
    (tmp_path / "shared").mkdir()
    shutil.copy(volume, tmp_path / "shared" / "abdomen.nii.gz")
    spacing = sitk.ReadImage(str(volume)).GetSpacing()
    with served("--folder", str(tmp_path / "shared")) as (_, address), chromium(tmp_path / "chromium") as driver:
        page = PageByMouse(driver)
        tabs = [_painted(page, driver, address, labels == label, spacing) for label in STRUCTURES.values()]
        for tab in tabs:
            driver.switch_to.window(tab.handle)
            page.press("Propagate")
            page.until(lambda: page["is_running"] or page["timeline"].get("bars"))
        for tab, name in zip(tabs, STRUCTURES, strict=True):
            driver.switch_to.window(tab.handle)
            page.until(lambda: not page["is_running"], 240)
            file = page.download("Label map (.nii.gz)", tmp_path / "chromium" / "downloads")
            found = sitk.GetArrayFromImage(sitk.ReadImage(str(file))) > 0
            file.unlink()
            dice = 2 * (found & tab.truth).sum() / (found.sum() + tab.truth.sum())
            assert dice > 0.6, f"{name}: Dice {dice:.2f}"


def _painted(page: PageByMouse, driver: Any, address: str, truth: np.ndarray, spacing: tuple[float, ...]) -> Tab:
    """A new tab in which a structure is painted on its largest slice."""
    driver.switch_to.new_window("tab")
    tab = Tab(driver.current_window_handle, truth)
    page.open(address)
    page.until(lambda: page["volume_name"] == "abdomen")
    screen = page.screen(truth.shape[1:], spacing[1::-1])
    page.scroll_to(tab.index, screen)
    page.press("Paint")
    page.strokes(strokes_over(truth[tab.index], 15 / spacing[0], screen))
    return tab
