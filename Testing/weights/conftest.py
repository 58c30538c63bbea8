"""A loopback server with a made-up weights file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest
from weights.loopback import Loopback, serving

from Sli2VolSlicerLib.weights import RemoteFile, WeightsEntry


@pytest.fixture
def server() -> Iterator[Loopback]:
    content = np.random.default_rng(0).bytes(1_500_000)
    with serving(content) as loopback:
        yield loopback


@pytest.fixture
def remote(server: Loopback) -> RemoteFile:
    digest = hashlib.sha256(server.content).hexdigest()
    return RemoteFile(server.url, "made-up.safetensors", len(server.content), digest)


@pytest.fixture
def entry(remote: RemoteFile) -> WeightsEntry:
    assert remote.bytes is not None
    return WeightsEntry(
        name="made-up-large",
        version="1.0",
        method="made-up",
        file=remote.file_name,
        sha256=remote.sha256,
        bytes=remote.bytes,
        url=remote.url,
        licence="Apache-2.0",
        card="made-up.md",
    )
