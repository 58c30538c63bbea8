"""What the page does not take it refuses with a sentence, and nothing is lost: seen in a real browser."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("trame_slicer", reason="the page needs .venv-browser: Testing/setup --browser")
pytest.importorskip("selenium", reason="the page needs .venv-browser: Testing/setup --browser")

from browser.chromium import chromium, served
from browser.page_by_mouse import PageByMouse
from selenium.webdriver.common.by import By

pytestmark = pytest.mark.slow

LIMIT_MB = 2
ALERT = ".v-snackbar [role=alert]"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder to serve, and one outside it."""
    shared, outside = tmp_path_factory.mktemp("shared"), tmp_path_factory.mktemp("outside")
    volume = np.random.default_rng(1).integers(0, 200, (6, 20, 24)).astype(np.int16)
    for path in (shared / "good.nii.gz", shared / "better.nii.gz", outside / "secret.nii.gz"):
        sitk.WriteImage(sitk.GetImageFromArray(volume), str(path))
    (shared / "link.nii.gz").symlink_to(outside / "secret.nii.gz")
    (outside / "text.nii.gz").write_text("Dear colleague,\nplease find the scan attached.\n")
    content = (shared / "good.nii.gz").read_bytes()
    (outside / "truncated.nii.gz").write_bytes(content[: len(content) // 2])
    sitk.WriteImage(
        sitk.GetImageFromArray(np.zeros((3, 4, 5, 6), np.int16), isVector=False), str(outside / "four.nii.gz")
    )
    sitk.WriteImage(
        sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True), str(outside / "rgb.nii.gz")
    )
    (outside / "large.nrrd").write_bytes(bytes(int(LIMIT_MB * 1.2e6)))
    return shared, outside


@pytest.fixture(scope="module")
def page(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageByMouse]:
    """A page on a volume of the folder."""
    options = ["--folder", str(folders[0]), "--upload-limit", str(LIMIT_MB), "--token"]
    with served(*options) as (_, address), chromium(tmp_path_factory.mktemp("chromium")) as driver:
        page = PageByMouse(driver)
        page.open(address)
        page.until(lambda: page["folder_names"])
        page.click_words("good.nii.gz")
        page.until(lambda: page["volume_name"] == "good")
        yield page


@pytest.fixture
def dialog(page: PageByMouse) -> PageByMouse:
    """The dialog in which volumes are opened."""
    if page["is_error"]:
        page.driver.execute_script("trame.state.set('is_error', false)")
    if not page["is_open_dialog"]:
        page.press("Open")
    page.until(lambda: page.driver.find_elements(By.ID, "sli2vol-files"))
    return page


def refusal_of(page: PageByMouse) -> str:
    """The sentence that the page shows; the volume that was open still is."""
    page.until(lambda: page["is_error"] and page.driver.find_elements(By.CSS_SELECTOR, ALERT))
    page.until(lambda: page.driver.find_element(By.CSS_SELECTOR, ALERT).text)
    assert page["volume_name"] == "good" and page["opening"] == ""
    return str(page.driver.find_element(By.CSS_SELECTOR, ALERT).text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.nii.gz", "The file text.nii.gz is damaged or truncated"),
        ("truncated.nii.gz", "truncated.nii.gz is damaged or truncated"),
        ("four.nii.gz", "four.nii.gz has 4 dimensions"),
        ("rgb.nii.gz", "several values per voxel (3"),
        ("large.nrrd", f"The upload is larger than {LIMIT_MB} MB, the limit of this server."),
    ],
)
def test_an_upload_that_is_no_volume_is_refused_on_the_page(
    dialog: PageByMouse, folders: tuple[Path, Path], name: str, words: str
) -> None:
    dialog.driver.find_element(By.ID, "sli2vol-files").send_keys(str(folders[1] / name))
    assert words in refusal_of(dialog)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../outside0/secret.nii.gz", "leads out of the shared folder by '..'"),
        ("/etc/passwd", "is not a name within the shared folder"),
        ("link.nii.gz", "leads out of the shared folder by a symbolic link"),
    ],
)
def test_a_page_that_was_tampered_with_opens_nothing_outside_the_folder(
    dialog: PageByMouse, name: str, words: str
) -> None:
    assert "link.nii.gz" not in dialog["folder_names"]
    dialog.driver.execute_script("trame.state.set('folder_names', [arguments[0]])", name)
    dialog.click_words(name)
    assert words in refusal_of(dialog)


def test_an_upload_is_opened_by_its_own_name_only(dialog: PageByMouse) -> None:
    dialog.driver.execute_script("trame.trigger('sli2vol_open_upload', ['uploads/../../../secret.nii.gz'])")
    assert "leads out" in refusal_of(dialog)


def test_a_good_upload_takes_the_place_of_the_open_volume(page: PageByMouse, folders: tuple[Path, Path]) -> None:
    page.driver.execute_script("trame.state.update({ is_error: false, is_open_dialog: true })")
    page.until(lambda: page.driver.find_elements(By.ID, "sli2vol-files"))
    page.driver.find_element(By.ID, "sli2vol-files").send_keys(str(folders[0] / "better.nii.gz"))
    page.until(lambda: page["volume_name"] == "better")
    assert not page["is_error"] and not page["is_open_dialog"]


def test_a_second_tab_of_the_same_session_is_refused_and_the_first_goes_on(page: PageByMouse) -> None:
    driver, first = page.driver, page.driver.current_window_handle
    address = driver.current_url
    driver.switch_to.new_window("tab")
    driver.get(address)
    assert "This session belongs to another tab" in page.words()
    driver.close()
    driver.switch_to.window(first)
    page.press("Add segment")
    page.until(lambda: len(page["segments"]) == 2)


@pytest.mark.parametrize("where", ["", "ws", "download/secret.nii.gz"])
def test_a_second_user_of_the_same_session_is_refused(page: PageByMouse, where: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(page.driver.current_url + where)
    assert refused.value.code == 403
    assert "This session belongs to another tab" in refused.value.read().decode()


@pytest.mark.parametrize(("query", "title"), [("", "A token is needed"), ("?token=guessed", "Wrong token")])
def test_without_the_token_no_session_is_opened(page: PageByMouse, tmp_path: Path, query: str, title: str) -> None:
    with chromium(tmp_path) as other:
        other.get(page.address.split("?")[0] + query)
        assert title in other.find_element(By.TAG_NAME, "body").text
