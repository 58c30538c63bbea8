"""A session per tab: its page, its websocket, and nobody else's."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from browser.gateways import asynchronous, eventually, visiting


@asynchronous
async def test_the_first_address_leads_to_a_session_of_its_own() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        async with browser.get(address) as response:
            assert await response.text() == f"page of {session.child.process_id}"


@asynchronous
async def test_two_tabs_get_two_processes() -> None:
    async with visiting() as visited, visited.browser() as browser:
        first, _ = await visited.session(browser)
        second, _ = await visited.session(browser)
        assert first.child.process_id != second.child.process_id
        assert first.child.folder != second.child.folder


@asynchronous
async def test_a_spare_process_waits_for_the_next_tab() -> None:
    async with visiting() as visited, visited.browser() as browser:
        await eventually(lambda: len(visited.started) == 1)
        session, _ = await visited.session(browser)
        assert session.child.folder.root == visited.started[0]
        await eventually(lambda: len(visited.started) == 2)


@asynchronous
async def test_requests_are_passed_on_as_they_came_and_without_cookies() -> None:
    async with visiting() as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        async with browser.get(f"{address}a%20b/c.js?v=1&w=%26", headers={"X-Forwarded-For": "1.2.3.4"}) as response:
            told = await response.json()
        assert told["path"] == "/a%20b/c.js?v=1&w=%26"
        assert not {"cookie", "origin", "x-forwarded-for"} & set(told["headers"])


@asynchronous
async def test_cookies_of_the_process_stay_with_it() -> None:
    async with visiting() as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        async with browser.get(address) as response:
            assert "Set-Cookie" not in response.headers


@asynchronous
async def test_the_websocket_is_passed_on_both_ways() -> None:
    async with visiting() as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        async with browser.ws_connect(f"{address}ws") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str(timeout=5) == "hello back"
            large = bytes(range(256)) * 12_000
            await socket.send_bytes(large)
            assert await socket.receive_bytes(timeout=5) == large


@asynchronous
async def test_four_tabs_at_once_do_not_see_each_other() -> None:
    async with visiting() as visited, visited.browser() as browser:

        async def use(what: str) -> str:
            _, address = await visited.session(browser)
            async with browser.ws_connect(f"{address}ws") as socket:
                await socket.send_str(what)
                await socket.receive_str(timeout=5)
                await asyncio.sleep(0.2)
                await socket.send_str("state")
                return await socket.receive_str(timeout=5)

        names = ["liver", "spleen", "kidney", "aorta"]
        assert await asyncio.gather(*(use(name) for name in names)) == names


@asynchronous
async def test_a_second_tab_on_the_same_session_is_refused() -> None:
    async with visiting() as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        async with browser.ws_connect(f"{address}ws") as socket:
            async with browser.get(address) as response:
                assert response.status == 409
                assert "This session belongs to another tab" in await response.text()
            with pytest.raises(aiohttp.WSServerHandshakeError, match="409"):
                await browser.ws_connect(f"{address}ws")
            await socket.send_str("still here")
            assert await socket.receive_str(timeout=5) == "still here back"


@pytest.mark.parametrize("what", ["", "ws", "upload", "download/result.nii.gz"])
@asynchronous
async def test_a_second_user_on_the_same_session_is_refused(what: str) -> None:
    async with visiting() as visited, visited.browser() as browser, visited.browser() as other:
        _, address = await visited.session(browser)
        async with other.get(address + what) as response:
            assert response.status == 403
            assert "This session belongs to another tab" in await response.text()
        async with other.get(address, cookies={"sli2vol_session": "guessed"}) as response:
            assert response.status == 403


@asynchronous
async def test_a_second_user_cannot_upload_into_a_session() -> None:
    async with visiting() as visited, visited.browser() as browser, visited.browser() as other:
        session, address = await visited.session(browser)
        async with other.post(f"{address}upload?name=a.nrrd", data=b"x") as response:
            assert response.status == 403
            assert "another browser" in (await response.json())["error"]
        assert list(session.child.folder.uploads.iterdir()) == []


@asynchronous
async def test_a_page_that_is_loaded_again_keeps_its_session() -> None:
    async with visiting() as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        for word in ("first", "second"):
            async with browser.get(address) as response:
                assert response.status == 200
            async with browser.ws_connect(f"{address}ws") as socket:
                await socket.send_str(word)
                await socket.receive_str(timeout=5)
        async with browser.ws_connect(f"{address}ws") as socket:
            await socket.send_str("state")
            assert await socket.receive_str(timeout=5) == "first second"


@asynchronous
async def test_a_session_too_many_is_refused_and_may_come_later() -> None:
    async with visiting() as visited, visited.browser() as browser:
        sessions = [await visited.session(browser) for _ in range(4)]
        async with browser.get("/") as response:
            assert response.status == 503
            assert "4 sessions are open" in await response.text()
        await visited.gateway.sessions.end(sessions[0][0], "Its page was closed.")
        await visited.session(browser)
        assert len(visited.started) <= 6


@asynchronous
async def test_sessions_asked_for_at_once_are_counted_before_they_are_ready() -> None:
    async with visiting() as visited, visited.browser() as browser:

        async def ask() -> int:
            async with browser.get("/") as response:
                return response.status

        assert sorted(await asyncio.gather(*(ask() for _ in range(7)))) == [200] * 4 + [503] * 3


@asynchronous
async def test_a_process_that_ends_at_once_is_told_on_the_page() -> None:
    async with visiting("ends at once") as visited, visited.browser() as browser, browser.get("/") as response:
        assert response.status == 503
        assert "its process ended with code 1" in await response.text()


@asynchronous
async def test_a_spare_process_that_died_is_replaced() -> None:
    async with visiting("ends at once", "serves") as visited, visited.browser() as browser:
        await visited.session(browser)


@asynchronous
async def test_a_process_that_never_becomes_ready_is_given_up() -> None:
    from Sli2VolSlicerLib.browser.gateway_child import ChildTimes

    times = ChildTimes(ready_s=0.5, leave_s=1)
    async with visiting("never ready", times=times) as visited, visited.browser() as browser:
        async with browser.get("/") as response:
            assert response.status == 503
            assert "not ready after 0.5 s" in await response.text()
        assert [folder for folder in visited.started if folder.exists()] == []


@asynchronous
async def test_the_port_of_a_process_is_of_no_use_without_its_key() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, _ = await visited.session(browser)
        async with browser.get(f"http://127.0.0.1:{session.child.port}/") as response:
            assert response.status == 403


@asynchronous
async def test_the_key_of_a_process_is_not_told_to_the_page() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        async with browser.get(address) as response:
            assert session.child.key not in json.dumps(dict(response.headers)) + await response.text()


@asynchronous
async def test_only_reading_is_passed_on() -> None:
    async with visiting() as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        async with browser.post(f"{address}paraview/", data=b"{}") as response:
            assert response.status == 405
            assert response.content_type == "text/plain"
