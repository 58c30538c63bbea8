"""A liver, painted and propagated on the page in a real browser, by mouse and keys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("trame_slicer", reason="the page needs .venv-browser: Testing/setup --browser")
pytest.importorskip("selenium", reason="the page needs .venv-browser: Testing/setup --browser")

from browser.chromium import chromium, served
from browser.page_by_mouse import PageByMouse, circle, strokes_over

pytestmark = pytest.mark.slow

LIVER = 6
BRUSH_MM = 15.0


@dataclass
class Story:
    """What the browser showed and what was downloaded, bool (k, j, i), step by step.

    Attributes:
        image: that was given.
        truth: the liver.
        index: of the painted slice.
        corrected: index of the slice of which a part was erased.
        masks: what was downloaded after each step, by its name.
        grids: of the files.
        words: shown after each step.
        messages: of the browser's console.
        asked: addresses that the page asked for.
    """

    image: sitk.Image
    truth: np.ndarray
    index: int
    corrected: int = -1
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    grids: dict[str, sitk.Image] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The whole way, once; the tests look at what came of it. Pictures go to SLI2VOL_SCREENSHOTS, if that is set."""
    volume = data_folder / "eval" / "sabsCT_01_img.nii.gz"
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(volume).replace("_img", "_label"))) == LIVER
    story = Story(sitk.ReadImage(str(volume)), truth, int(truth.sum(axis=(1, 2)).argmax()))
    shared = tmp_path_factory.mktemp("shared")
    shutil.copy(volume, shared / "abdomen.nii.gz")
    pictures = os.environ.get("SLI2VOL_SCREENSHOTS")
    folder = tmp_path_factory.mktemp("chromium")
    with served("--folder", str(shared)) as (_, address), chromium(folder) as driver:
        page = PageByMouse(driver, Path(pictures) / "browser" if pictures else None)
        page.open(address)
        page.until(lambda: page["volume_name"] == "abdomen")
        _tell(page, folder / "downloads", story)
        story.messages = driver.get_log("browser")
        story.asked = _addresses(driver)
    yield story


def _tell(page: PageByMouse, downloads: Path, story: Story) -> None:
    screen = page.screen(story.truth.shape[1:], story.image.GetSpacing()[1::-1])
    keep = _Keeper(page, downloads, story)
    keep.picture("1-opened")
    page.scroll_to(story.index, screen)
    page.press("Paint")
    middle = np.argwhere(story.truth[story.index]).mean(axis=0)
    page.strokes([circle(middle, 20, screen)])
    keep.picture("2-circle")
    keep.file("circle")
    page.strokes(strokes_over(story.truth[story.index], BRUSH_MM / story.image.GetSpacing()[0], screen))
    keep.picture("3-painted")
    keep.file("painted")
    page.propagate()
    page.until(lambda: page["timeline"].get("recommended", -1) >= 0)
    keep.picture("4-propagated")
    keep.file("propagated")
    page.key("n")
    page.until(lambda: page.shown_slice() == page["timeline"]["recommended"])
    story.corrected = page.shown_slice()
    keep.picture("5-next")
    page.press("Erase")
    row, column = np.argwhere(story.masks["propagated"][story.corrected]).mean(axis=0)
    page.strokes([[screen.point(row - 8, column - 8), screen.point(row + 8, column + 8)]])
    keep.picture("6-erased")
    keep.file("erased")
    page.propagate()
    keep.picture("7-again")
    keep.file("again")
    page.undo()
    page.rest()
    keep.picture("8-undone")
    keep.file("undone")


class _Keeper:
    """Keeps pictures, words and downloads of the steps."""

    def __init__(self, page: PageByMouse, downloads: Path, story: Story) -> None:
        self._page, self._downloads, self._story = page, downloads, story

    def picture(self, name: str) -> None:
        self._page.picture(name)
        self._story.words[name] = self._page.words()

    def file(self, step: str) -> None:
        """Download the label map."""
        file = self._page.download("Label map (.nii.gz)", self._downloads)
        image = sitk.ReadImage(str(file))
        file.unlink()
        self._story.grids[step] = image
        self._story.masks[step] = sitk.GetArrayFromImage(image) > 0


def _addresses(driver: Any) -> list[str]:
    import json

    messages = [json.loads(each["message"])["message"] for each in driver.get_log("performance")]
    return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / max(1, one.sum() + other.sum()))


def test_a_dragged_circle_lies_where_the_mouse_drew_it(story: Story) -> None:
    drawn = story.masks["circle"]
    assert np.flatnonzero(drawn.any(axis=(1, 2))).tolist() == [story.index]
    middle = np.argwhere(story.truth[story.index]).mean(axis=0)
    distances = np.linalg.norm(np.argwhere(drawn[story.index]) - middle, axis=1)
    brush = BRUSH_MM / story.image.GetSpacing()[0] / 2
    # The page takes in fewer points than the mouse goes over: corners may be cut a little.
    assert distances.min() > 20 - brush - 5 and distances.max() < 20 + brush + 2


def test_strokes_paint_the_liver_on_its_largest_slice(story: Story) -> None:
    assert dice(story.masks["painted"][story.index], story.truth[story.index]) > 0.9


@pytest.mark.parametrize("step", ["painted", "propagated", "undone"])
def test_what_is_downloaded_lies_on_the_grid_of_the_file_that_was_opened(story: Story, step: str) -> None:
    grid, image = story.grids[step], story.image
    assert grid.GetSize() == image.GetSize()
    for name in ("GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(grid, name)() == pytest.approx(getattr(image, name)(), abs=1e-5)


def test_the_liver_is_found_and_the_painted_slice_stays_as_it_was_painted(story: Story) -> None:
    painted, propagated = story.masks["painted"], story.masks["propagated"]
    assert np.array_equal(painted[story.index], propagated[story.index])
    assert dice(propagated, story.truth) > 0.7
    assert "slices from 1 of yours" in story.words["4-propagated"]


def test_the_next_slice_is_named_with_its_reason(story: Story) -> None:
    assert f"Next: slice {story.corrected}." in story.words["5-next"]
    assert story.corrected != story.index


def test_erasing_changes_the_shown_slice_only_and_the_next_propagation_keeps_that(story: Story) -> None:
    propagated, erased, again = (story.masks[name] for name in ("propagated", "erased", "again"))
    changed = np.flatnonzero((propagated != erased).any(axis=(1, 2)))
    assert changed.tolist() == [story.corrected]
    assert np.array_equal(again[story.corrected], erased[story.corrected])
    assert np.array_equal(again[story.index], erased[story.index])
    assert (again != erased).any()
    assert "slices from 2 of yours" in story.words["7-again"]


def test_undo_takes_the_second_propagation_back_and_nothing_else(story: Story) -> None:
    assert np.array_equal(story.masks["undone"], story.masks["erased"])


def test_the_page_asks_nobody_but_its_own_server(story: Story) -> None:
    outside = [each for each in story.asked if not each.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    own = [each for each in outside if not each.startswith(("chrome://", "ws://127.0.0.1:"))]
    assert own == []
    assert len(story.asked) > 5


def test_the_browser_has_nothing_to_complain_about(story: Story) -> None:
    # Before it connects the page asks for a launcher, which is not there.
    errors = [each for each in story.messages if each["level"] == "SEVERE" and "/paraview/" not in each["message"]]
    assert errors == []
