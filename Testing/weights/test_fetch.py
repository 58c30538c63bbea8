"""Fetching a file: whole or not at all."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
from weights.loopback import Loopback

from Sli2VolSlicerLib.weights import FetchCancelled, FetchError, RemoteFile, fetch_file, remove_file
from Sli2VolSlicerLib.weights import catalogue as library_module
from Sli2VolSlicerLib.weights.file_lock import file_lock

FETCH = (
    "import sys; from pathlib import Path; from Sli2VolSlicerLib.weights import RemoteFile, fetch_file;"
    "url, name, size, sha, folder = sys.argv[1:]; fetch_file(RemoteFile(url, name, int(size), sha), Path(folder))"
)
LIBRARY = {"PYTHONPATH": str(Path(library_module.__file__ or "").parents[2])}


def as_arguments(remote: RemoteFile, folder: Path) -> list[str]:
    return [remote.url, remote.file_name, str(remote.bytes), remote.sha256, str(folder)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_whole_and_leaves_nothing_beside_it(
    server: Loopback, remote: RemoteFile, tmp_path: Path
) -> None:
    path = fetch_file(remote, tmp_path / "new" / "folder")
    assert path.read_bytes() == server.content
    assert names(path.parent) == [remote.file_name]


def test_a_file_that_is_there_needs_no_network(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    fetch_file(remote, tmp_path)
    fetch_file(replace(remote, url="http://127.0.0.1:9/nobody"), tmp_path)
    assert len(server.ranges) == 1


def test_progress_grows_to_the_total(remote: RemoteFile, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    fetch_file(remote, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (remote.bytes, remote.bytes)


def test_a_file_whose_size_is_unknown_is_fetched(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    assert fetch_file(replace(remote, bytes=None), tmp_path).read_bytes() == server.content


def test_a_server_that_stops_half_way_is_an_error_and_the_next_attempt_goes_on(
    server: Loopback, remote: RemoteFile, tmp_path: Path
) -> None:
    server.stop_after = 700_000
    with pytest.raises(FetchError, match="stopped half way after 700000 of 1500000 bytes"):
        fetch_file(remote, tmp_path)
    assert not (tmp_path / remote.file_name).exists()
    server.stop_after = None
    assert fetch_file(remote, tmp_path).read_bytes() == server.content
    assert server.ranges == [None, "bytes=700000-"]


def test_a_server_that_cannot_continue_starts_over(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    server.stop_after = 700_000
    with pytest.raises(FetchError):
        fetch_file(remote, tmp_path)
    server.stop_after, server.understands_range = None, False
    assert fetch_file(remote, tmp_path).read_bytes() == server.content


def test_a_wrong_checksum_is_an_error_and_nothing_stays(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    server.content = server.content[:-1] + b"!"
    with pytest.raises(FetchError, match="is not the file that was asked for"):
        fetch_file(remote, tmp_path)
    assert names(tmp_path) == []


def test_a_file_larger_than_it_should_be_is_an_error(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    server.content += b"more"
    server.tells_length = False
    with pytest.raises(FetchError, match="larger than the 1500000 bytes"):
        fetch_file(remote, tmp_path)
    assert not (tmp_path / remote.file_name).exists()


def test_another_page_in_its_stead_is_refused_before_a_byte_is_kept(
    server: Loopback, remote: RemoteFile, tmp_path: Path
) -> None:
    server.content = b"<html>Please log in to this network</html>"
    with pytest.raises(FetchError, match="is not the file: it has 42 bytes and should have 1500000"):
        fetch_file(remote, tmp_path)
    assert names(tmp_path) == []


def test_a_missing_page_is_an_error(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="404"):
        fetch_file(replace(remote, url=server.url + "-elsewhere"), tmp_path)


def test_no_network_says_where_to_put_the_file(remote: RemoteFile, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"Cannot reach 127\.0\.0\.1:9 .* put it at .*made-up\.safetensors"):
        fetch_file(replace(remote, url="http://127.0.0.1:9/nobody"), tmp_path)


def test_a_cancelled_fetch_leaves_no_file_and_goes_on_later(
    server: Loopback, remote: RemoteFile, tmp_path: Path
) -> None:
    answers = iter([False, False, True])
    with pytest.raises(FetchCancelled):
        fetch_file(remote, tmp_path, is_cancelled=lambda: next(answers))
    assert not (tmp_path / remote.file_name).exists()
    assert fetch_file(remote, tmp_path).read_bytes() == server.content
    assert server.ranges[1] is not None


def test_a_disk_without_room_is_noticed_before_fetching(
    server: Loopback, remote: RemoteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10, 9, 1))
    with pytest.raises(FetchError, match=r"is full: made-up\.safetensors needs 1\.5 MB more"):
        fetch_file(remote, tmp_path)
    assert server.ranges == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk here that is always full")
def test_a_disk_that_fills_up_half_way_is_an_error(remote: RemoteFile, tmp_path: Path) -> None:
    partial = tmp_path / f"{remote.file_name}.{remote.sha256[:12]}.partial"
    partial.symlink_to("/dev/full")
    with pytest.raises(FetchError, match="is full"):
        fetch_file(remote, tmp_path)
    assert not (tmp_path / remote.file_name).exists()


def test_another_file_in_the_way_is_not_overwritten(remote: RemoteFile, tmp_path: Path) -> None:
    (tmp_path / remote.file_name).write_text("mine")
    with pytest.raises(FetchError, match="Another file is in the way"):
        fetch_file(remote, tmp_path)
    assert (tmp_path / remote.file_name).read_text() == "mine"


def test_a_folder_that_is_a_file_is_an_error(remote: RemoteFile, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match="Cannot write to"):
        fetch_file(remote, tmp_path / "file" / "inside")


@pytest.mark.parametrize("name", ["../escape", "a/b", "", "..", "c:evil"])
def test_a_name_that_leads_out_of_the_folder_is_refused(remote: RemoteFile, tmp_path: Path, name: str) -> None:
    with pytest.raises(FetchError, match="plain name"):
        fetch_file(replace(remote, file_name=name), tmp_path)


def test_nothing_is_sent_but_what_fetching_a_file_needs(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    fetch_file(remote, tmp_path)
    (headers,) = server.headers
    assert set(headers) == {"Accept-Encoding", "Host", "User-Agent", "Connection"}
    assert headers["User-Agent"] == "sli2vol"


def test_an_address_that_is_not_http_is_refused(remote: RemoteFile, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"http\(s\)"):
        fetch_file(replace(remote, url="file:///etc/hostname"), tmp_path)


def test_two_processes_fetch_once(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FETCH, *as_arguments(remote, tmp_path)]
    processes = [subprocess.Popen(command, env=LIBRARY) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert len(server.ranges) == 1
    assert names(tmp_path) == [remote.file_name]


def test_waiting_for_another_process_can_be_cancelled(remote: RemoteFile, tmp_path: Path) -> None:
    with file_lock(tmp_path / f"{remote.file_name}.lock", lambda: True) as held:
        assert held
        with pytest.raises(FetchCancelled):
            fetch_file(remote, tmp_path, is_cancelled=lambda: True)


def test_a_file_that_is_being_fetched_is_not_removed(remote: RemoteFile, tmp_path: Path) -> None:
    lock = file_lock(tmp_path / f"{remote.file_name}.lock", lambda: True)
    with lock, pytest.raises(FetchError, match="is being fetched just now"):
        remove_file(remote.file_name, tmp_path)


def test_a_file_system_without_locks_is_an_error_and_no_endless_wait(
    remote: RemoteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def no_locks(handle: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(FetchError, match="No locks available"):
        fetch_file(remote, tmp_path)


def test_a_process_that_dies_half_way_leaves_a_beginning_that_is_continued(
    server: Loopback, remote: RemoteFile, tmp_path: Path
) -> None:
    server.pause_s = 0.02
    process = subprocess.Popen([sys.executable, "-c", FETCH, *as_arguments(remote, tmp_path)], env=LIBRARY)
    partial = tmp_path / f"{remote.file_name}.{remote.sha256[:12]}.partial"
    while not (partial.is_file() and partial.stat().st_size):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    server.pause_s = 0.0
    begun = partial.stat().st_size
    assert not (tmp_path / remote.file_name).exists()
    assert fetch_file(remote, tmp_path).read_bytes() == server.content
    assert server.ranges[-1] == f"bytes={begun}-"


def test_remove_takes_away_the_file_and_what_an_unfinished_fetch_left(
    server: Loopback, remote: RemoteFile, tmp_path: Path
) -> None:
    (tmp_path / "unrelated").write_text("")
    server.stop_after = 10
    with pytest.raises(FetchError):
        fetch_file(remote, tmp_path)
    assert remove_file(remote.file_name, tmp_path)
    assert names(tmp_path) == ["unrelated"]
    assert not remove_file(remote.file_name, tmp_path)
    assert not remove_file(remote.file_name, tmp_path / "nowhere")
