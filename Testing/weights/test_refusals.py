"""Servers and proxies that refuse: each ends in a message that says what to do."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from weights.loopback import Loopback

from Sli2VolSlicerLib.weights import FetchError, RemoteFile, fetch_file
from Sli2VolSlicerLib.weights.refusals import unreachable_message

ELSEWHERE = "weights.example.org/made-up.safetensors"


@pytest.fixture
def proxy(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """The server plays the network's proxy."""
    address = server.url.removesuffix("/weights")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, address.replace("://", "://me:secret@"))
    return server


@pytest.mark.parametrize(
    ("status", "advice"),
    [(404, "check the mirror's address"), (403, "on another computer"), (503, "Try again later"), (429, "Try again")],
)
def test_each_refusal_says_what_to_do(
    server: Loopback, remote: RemoteFile, tmp_path: Path, status: int, advice: str
) -> None:
    server.status = status
    with pytest.raises(FetchError, match=f"{status} .*{advice}"):
        fetch_file(remote, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_log_in_is_named_without_telling_one(
    proxy: Loopback, remote: RemoteFile, tmp_path: Path, scheme: str
) -> None:
    proxy.status = 407
    with pytest.raises(FetchError) as refused:
        fetch_file(replace(remote, url=f"{scheme}://{ELSEWHERE}"), tmp_path)
    message = str(refused.value)
    assert message.startswith("The proxy 127.0.0.1:")
    assert "407 Proxy Authentication Required" in message
    assert f"put it at {tmp_path / remote.file_name}" in message
    assert "secret" not in message


@pytest.mark.parametrize(("scheme", "who"), [("http", "through the proxy 127.0.0.1:"), ("https", "The proxy 127")])
def test_a_proxy_that_forbids_the_address_is_named(
    proxy: Loopback, remote: RemoteFile, tmp_path: Path, scheme: str, who: str
) -> None:
    proxy.status = 403
    with pytest.raises(FetchError, match=rf"{who}.*403 Forbidden"):
        fetch_file(replace(remote, url=f"{scheme}://{ELSEWHERE}"), tmp_path)


def test_a_proxy_that_does_not_answer_is_named(
    remote: RemoteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match=r"Cannot reach weights\.example\.org through the proxy 127\.0\.0\.1:9"):
        fetch_file(replace(remote, url=f"http://{ELSEWHERE}"), tmp_path)


def test_a_computer_without_network_says_so(
    remote: RemoteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_name(*arguments: object, **options: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    with pytest.raises(FetchError, match=r"no server of this name, or no network: .*on another computer"):
        fetch_file(replace(remote, url=f"http://{ELSEWHERE}"), tmp_path)


def test_a_certificate_that_cannot_be_verified_says_which_setting_helps(tmp_path: Path) -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate in certificate chain"
    message = unreachable_message(f"https://{ELSEWHERE}", error, tmp_path / "made-up.safetensors")
    assert "self-signed certificate in certificate chain" in message
    assert "SSL_CERT_FILE" in message


def test_a_silent_server_is_given_up(remote: RemoteFile, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/weights"
        with pytest.raises(FetchError, match="stopped half way"):
            fetch_file(replace(remote, url=url), tmp_path, timeout_s=0.2)
