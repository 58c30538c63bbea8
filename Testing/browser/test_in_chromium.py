"""A liver, painted and propagated on the page in a real browser, by mouse and keys."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="the page needs .venv-browser: Testing/setup --browser")
pytest.importorskip("selenium", reason="the page needs .venv-browser: Testing/setup --browser")

from browser.story import BRUSH_MM, Story, inner_circle, told

pytestmark = pytest.mark.slow

LIVER = 6


@pytest.fixture(scope="module")
def story(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The whole way, once; the tests look at what came of it. Pictures go to SLI2VOL_SCREENSHOTS, if that is set."""
    pictures = os.environ.get("SLI2VOL_SCREENSHOTS")
    volume = data_folder / "eval" / "sabsCT_01_img.nii.gz"
    return told(volume, LIVER, tmp_path_factory.mktemp("story"), Path(pictures) / "browser" if pictures else None)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / max(1, one.sum() + other.sum()))


def test_a_dragged_circle_lies_where_the_mouse_drew_it(story: Story) -> None:
    drawn = story.masks["circle"]
    assert np.flatnonzero(drawn.any(axis=(1, 2))).tolist() == [story.index]
    brush = BRUSH_MM / story.image.GetSpacing()[0]
    middle, radius = inner_circle(story.truth[story.index], brush)
    distances = np.linalg.norm(np.argwhere(drawn[story.index]) - np.array(middle), axis=1)
    # The page takes in fewer points than the mouse goes over: corners may be cut a little.
    assert distances.min() > radius - brush / 2 - 5
    assert distances.max() < radius + brush / 2 + 2


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
