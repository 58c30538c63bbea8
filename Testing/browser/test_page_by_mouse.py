"""The hand that drives the browser takes a download for finished only when it is."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="the page needs .venv-browser: Testing/setup --browser")

from browser.page_by_mouse import finished_download


def test_a_download_is_finished_when_the_browser_has_moved_it_over_the_name_it_held(tmp_path: Path) -> None:
    (tmp_path / "earlier.nrrd").write_bytes(b"earlier")
    before = set(tmp_path.iterdir())
    assert finished_download(tmp_path, before) is None

    held, written = tmp_path / "result.nii.gz", tmp_path / "Unconfirmed 1.crdownload"
    held.touch()
    assert finished_download(tmp_path, before) is None
    written.write_bytes(b"result")
    assert finished_download(tmp_path, before) is None

    written.replace(held)
    assert finished_download(tmp_path, before) == held


def test_a_file_that_is_still_being_written_is_no_download_yet(tmp_path: Path) -> None:
    (tmp_path / ".com.google.Chrome.1").write_bytes(b"result")
    assert finished_download(tmp_path, set()) is None
    (tmp_path / ".com.google.Chrome.1").replace(tmp_path / "Unconfirmed 1.crdownload")
    assert finished_download(tmp_path, set()) is None
