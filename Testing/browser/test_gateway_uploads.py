"""Files into a session's folder and out of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from browser.gateways import asynchronous, visiting

from Sli2VolSlicerLib.browser.gateway_uploads import safe_name


def form(*files: tuple[str, bytes]) -> aiohttp.FormData:
    data = aiohttp.FormData(quote_fields=False)
    for name, content in files:
        data.add_field("file", content, filename=name, content_type="application/octet-stream")
    return data


@asynchronous
async def test_a_file_is_stored_under_its_name_in_the_sessions_folder() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        async with browser.post(f"{address}upload", data=form(("liver.nii.gz", b"voxels"))) as response:
            assert await response.json() == {"path": "uploads/1/liver.nii.gz"}
        assert (session.child.folder.root / "uploads/1/liver.nii.gz").read_bytes() == b"voxels"


@asynchronous
async def test_a_body_is_stored_under_the_name_in_the_address() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        async with browser.post(f"{address}upload?name=head.nrrd", data=b"voxels") as response:
            path = (await response.json())["path"]
        assert (session.child.folder.root / path).read_bytes() == b"voxels"


@asynchronous
async def test_several_files_are_a_folder() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        files = form(("series/a/1.dcm", b"1"), ("series/b/1.dcm", b"2"), ("series/b/1.dcm", b"3"))
        async with browser.post(f"{address}upload", data=files) as response:
            assert await response.json() == {"path": "uploads/1"}
        folder = session.child.folder.uploads / "1"
        stored = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert stored == {"series/a/1.dcm", "series/b/1.dcm", "series/b/2-1.dcm"}


@pytest.mark.parametrize("kind", ["form", "body", "body of unknown length"])
@asynchronous
async def test_an_upload_over_the_limit_is_refused_and_leaves_nothing(kind: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(100_000)

    async with visiting(upload_limit_mb=0.5) as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        bodies = {"form": form(("a.nrrd", bytes(700_000))), "body": bytes(5_000_000)}
        data = bodies.get(kind) or pieces()
        async with browser.post(f"{address}upload?name=a.nrrd", data=data) as response:
            assert response.status == 413
            error = (await response.json())["error"]
        assert "larger than 0.5 MB" in error and "--upload-limit" in error
        assert list(session.child.folder.uploads.iterdir()) == []


@asynchronous
async def test_the_limit_is_of_all_files_together() -> None:
    async with visiting(upload_limit_mb=0.5) as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        files = form(*((f"{n}.dcm", bytes(200_000)) for n in range(3)))
        async with browser.post(f"{address}upload", data=files) as response:
            assert response.status == 413


@asynchronous
async def test_the_page_can_ask_for_the_limit() -> None:
    async with visiting(upload_limit_mb=0.5) as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        async with browser.get(f"{address}upload") as response:
            assert await response.json() == {"limit_mb": 0.5}


@pytest.mark.parametrize("data", [aiohttp.FormData({"comment": "no file"}), b"no name"])
@asynchronous
async def test_an_upload_without_a_file_or_name_is_refused(data: aiohttp.FormData | bytes) -> None:
    async with visiting() as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        async with browser.post(f"{address}upload", data=data) as response:
            assert response.status == 400
            assert "file" in (await response.json())["error"]


@asynchronous
async def test_a_damaged_form_is_refused() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        headers = {"Content-Type": "multipart/form-data; boundary=xyz"}
        async with browser.post(f"{address}upload", data=b"not a form at all", headers=headers) as response:
            assert response.status == 400
            assert "error" in await response.json()
        assert list(session.child.folder.uploads.iterdir()) == []


@asynchronous
async def test_an_upload_that_is_broken_off_leaves_nothing() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        _, writer = await asyncio.open_connection(visited.server.host, visited.server.port)
        writer.write(
            f"POST {address}upload?name=a.nrrd HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n"
            f"Cookie: sli2vol_session={session.cookie}\r\n\r\n".encode()
            + bytes(400_000)
        )
        await writer.drain()
        await asyncio.sleep(0.3)
        assert (session.child.folder.uploads / "1").is_dir()
        writer.close()
        await asyncio.sleep(0.5)
        assert list(session.child.folder.uploads.iterdir()) == []


@asynchronous
async def test_uploads_are_kept_until_the_second_one_after() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        for _ in range(3):
            async with browser.post(f"{address}upload?name=a.nrrd", data=b"voxels") as response:
                assert response.status == 200
        assert sorted(path.name for path in session.child.folder.uploads.iterdir()) == ["2", "3"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("liver.nii.gz", "liver.nii.gz"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Users\\me\\liver.nrrd", "C_/Users/me/liver.nrrd"),
        (".bashrc", "bashrc"),
        ("a\0b\nc.nrrd", "a_b_c.nrrd"),
        ("Übersicht (2).nrrd", "Übersicht (2).nrrd"),
        ("..", "upload"),
        ("", "upload"),
        ("$(rm -rf ~).nii", "_(rm -rf _).nii"),
    ],
)
def test_names_are_made_safe(given: str, expected: str) -> None:
    assert safe_name(given).as_posix() == expected


def test_a_long_name_keeps_its_end() -> None:
    name = safe_name("a" * 1000 + ".nii.gz").as_posix()
    assert len(name) <= 120
    assert name.endswith(".nii.gz")


@asynchronous
async def test_an_upload_cannot_leave_the_sessions_folder() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        for name in ("../../../escaped", "/tmp/escaped", "..\\..\\escaped"):
            async with browser.post(f"{address}upload", data=form((name, b"x"))) as response:
                path = session.child.folder.root / (await response.json())["path"]
            assert session.child.folder.uploads.resolve() in path.resolve().parents


@asynchronous
async def test_a_result_is_downloaded_to_be_saved_as_it_is() -> None:
    async with visiting() as visited, visited.browser() as browser:
        _, address = await visited.session(browser)
        async with browser.get(f"{address}download/result.nii.gz") as response:
            assert response.status == 200
            assert await response.read() == b"\x1f\x8b not unpacked on the way"
            assert "Content-Encoding" not in response.headers
            disposition = response.headers["Content-Disposition"]
        assert disposition.startswith('attachment; filename="result.nii.gz"')


@pytest.mark.parametrize("name", ["none.nrrd", "%2E%2E/port", "..%2Fport", "%2Fetc%2Fpasswd", "", "%00"])
@asynchronous
async def test_only_results_are_downloaded(name: str) -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        reader, writer = await asyncio.open_connection(visited.server.host, visited.server.port)
        writer.write(
            f"GET {address}download/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            f"Cookie: sli2vol_session={session.cookie}\r\n\r\n".encode()
        )
        answer = (await reader.read()).decode()
        writer.close()
        assert answer.startswith("HTTP/1.1 404"), answer
        assert str(session.child.port) not in answer


@asynchronous
async def test_a_link_out_of_the_results_is_not_followed() -> None:
    async with visiting() as visited, visited.browser() as browser:
        session, address = await visited.session(browser)
        (session.child.folder.out / "link.nrrd").symlink_to(session.child.folder.log)
        async with browser.get(f"{address}download/link.nrrd") as response:
            assert response.status == 404
