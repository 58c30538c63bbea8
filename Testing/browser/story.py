"""What a user does on the page with a real volume: paint, propagate, look, correct, propagate, undo, download."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from browser.chromium import chromium, served
from browser.page_by_mouse import PageByMouse, Screen, circle, strokes_over
from scipy import ndimage

BRUSH_MM = 15.0
_REQUEST = "Network.requestWillBeSent"


@dataclass
class Story:
    """What the browser showed and what was downloaded, bool (k, j, i), step by step.

    Attributes:
        image: that was given.
        truth: the structure.
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


def told(volume: Path, label: int, folder: Path, pictures: Path | None = None, name: str = "volume") -> Story:
    """Serve a volume, open the page in a browser, do it all, and keep what came of it.

    Args:
        volume: `NAME_img.nii.gz`, its axes those of the patient; the truth lies beside it, `NAME_label.nii.gz`.
        label: of the structure.
        folder: an empty one to work in.
        pictures: where pictures of the page go; None for none.
        name: that the page shall show.
    """
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(volume).replace("_img", "_label"))) == label
    story = Story(sitk.ReadImage(str(volume)), truth, int(truth.sum(axis=(1, 2)).argmax()))
    (folder / "shared").mkdir()
    shutil.copy(volume, folder / "shared" / f"{name}.nii.gz")
    with served("--folder", str(folder / "shared")) as (_, address), chromium(folder / "chromium") as driver:
        page = PageByMouse(driver, pictures)
        page.open(address)
        page.until(lambda: page["volume_name"] == name)
        _tell(page, folder / "chromium" / "downloads", story)
        story.messages = driver.get_log("browser")
        events = [json.loads(each["message"])["message"] for each in driver.get_log("performance")]
        story.asked = [each["params"]["request"]["url"] for each in events if each["method"] == _REQUEST]
    return story


def _tell(page: PageByMouse, downloads: Path, story: Story) -> None:
    screen = page.screen(story.truth.shape[1:], story.image.GetSpacing()[1::-1])
    keep = _Keeper(page, downloads, story)
    page.scroll_to(story.index, screen)
    keep.picture("1-opened")
    page.press("Paint")
    middle, radius = inner_circle(story.truth[story.index], BRUSH_MM / story.image.GetSpacing()[0])
    page.strokes([circle(middle, radius, screen)])
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
    page.strokes([wrong_part(story.masks["propagated"], story, screen)])
    keep.picture("6-erased")
    keep.file("erased")
    page.propagate()
    keep.picture("7-again")
    keep.file("again")
    page.undo()
    page.rest()
    keep.picture("8-undone")
    keep.file("undone")


def inner_circle(where: np.ndarray, brush_voxels: float) -> tuple[tuple[float, float], float]:
    """Middle (row, column) and radius, in voxels, of a circle that a brush can go round within a region."""
    depth = ndimage.distance_transform_edt(where)
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    return (float(row), float(column)), min(20.0, float(depth.max()) - brush_voxels / 2)


def wrong_part(found: np.ndarray, story: Story, screen: Screen) -> list[tuple[int, int]]:
    """A stroke through the middle of what is found beyond the structure, as far up and down as that reaches."""
    wrong = found[story.corrected] & ~story.truth[story.corrected]
    depth = ndimage.distance_transform_edt(wrong)
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    rows = np.flatnonzero(wrong[:, column] & (abs(np.arange(len(wrong)) - row) < 20))
    return [screen.point(rows[0], column), screen.point(row, column), screen.point(rows[-1], column)]


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
