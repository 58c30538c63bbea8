"""Work in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from weights.loopback import Loopback

from Sli2VolSlicerLib.weights import Errand, FetchError, FetchProgress, IsCancelled, RemoteFile, fetch_file

LONG_S = 20.0


def fetching(remote: RemoteFile, folder: Path) -> Callable[[FetchProgress, IsCancelled], Path]:
    return lambda progress, is_cancelled: fetch_file(remote, folder, progress=progress, is_cancelled=is_cancelled)


def test_an_errand_brings_its_outcome(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    errand = Errand(fetching(remote, tmp_path))
    assert errand.wait(LONG_S)
    report = errand.report()
    assert (report.is_finished, report.problem, report.done, report.total) == (True, "", 1_500_000, 1_500_000)
    assert report.outcome is not None
    assert report.outcome.read_bytes() == server.content


def test_an_errand_is_asked_while_it_runs(remote: RemoteFile, tmp_path: Path) -> None:
    goes_on = threading.Event()

    def work(progress: FetchProgress, is_cancelled: IsCancelled) -> str:
        progress(3, 9)
        assert goes_on.wait(LONG_S)
        return "done"

    errand = Errand(work)
    while not errand.report().total:
        time.sleep(0.001)
    assert (errand.report().done, errand.report().total, errand.report().is_finished) == (3, 9, False)
    goes_on.set()
    assert errand.wait(LONG_S)
    assert errand.report().outcome == "done"


def test_a_cancelled_errand_says_so(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    server.pause_s = 0.02
    errand = Errand(fetching(remote, tmp_path))
    while not errand.report().done:
        time.sleep(0.001)
    errand.cancel()
    assert errand.wait(LONG_S)
    report = errand.report()
    assert (report.is_finished, report.is_cancelled, report.outcome) == (True, True, None)
    assert not (tmp_path / remote.file_name).exists()


def test_a_problem_is_told_in_words(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    server.status = 404
    errand = Errand(fetching(remote, tmp_path))
    assert errand.wait(LONG_S)
    assert "404" in errand.report().problem
    assert not errand.report().is_cancelled


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_unexpected_end_is_still_an_end() -> None:
    def work(progress: FetchProgress, is_cancelled: IsCancelled) -> None:
        raise ZeroDivisionError

    errand = Errand(work)
    assert errand.wait(LONG_S)
    assert errand.report().is_finished
    assert "ended unexpectedly" in errand.report().problem


def test_two_errands_for_one_file_fetch_once(server: Loopback, remote: RemoteFile, tmp_path: Path) -> None:
    errands = [Errand(fetching(remote, tmp_path)) for _ in range(3)]
    assert all(errand.wait(LONG_S) for errand in errands)
    assert {errand.report().problem for errand in errands} == {""}
    assert len(server.ranges) == 1


def test_errors_that_are_no_cancelling_are_problems() -> None:
    def work(progress: FetchProgress, is_cancelled: IsCancelled) -> None:
        raise FetchError("The disk is full.")

    errand = Errand(work)
    assert errand.wait(LONG_S)
    assert errand.report().problem == "The disk is full."
