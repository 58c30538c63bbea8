"""Sessions end when they are left, idle, dead or stopped, and nothing of them stays."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp
from browser.gateways import QUICK, asynchronous, eventually, is_running, visiting


@asynchronous
async def test_a_session_whose_tab_is_closed_ends_with_its_process_and_files() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        async with browser.ws_connect(f"{address}ws"):
            (session.child.folder.uploads / "of-a-patient.nrrd").write_bytes(b"private")
        await eventually(lambda: not session.child.folder.root.exists())
        assert not is_running(session.child.process_id)
        async with browser.get(address) as response:
            assert response.status == 410
            assert "Its page was closed. Its files were deleted." in await response.text()


@asynchronous
async def test_a_session_whose_page_never_came_ends() -> None:
    async with visiting(limits=replace(QUICK, first_s=0.5)) as visited, visited.browser() as browser:
        session, _ = await visited.session(browser)
        await eventually(lambda: not session.child.folder.root.exists())


@asynchronous
async def test_an_idle_session_ends_though_its_tab_is_open() -> None:
    async with visiting(limits=replace(QUICK, idle_s=0.8)) as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        async with browser.ws_connect(f"{address}ws") as socket:
            message = await socket.receive(timeout=10)
            assert message.type == aiohttp.WSMsgType.CLOSE
            assert "Nothing was done in it" in str(message.extra)
        await eventually(lambda: not session.child.folder.root.exists())


@asynchronous
async def test_a_session_in_use_does_not_end() -> None:
    async with visiting(limits=replace(QUICK, idle_s=1.0)) as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        async with browser.ws_connect(f"{address}ws") as socket:
            for _ in range(8):
                await socket.send_str("a")
                await socket.receive_str(timeout=5)
                await asyncio.sleep(0.25)


@asynchronous
async def test_a_process_that_dies_ends_its_session_and_no_other() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        _, other = await visited.session(browser)
        async with browser.get(f"{address}die") as response:
            assert response.status == 502
        await eventually(lambda: not session.child.folder.root.exists())
        async with browser.get(address) as response:
            assert response.status == 410
            assert "stopped unexpectedly" in await response.text()
        async with browser.get(other) as response:
            assert response.status == 200


@asynchronous
async def test_a_process_that_does_not_leave_is_killed() -> None:
    async with visiting("does not leave") as visited, visited.browser() as browser:
        session, _ = await visited.session(browser)
        await visited.gateway.sessions.end(session, "Its page was closed.")
        assert not is_running(session.child.process_id)
        assert not session.child.folder.root.exists()


@asynchronous
async def test_a_gateway_that_stops_leaves_no_process() -> None:
    async with visiting() as visited, visited.browser() as browser:
        sessions = [(await visited.session(browser))[0] for _ in range(2)]
        await eventually(lambda: len(visited.started) == 3)
        processes = [session.child.process_id for session in sessions]
    assert [process for process in processes if is_running(process)] == []


@asynchronous
async def test_twenty_sessions_one_after_another_leave_nothing() -> None:
    async with visiting() as visited, visited.browser() as browser:
        for _ in range(20):
            session, address = await visited.session(browser)
            async with browser.ws_connect(f"{address}ws"):
                pass
            await visited.gateway.sessions.end(session, "Its page was closed.")
        assert len(visited.gateway.sessions) == 0
        assert sum(folder.exists() for folder in visited.started) <= 1


def test_a_process_does_not_outlive_a_gateway_that_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "session"
    (folder / "uploads").mkdir(parents=True)
    code = (
        "import sys, time; from pathlib import Path; from Sli2VolSlicerLib.browser.tied import end_with_gateway; "
        "end_with_gateway(Path(sys.argv[1])); print('up', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"SLI2VOL_SESSION_KEY": "key"},
    )
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()
    assert not folder.exists()
