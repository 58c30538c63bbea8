"""The page's session, driven without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from browser.page_visitor import Visitor

pytest.importorskip("trame_slicer", reason="the page needs .venv-browser: Testing/setup --browser")

SHAPE = (48, 160, 176)
MIDDLE = 24


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    shared = tmp_path_factory.mktemp("shared")
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5, 6), np.int16)), str(shared / "small.nii.gz"))
    (shared / "text.nii.gz").write_text("this is no volume")
    visitor = Visitor(tmp_path_factory.mktemp("session"), shared)
    yield visitor
    visitor.close()


@pytest.fixture
def page(visitor: Visitor) -> Visitor:
    """The sample is open and nothing is painted."""
    visitor.open_sample()
    return visitor


def disc(index: int = MIDDLE, j: int = 70, i: int = 58, radius: int = 20) -> np.ndarray:
    where = np.zeros(SHAPE, bool)
    rows, columns = np.indices(SHAPE[1:])
    where[index] = (rows - j) ** 2 + (columns - i) ** 2 < radius**2
    return where


def test_an_opened_volume_is_shown_with_one_empty_segment_and_nothing_to_undo(page: Visitor) -> None:
    assert page["volume_name"] == "Sample (made up)"
    assert page["volume_words"] == "176 x 160 x 48, 1.6 x 1.6 x 3 mm"
    assert [each["name"] for each in page["segments"]] == ["Segment 1"]
    assert not page["can_undo"] and not page["is_open_dialog"]
    assert page["timeline"]["count"] == 0


def test_a_painted_slice_spreads_and_stays_as_it_was_painted(page: Visitor) -> None:
    page.paint(disc())
    assert page["timeline"]["anchors"] == [{"x": MIDDLE, "kind": "drawn"}]
    page.propagate()
    drawn = page.drawn()
    assert np.array_equal(drawn[MIDDLE], disc()[MIDDLE])
    assert drawn.any(axis=(1, 2)).sum() > 10
    assert "slices from 1 of yours" in page["status"]
    assert page["error"] == ""


def test_the_next_slice_is_recommended_with_its_reason_and_shown(page: Visitor) -> None:
    page.paint(disc())
    page.propagate()
    page.until(lambda: page["timeline"]["recommended"] >= 0)
    assert page["reason"].startswith(f"Next: slice {page['timeline']['recommended']}.")
    page.session.key("n")
    page.settle()
    assert page["shown_slice"] == page["timeline"]["recommended"]


def test_undo_takes_back_the_propagation_first_and_then_the_stroke(page: Visitor) -> None:
    page.paint(disc())
    page.propagate()
    spread = page.drawn()
    page.session.key("ctrl+z")
    page.settle()
    assert np.array_equal(page.drawn(), disc())
    page.session.key("ctrl+z")
    page.settle()
    assert not page.drawn().any() and page["can_redo"]
    page.session.key("ctrl+y")
    page.session.key("ctrl+y")
    page.settle()
    assert np.array_equal(page.drawn(), spread)


def test_a_propagation_that_was_taken_back_leaves_no_anchors_of_its_own(page: Visitor) -> None:
    page.paint(disc())
    page.propagate()
    page.session.key("ctrl+z")
    page.settle()
    assert page["timeline"]["anchors"] == [{"x": MIDDLE, "kind": "drawn"}]


def test_cancelling_changes_nothing(page: Visitor) -> None:
    page.paint(disc())
    page.session.propagating.begin()
    page.session.key("escape")
    page.until(lambda: not page["is_running"])
    assert np.array_equal(page.drawn(), disc())
    assert page["status"] == "Cancelled: nothing was changed."


def test_slices_are_accepted_released_and_cut_off(page: Visitor) -> None:
    page.paint(disc())
    page.propagate()
    page.session.go_to(30)
    page.session.key("a")
    page.settle()
    assert {"x": 30, "kind": "accepted"} in page["timeline"]["anchors"]
    assert page["offers"]["release"]
    page.session.slices.release()
    page.settle()
    assert {"x": 30, "kind": "accepted"} not in page["timeline"]["anchors"]
    page.session.slices.stop_here()
    page.settle()
    assert page["timeline"]["hatched"] == [{"x": 30, "w": 18}]
    assert not page.drawn()[30:].any()
    page.session.slices.clear_limits()
    page.settle()
    assert page["timeline"]["hatched"] == []


def test_only_the_slices_of_the_range_change(page: Visitor) -> None:
    page.paint(disc())
    page.set(is_ranged=True, range_first=20, range_last=28)
    page.propagate()
    assert set(np.flatnonzero(page.drawn().any(axis=(1, 2)))) <= set(range(20, 29))


def test_segments_are_added_renamed_recoloured_hidden_and_deleted(page: Visitor) -> None:
    editing = page.session.editing
    editing.add_segment()
    first, second = (each["id"] for each in page["segments"])
    assert page["selected_segment"] == second
    editing.rename(second, " Kidney ")
    editing.recolour(second, "#0080ff")
    editing.set_visible(second, False)
    assert page["segments"][1] == {"id": second, "name": "Kidney", "colour": "#0080ff", "visible": False}
    editing.rename(second, "  ")
    assert page["segments"][1]["name"] == "Kidney"
    editing.delete(second)
    assert [each["id"] for each in page["segments"]] == [first]
    editing.undo()
    assert [each["name"] for each in page["segments"]] == ["Segment 1", "Kidney"]


def test_the_brush_paints_only_the_chosen_intensities(page: Visitor) -> None:
    low, high = page["mask_limits"]
    assert low < -900 and high > 250
    page.set(is_masked=True, mask_range=[250, high])
    page.paint(disc(j=122, i=88, radius=30))
    inside = page.drawn()
    assert inside.any()
    from Sli2VolSlicerLib.scene.grid import volume_voxels

    assert volume_voxels(page.session.desk.volume)[inside].min() >= 250


def test_islands_are_taken_away(page: Visitor) -> None:
    page.paint(disc() | disc(j=100, i=150, radius=6))
    page.session.editing.keep_largest_island()
    page.settle()
    assert np.array_equal(page.drawn(), disc())
    page.session.editing.undo()
    page.settle()
    assert np.array_equal(page.drawn(), disc() | disc(j=100, i=150, radius=6))


def test_the_confidence_is_laid_over_the_views_and_taken_away(page: Visitor) -> None:
    from Sli2VolSlicerLib.scene.overlay import is_overlay_shown

    page.paint(disc())
    page.propagate()
    page.set(show_confidence=True)
    page.settle()
    assert is_overlay_shown(page.session.views.scene)
    page.set(show_confidence=False)
    page.settle()
    assert not is_overlay_shown(page.session.views.scene)


def test_surfaces_are_shown_on_demand(page: Visitor) -> None:
    from Sli2VolSlicerLib.scene.surface import has_surface

    page.paint(disc())
    assert not has_surface(page.session.desk.segmentation)
    page.set(show_3d=True)
    assert has_surface(page.session.desk.segmentation)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.nii.gz", "damaged or truncated"),
        ("../outside.nii.gz", "'..'"),
        ("none.nii.gz", "There is no 'none.nii.gz'"),
    ],
)
def test_a_refused_file_is_told_and_the_open_volume_stays(page: Visitor, name: str, words: str) -> None:
    page.paint(disc())
    page.do(page.session.open_shared(name))
    assert words in page["error"] and page["is_error"]
    assert page["volume_name"] == "Sample (made up)" and page["opening"] == ""
    assert np.array_equal(page.drawn(), disc())


def test_of_several_volumes_in_the_folder_none_is_opened_by_itself(page: Visitor) -> None:
    page.do(page.session.open_only())
    assert page["volume_name"] == "Sample (made up)"


def test_the_large_3d_view_shows_the_segments(page: Visitor) -> None:
    page.paint(disc())
    page.set(layout="3D")
    assert page["show_3d"]
    page.set(layout="Axial")


def test_another_volume_takes_the_place_of_the_first(page: Visitor) -> None:
    page.paint(disc())
    page.do(page.session.open_shared("small.nii.gz"))
    page.settle()
    assert page["volume_name"] == "small" and page["timeline"]["count"] == 0
    scene = page.session.views.scene
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_the_label_map_lies_on_the_volumes_grid(page: Visitor) -> None:
    page.paint(disc())
    page.session.download("nii.gz")
    image = sitk.ReadImage(str(page.folder / "out" / page["download"]["name"]))
    assert np.array_equal(sitk.GetArrayFromImage(image), disc().astype(np.uint8))
    assert image.GetSpacing() == pytest.approx((1.6, 1.6, 3.0))
    assert image.GetOrigin() == pytest.approx((-140.0, -128.0, -72.0))


@pytest.mark.parametrize("kind", ["seg.nrrd", "stl"])
def test_segmentation_and_surface_are_downloaded(page: Visitor, kind: str) -> None:
    page.paint(disc())
    page.session.download(kind)
    file: Path = page.folder / "out" / page["download"]["name"]
    assert file.name.endswith(kind) and file.stat().st_size > 500
    assert page["error"] == ""


def test_where_nothing_is_painted_there_is_nothing_to_download_or_propagate(page: Visitor) -> None:
    page.session.download("nii.gz")
    assert page["error"] == "Nothing is painted yet: there is nothing to download."
    page.session.propagating.press()
    assert not page["is_running"] and page["is_error"]


def test_unknown_keys_do_nothing(page: Visitor) -> None:
    page.session.key("q")
    assert page["error"] == ""
