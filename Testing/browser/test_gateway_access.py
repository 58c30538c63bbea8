"""Who may talk to the gateway, and what browsers are told."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from browser.gateways import Visited, asynchronous, visiting

from Sli2VolSlicerLib.browser.gateway_access import Access, is_loopback

OPEN = Access("0.0.0.0", token="a-long-token")


async def status_of(visited: Visited, path: str = "/", **headers: str) -> int:
    """What a new browser is answered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with visited.browser() as browser, browser.get(path, headers=named, allow_redirects=False) as response:
        return response.status


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_computers_own_addresses_are_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "some-computer", ""])
def test_an_address_that_others_reach_is_not_taken_for_our_own(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/?token=a-long-toke", "/?token=%C3%A4"])
@asynchronous
async def test_without_the_right_token_there_is_no_session(path: str) -> None:
    async with visiting(access=OPEN) as visited:
        async with visited.browser() as browser, browser.get(path) as response:
            assert response.status == 403
            assert "must carry the token that was shown when the server was started" in await response.text()
        assert len(visited.gateway.sessions) == 0


@asynchronous
async def test_a_cookie_that_is_no_text_is_a_wrong_one() -> None:
    async with visiting(access=OPEN) as visited:
        reader, writer = await asyncio.open_connection(visited.server.host, visited.server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nCookie: sli2vol_token=\xff\xfe\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 403")
        writer.close()


@asynchronous
async def test_the_right_token_is_kept_in_a_cookie_and_not_in_the_address() -> None:
    async with visiting(access=OPEN) as visited, visited.browser() as browser:
        async with browser.get("/?token=a-long-token") as response:
            assert response.status == 200
            assert "token" not in str(response.url)
        async with browser.get("/") as response:
            assert response.status == 200


@asynchronous
async def test_cookies_are_for_the_browser_only_and_for_our_own_pages_only() -> None:
    async with visiting(access=OPEN) as visited, visited.browser() as browser:
        async with browser.get("/?token=a-long-token", allow_redirects=False) as response:
            address = response.headers["Location"]
            cookies = response.headers.getall("Set-Cookie")
        assert len(cookies) == 2
        assert all("HttpOnly" in cookie and "SameSite=Strict" in cookie for cookie in cookies)
        assert any(f"Path={address}" in cookie for cookie in cookies)


@asynchronous
async def test_on_loopback_a_name_that_was_made_to_point_here_is_refused() -> None:
    async with visiting() as visited:
        assert await status_of(visited, Host="evil.example:8080") == 403
        assert await status_of(visited, Host="localhost:9000") == 303
        assert await status_of(visited, Host="[::1]:8080") == 303


@asynchronous
async def test_another_sites_page_cannot_open_sessions_in_the_background() -> None:
    async with visiting() as visited:
        assert await status_of(visited, Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="image") == 403
        assert await status_of(visited, Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="iframe") == 403
        assert await status_of(visited, Sec_Purpose="prefetch;prerender") == 503
        assert len(visited.gateway.sessions) == 0


@asynchronous
async def test_a_link_on_another_site_leads_on_by_a_page_of_our_own() -> None:
    async with visiting() as visited, visited.browser() as browser:
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}
        async with browser.get("/", headers=headers) as response:
            assert response.status == 200
            assert 'http-equiv="refresh" content="0; url=/s/' in await response.text()


@asynchronous
async def test_another_sites_page_cannot_connect_or_upload() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await browser.ws_connect(f"{address}ws", headers={"Origin": origin})
            async with browser.post(f"{address}upload?name=a", data=b"a", headers={"Origin": origin}) as response:
                assert response.status == 403
        assert list(session.child.folder.uploads.iterdir()) == []


@asynchronous
async def test_our_own_page_can_connect() -> None:
    async with visiting() as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        origin = str(visited.server.make_url("/")).rstrip("/")
        async with browser.ws_connect(f"{address}ws", headers={"Origin": origin}) as socket:
            await socket.send_str("a")
            assert await socket.receive_str(timeout=5) == "a back"


@pytest.mark.parametrize("path", ["", "some.js", "download/result.nii.gz", "download/none"])
@asynchronous
async def test_browsers_are_told_to_fetch_nothing_from_elsewhere(path: str) -> None:
    async with visiting() as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        async with browser.get(address + path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
        host = f"{visited.server.host}:{visited.server.port}"
        elsewhere = policy.replace(f"ws://{host}", "").replace(f"wss://{host}", "")
        assert "http" not in elsewhere and "*" not in elsewhere and "ws:" not in elsewhere


@asynchronous
async def test_an_unknown_session_is_told_so_and_shows_no_markup_of_the_address() -> None:
    async with visiting() as visited, visited.browser() as browser:
        async with browser.get("/s/<script>/") as response:
            assert response.status == 404
            text = await response.text()
        assert "There is no such session here" in text
        assert "<script>" not in text
