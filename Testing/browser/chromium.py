"""A real browser without a window, and a real server for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SIZE = (1366, 768)
"""A small laptop's screen."""

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_DRIVERS = ("chromedriver", "chromium.chromedriver")
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


def found_chromium() -> tuple[str, str]:
    """The browser and its driver.

    Skips the test where there is none, except under CI=true, where that is a failure.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    driver = next(filter(None, map(shutil.which, _DRIVERS)), None)
    if browser is None or driver is None:
        msg = "These tests need Chromium and its driver (on Debian: apt-get install chromium chromium-driver)."
        if os.environ.get("CI") == "true":
            pytest.fail(msg)
        pytest.skip(msg)
    return browser, driver


@contextmanager
def chromium(folder: Path) -> Iterator[Any]:
    """A selenium driver of a browser that knows nothing of earlier ones.

    Args:
        folder: an empty one; what is downloaded lies in `downloads` in it.
    """
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    browser, driver_path = found_chromium()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in (*_QUIET, f"--window-size={SIZE[0]},{SIZE[1]}", f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    (folder / "downloads").mkdir(parents=True)
    options.add_experimental_option(
        "prefs", {"download.default_directory": str(folder / "downloads"), "download.prompt_for_download": False}
    )
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    try:
        # The window has a frame even where nobody sees it: the page shall have the size.
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": False},
        )
        driver.set_script_timeout(30)
        yield driver
    finally:
        driver.quit()


COMMAND = (sys.executable, "-m", "Sli2VolSlicerLib.commands.main", "serve", "--port", "0", "--device", "cpu")
"""`sli2vol serve` on a free port of this computer."""


@contextmanager
def served(*arguments: str, line: Sequence[str] = COMMAND) -> Iterator[tuple[int, str]]:
    """A server in a process of its own.

    Args:
        arguments: of the command, besides the usual ones.
        line: its command line; it prints "Open" and the address of a new session.

    Yields:
        Its process ID, and the address.
    """
    process = subprocess.Popen([*line, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        words = process.stdout.readline().split()
        assert words[:1] == ["Open"], "the server did not start"
        yield process.pid, words[1]
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
