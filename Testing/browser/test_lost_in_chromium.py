"""A page whose session is over says why; one that lost its connection only comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

pytest.importorskip("trame_slicer", reason="the page needs .venv-browser: Testing/setup --browser")
pytest.importorskip("selenium", reason="the page needs .venv-browser: Testing/setup --browser")

from browser.chromium import chromium, served
from browser.page_by_mouse import PageByMouse
from browser.processes import children_of
from selenium.webdriver.common.by import By

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageByMouse]:
    """A tab of a browser."""
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield PageByMouse(driver)


def told(page: PageByMouse) -> str:
    """What lies over the page when its connection is lost."""
    page.until(lambda: page.driver.find_elements(By.ID, "sli2vol-lost"), 20)
    return str(page.driver.find_element(By.ID, "sli2vol-lost").text)


def test_a_reload_gives_the_open_volume_back(page: PageByMouse) -> None:
    with served() as (_, address):
        page.open(address)
        page.press("Sample")
        page.until(lambda: page["volume_name"])
        page.open(page.driver.current_url)
        assert page["volume_name"] == "Sample (made up)"
        page.press("Add segment")
        page.until(lambda: len(page["segments"]) == 2)


def test_a_page_whose_process_died_says_so_and_leads_on(page: PageByMouse) -> None:
    with served() as (server, address):
        page.open(address)
        for process in children_of(server):
            os.kill(process, signal.SIGKILL)
        words = told(page)
        assert "Its process stopped unexpectedly" in words
        assert "Open a new session" in words


def test_a_page_whose_server_was_stopped_says_so(page: PageByMouse) -> None:
    with served() as (server, address):
        page.open(address)
        os.kill(server, signal.SIGTERM)
        words = told(page)
        assert "The server was stopped." in words or "The server does not answer" in words
