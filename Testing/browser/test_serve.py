"""`sli2vol serve` as a whole."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser.gateways import STAND_IN

from Sli2VolSlicerLib.commands import serve as command
from Sli2VolSlicerLib.commands.main import main

SERVE = """
import asyncio, sys
from Sli2VolSlicerLib.browser.serving import ServeOptions, serve
options = ServeOptions(host=sys.argv[1], port=0)
stand_in = lambda directory: [sys.executable, sys.argv[2], "serves", "--directory", str(directory)]
asyncio.run(serve(options, lambda address: print(address, flush=True), stand_in))
"""


@contextmanager
def served(host: str, temporary: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and the address that it tells."""
    environment = {"TMPDIR": str(temporary)}
    line = [sys.executable, "-c", SERVE, host, str(STAND_IN)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def status_of(address: str) -> int:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    try:
        with opener.open(address, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_asked_to_end_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with served("127.0.0.1", tmp_path) as (process, address):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        assert status_of(address) == 200
        assert len(list(tmp_path.glob("sli2vol-sessions-*/session-*"))) >= 1
        process.send_signal(number)
        assert process.wait(20) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_killed_leaves_no_uploads(tmp_path: Path) -> None:
    with served("127.0.0.1", tmp_path) as (process, address):
        assert status_of(address) == 200
        process.kill()
        until = time.monotonic() + 20
        while list(tmp_path.glob("sli2vol-sessions-*/*")):
            assert time.monotonic() < until
            time.sleep(0.05)


def test_on_other_addresses_a_token_is_asked_for(tmp_path: Path) -> None:
    with served("0.0.0.0", tmp_path) as (_, address):
        assert re.fullmatch(r"http://0\.0\.0\.0:\d+/\?token=[\w-]{32}", address)
        local = address.replace("0.0.0.0", "127.0.0.1")
        assert status_of(local) == 200
        assert status_of(local.split("?")[0]) == 403
        assert status_of(local[:-1]) == 403


def test_the_gateway_itself_loads_neither_slicer_nor_torch() -> None:
    code = "import sys, Sli2VolSlicerLib.browser.serving; sys.exit(bool({'slicer', 'torch', 'vtk'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "trame" else object())
    assert main(["serve"]) == 2
    assert "(trame): pip install .[browser]" in capsys.readouterr().err


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: object())
    monkeypatch.setattr(command, "find_library", lambda name: f"lib{name}.so")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system draws")
@pytest.mark.usefixtures("installed")
def test_a_computer_that_cannot_draw_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(command, "find_library", lambda name: None)
    assert main(["serve"]) == 2
    assert "apt-get install libegl1 libgl1-mesa-dri, or libosmesa6" in capsys.readouterr().err


@pytest.mark.usefixtures("installed")
def test_a_missing_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--folder", str(tmp_path / "none")]) == 2
    assert f"There is no folder {tmp_path / 'none'}" in capsys.readouterr().err


@pytest.mark.usefixtures("installed")
def test_a_port_in_use_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--port", "70000"], ["--sessions", "0"], ["--upload-limit", "-1"], ["--idle-minutes", "nan"]]
)
def test_numbers_out_of_range_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", *arguments])
    assert caught.value.code == 2
    assert f"argument {arguments[0]}" in capsys.readouterr().err
