"""A user of the page in a real browser: mouse and keys only; what the page shows is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

_SCREEN_PAUSE_S = 0.02
_HAND_S = 0.04
"""How long a hand takes from one point of a stroke to the next."""

_VIEWS = "main img.image-display-area"

_Something = TypeVar("_Something")


@dataclass(frozen=True)
class Screen:
    """Where the axial view shows a slice after "Show all": the volume fills the view, and keeps its shape.

    Attributes:
        centre: of the view in the page's pixels, x and y.
        pixels_per_voxel: of the slice's columns and rows.
        shape: rows and columns of the slice.
    """

    centre: tuple[float, float]
    pixels_per_voxel: tuple[float, float]
    shape: tuple[int, int]

    def point(self, row: float, column: float) -> tuple[int, int]:
        """The middle of a voxel, in the page's pixels."""
        x = self.centre[0] + (column + 0.5 - self.shape[1] / 2) * self.pixels_per_voxel[0]
        y = self.centre[1] + (row + 0.5 - self.shape[0] / 2) * self.pixels_per_voxel[1]
        return round(x), round(y)


class PageByMouse:
    """One tab.

    Args:
        driver: selenium's.
        pictures: where pictures of the page go; None for none.

    Attributes:
        address: that was opened.
    """

    def __init__(self, driver: Any, pictures: Path | None = None) -> None:
        self.driver = driver
        self.address = ""
        self._pictures = pictures

    def open(self, address: str) -> None:
        """Go to the page and wait until it stands."""
        self.address = address
        self.driver.get(address)
        self.until(lambda: self.driver.execute_script("return !!(window.trame && trame.state && trame.state.get)"))
        self.until(lambda: self["layouts"] and self._buttons("Open"))

    def __getitem__(self, name: str) -> Any:
        """What the page shows."""
        return self.driver.execute_script("return trame.state.get(arguments[0])", name)

    def until(self, holds: Callable[[], _Something | None], seconds: float = 60.0) -> _Something:
        """Wait for something, and have it."""
        end = time.monotonic() + seconds
        while not (came := holds()):
            assert time.monotonic() < end, f"it never came; the page says: {self.words()}"
            time.sleep(_SCREEN_PAUSE_S)
        return came

    def words(self) -> str:
        """All that can be read."""
        return str(self.driver.find_element(By.TAG_NAME, "body").text)

    def picture(self, name: str) -> None:
        """Keep a picture of the page."""
        if self._pictures is not None:
            self._pictures.mkdir(parents=True, exist_ok=True)
            time.sleep(0.8)  # the views draw once more, and finer, when nothing has changed for a while
            self.driver.save_screenshot(str(self._pictures / f"{name}.png"))

    # Buttons and keys.

    def press(self, words: str) -> None:
        """Click a button as soon as it can be seen and is on; it says so, or its tool tip does."""
        self.until(lambda: any(each.is_enabled() for each in self._buttons(words)))
        self._actions().move_to_element(self._buttons(words)[0]).click().perform()

    def _buttons(self, words: str) -> list[Any]:
        path = f"//button[normalize-space(.)='{words}' or .//span[normalize-space(.)='{words}'] or @title='{words}']"
        return [each for each in self.driver.find_elements(By.XPATH, path) if each.is_displayed()]

    def click_words(self, words: str) -> None:
        """Click an entry of a list or menu."""
        path = f"//*[contains(@class, 'v-list-item') and normalize-space(.)='{words}']"
        self.until(lambda: [each for each in self.driver.find_elements(By.XPATH, path) if each.is_displayed()])
        time.sleep(0.3)  # lists unfold
        self._actions().move_to_element(self.driver.find_element(By.XPATH, path)).click().perform()

    def key(self, *keys: str) -> None:
        """Press keys together."""
        *held, last = keys
        actions = self._actions()
        for key in held:
            actions.key_down(key)
        actions.send_keys(last)
        for key in held:
            actions.key_up(key)
        actions.perform()

    def undo(self) -> None:
        """Ctrl+Z."""
        self.key(Keys.CONTROL, "z")

    def propagate(self) -> None:
        """Click Propagate and wait for its end."""
        self.press("Propagate")
        self.until(lambda: self["is_running"])
        self.until(lambda: not self["is_running"], 180)

    def download(self, words: str, folder: Path) -> Path:
        """Choose something out of the menu of downloads, and wait for the file.

        Args:
            words: of the menu.
            folder: where the browser puts it, and nothing else; another file of that name must not be there.
        """
        before = set(folder.iterdir())
        self.press("Download")
        self.click_words(words)
        file = self.until(lambda: finished_download(folder, before))
        self.rest(0.3)
        return file

    # The axial view.

    def screen(self, shape: tuple[int, int], spacing: tuple[float, float]) -> Screen:
        """Where the axial view shows a slice.

        Args:
            shape: rows and columns.
            spacing: of rows and columns in millimetres.
        """
        self.rest()  # until then the views may change their size
        box = self.driver.execute_script(
            "const box = arguments[0].getBoundingClientRect(); return [box.left, box.top, box.width, box.height]",
            self._axial_view(),
        )
        scale = min(box[2] / (shape[1] * spacing[1]), box[3] / (shape[0] * spacing[0]))
        centre = box[0] + box[2] / 2, box[1] + box[3] / 2
        return Screen(centre, (scale * spacing[1], scale * spacing[0]), shape)

    def _axial_view(self) -> Any:
        """The largest picture of a view, once all have come; until then they have no size."""

        def areas() -> list[tuple[float, Any]]:
            images = self.driver.find_elements(By.CSS_SELECTOR, _VIEWS)
            return [(each.size["width"] * each.size["height"], each) for each in images]

        self.until(lambda: sum(area > 0 for area, _ in areas()) >= 4)
        return max(areas(), key=lambda each: each[0])[1]

    def scroll_to(self, index: int, screen: Screen) -> None:
        """Turn the wheel over the axial view until it shows a slice."""
        x, y = (int(value) for value in screen.centre)
        origin = ScrollOrigin.from_viewport(x, y)
        for attempt in range(30):
            shown = self.shown_slice()
            step = index - shown
            if step == 0:
                return
            actions = self._actions()
            # Where the machine is busy the view follows late: smaller steps, and more patience.
            for _ in range(min(10 if attempt < 10 else 1, abs(step))):
                actions.scroll_from_origin(origin, 0, -120 if step > 0 else 120)
            actions.perform()
            self._until_moved(shown, 5.0)
            self._until_still(0.4 + 0.1 * attempt)
        raise AssertionError(f"slice {index} was not reached")

    def _until_moved(self, shown: int, longest_s: float) -> None:
        """Wait until the axial view shows another slice, but not for ever: it may have been at its end."""
        began = time.monotonic()
        while self.shown_slice() == shown and time.monotonic() - began < longest_s:
            time.sleep(_SCREEN_PAUSE_S)

    def _until_still(self, moment_s: float) -> None:
        """Wait until the axial view has stayed where it is for a moment."""
        shown, since = self.shown_slice(), time.monotonic()
        while time.monotonic() - since < moment_s:
            if self.shown_slice() != shown:
                shown, since = self.shown_slice(), time.monotonic()
            time.sleep(_SCREEN_PAUSE_S)

    def shown_slice(self) -> int:
        """The slice of the axial view, counted from below, as its slider tells it."""
        value, least, step = (self[f"Red__SliderState__{name}"] for name in ("value", "min_value", "step"))
        return round((value - least) / step)

    def stroke(self, points: Sequence[tuple[int, int]]) -> None:
        """Press the left button, drag over all points, and let go."""
        actions = self._actions()
        actions.w3c_actions.pointer_action.move_to_location(*points[0])
        actions.w3c_actions.pointer_action.pointer_down()
        for point in points[1:] or [points[0]]:
            actions.w3c_actions.pointer_action.move_to_location(*point)
            actions.w3c_actions.pointer_action.pause(_HAND_S)
        actions.w3c_actions.pointer_action.pointer_up()
        actions.perform()

    def strokes(self, many: Iterable[Sequence[tuple[int, int]]]) -> None:
        """Several strokes, not faster than a hand, until all are shown."""
        for points in many:
            self.stroke(points)
            time.sleep(0.2)
        self.rest()

    def rest(self, seconds: float = 1.0) -> None:
        """Wait until the page looks the same for a while and nothing runs."""
        before, since = "", time.monotonic()
        end = since + 90
        while time.monotonic() - since < seconds:
            assert time.monotonic() < end, f"the page never came to rest; it says: {self.words()}"
            now = self.driver.get_screenshot_as_base64()
            if now != before or self["is_running"]:
                before, since = now, time.monotonic()
            time.sleep(_SCREEN_PAUSE_S)

    def _actions(self) -> ActionChains:
        return ActionChains(self.driver, duration=0)


