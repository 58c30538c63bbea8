"""Whatever a server does, and however often one tries: the file is whole or not there."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from weights.loopback import serving

from Sli2VolSlicerLib.weights import FetchCancelled, FetchError, RemoteFile, fetch_file, remove_file

CONTENT = bytes(range(256)) * 3_000
OTHER = bytes(reversed(CONTENT))


@dataclass(frozen=True)
class Attempt:
    """What the server and the user do this time."""

    content: bytes
    understands_range: bool
    tells_length: bool
    stop_after: int | None
    status: int | None
    cancel_after: int | None


attempts = st.builds(
    Attempt,
    content=st.sampled_from([CONTENT, OTHER, CONTENT + b"!", CONTENT[:-1], b""]),
    understands_range=st.booleans(),
    tells_length=st.booleans(),
    stop_after=st.none() | st.integers(0, len(CONTENT)),
    status=st.none() | st.sampled_from([403, 404, 416, 500]),
    cancel_after=st.none() | st.integers(0, 4),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(attempts, max_size=5))
def test_a_file_is_whole_or_not_there_and_can_always_be_fetched_in_the_end(tries: list[Attempt]) -> None:
    with serving(CONTENT) as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        remote = RemoteFile(server.url, "made-up", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
        for attempt in tries:
            for field in ("content", "understands_range", "tells_length", "stop_after", "status"):
                setattr(server, field, getattr(attempt, field))
            asked = iter(range(10**6))
            with suppress(FetchError):
                fetch_file(remote, folder, is_cancelled=lambda asked=asked, a=attempt: next(asked) == a.cancel_after)
            assert not (folder / "made-up").exists() or (folder / "made-up").read_bytes() == CONTENT
        server.content, server.tells_length, server.stop_after, server.status = CONTENT, True, None, None
        try:
            path = fetch_file(remote, folder)
        except FetchError as error:
            # A beginning that was of another file is thrown away at its end; then nothing is in the way.
            assert "thrown away" in str(error)
            path = fetch_file(remote, folder)
        assert path.read_bytes() == CONTENT
        assert [one.name for one in folder.iterdir()] == ["made-up"]
        assert remove_file("made-up", folder)


def test_cancelled_is_a_kind_of_not_fetched() -> None:
    assert issubclass(FetchCancelled, FetchError)