def finished_download(folder: Path, before: set[Path]) -> Path | None:
    """The file that a download has left, or None while it is under way.

    Chromium holds the name with an empty file, writes another beside it, and moves this over it at the end; so the
    first file of that name says nothing yet.

    Args:
        folder: where the browser puts it.
        before: what lay there before.
    """
    match sorted(set(folder.iterdir()) - before):
        case [file] if not file.name.startswith(".") and file.suffix != ".crdownload" and file.stat().st_size > 0:
            return file
        case _:
            return None


def circle(centre: tuple[float, float], radius: float, screen: Screen) -> list[tuple[int, int]]:
    """Points of a circle around a voxel, in the page's pixels; the radius is in voxels."""
    angles = np.linspace(0, 2 * np.pi, 41)
    rows, columns = centre[0] + radius * np.sin(angles), centre[1] + radius * np.cos(angles)
    return [screen.point(row, column) for row, column in zip(rows, columns, strict=True)]


def strokes_over(where: np.ndarray, brush_voxels: float, screen: Screen) -> list[list[tuple[int, int]]]:
    """Strokes that paint a region as well as a round brush can: along its outline, then to and fro inside.

    Args:
        where: bool (rows, columns).
        brush_voxels: diameter of the brush.
        screen: where the slice is shown.
    """
    from scipy import ndimage
    from skimage import measure

    depth = ndimage.distance_transform_edt(where)
    radius = brush_voxels / 2
    strokes = []
    for outline in measure.find_contours(np.pad(depth, 1), radius):
        strokes.append(
            [screen.point(row - 1, column - 1) for row, column in outline[::2]] + [screen.point(*(outline[0] - 1))]
        )
    inside = depth > radius
    for row in range(0, where.shape[0], max(1, int(radius))):
        labels, count = ndimage.label(inside[row])
        for run in range(1, count + 1):
            columns = np.flatnonzero(labels == run)
            strokes.append([screen.point(row, columns[0]), screen.point(row, columns[-1])])
    return strokes
