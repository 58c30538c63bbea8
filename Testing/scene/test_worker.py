"""The worker thread and its mailbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from Sli2VolSlicerLib.engine.errors import MethodError, PropagationCancelled
from Sli2VolSlicerLib.engine.records import Progress
from Sli2VolSlicerLib.scene.worker import Cancelled, Event, Failed, Finished, Progressed, Worker


class Steps:
    """A job of many slices that waits for leave before each."""

    def __init__(self, count: int = 3, leave: threading.Event | None = None) -> None:
        self.count, self.leave = count, leave
        self.begun = threading.Event()
        self.done = 0
        self.thread: str | None = None

    def compute(self, progress: Any = None, is_cancelled: Any = None) -> int:
        self.thread = threading.current_thread().name
        self.begun.set()
        for index in range(self.count):
            while self.leave is not None and not self.leave.is_set() and not is_cancelled():
                time.sleep(0.001)
            if is_cancelled():
                raise PropagationCancelled("Cancelled.")
            self.done += 1
            progress(Progress(index + 1, self.count, index, "slice"))
        return self.done


class Fails:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def compute(self, progress: Any = None, is_cancelled: Any = None) -> None:
        raise self.error


@pytest.fixture
def worker() -> Iterator[Worker]:
    one = Worker()
    yield one
    one.close()


@pytest.fixture
def until(worker: Worker) -> Callable[[int], list[Event]]:
    """Poll until so many jobs have ended."""

    def poll(endings: int) -> list[Event]:
        events: list[Event] = []
        limit = time.monotonic() + 5
        while sum(not isinstance(e, Progressed) for e in events) < endings:
            assert time.monotonic() < limit, events
            events += worker.poll(patience_s=0.01)
        return events

    return poll


def test_a_job_runs_in_another_thread_and_its_result_comes_by_poll(worker: Worker, until: Any) -> None:
    job = Steps()
    ticket = worker.submit(job)
    *_, last = until(1)
    assert isinstance(last, Finished)
    assert (last.ticket, last.value) == (ticket, 3)
    assert job.thread != threading.current_thread().name


def test_all_jobs_run_in_the_same_thread(worker: Worker, until: Any) -> None:
    jobs = [Steps(), Steps()]
    for job in jobs:
        worker.submit(job)
    until(2)
    assert jobs[0].thread == jobs[1].thread


def test_of_a_jobs_progress_only_the_latest_is_told(worker: Worker) -> None:
    job = Steps(5)
    worker.submit(job)
    limit = time.monotonic() + 5
    while job.done < 5 and time.monotonic() < limit:
        time.sleep(0.001)
    time.sleep(0.02)
    told = [e.progress.done for e in worker.poll() if isinstance(e, Progressed)]
    assert told == [5]


def test_a_cancelled_job_ends_within_one_slice(worker: Worker, until: Any) -> None:
    job = Steps(1000, leave=threading.Event())
    ticket = worker.submit(job)
    assert job.begun.wait(5)
    worker.cancel(ticket)
    assert until(1) == [Cancelled(ticket)]
    assert job.done <= 1


def test_an_error_comes_by_poll_whatever_it_is(worker: Worker, until: Any) -> None:
    for error in (MethodError("no such method"), ZeroDivisionError("inside")):
        ticket = worker.submit(Fails(error))
        (event,) = until(1)
        assert isinstance(event, Failed)
        assert (event.ticket, event.error) == (ticket, error)
    assert not worker.is_busy


def test_an_urgent_job_sends_the_others_away(worker: Worker, until: Any) -> None:
    background = Steps(1000, leave=threading.Event())
    slow = worker.submit(background, urgent=False)
    assert background.begun.wait(5)
    urgent = worker.submit(Steps())
    endings = [e for e in until(2) if not isinstance(e, Progressed)]
    assert endings[0] == Cancelled(slow)
    assert isinstance(endings[1], Finished)
    assert endings[1].ticket == urgent


def test_of_jobs_that_are_not_urgent_only_the_last_is_kept(worker: Worker, until: Any) -> None:
    leave = threading.Event()
    urgent = Steps(1, leave=leave)
    worker.submit(urgent)
    assert urgent.begun.wait(5)
    first = worker.submit(Steps(), urgent=False)
    second = worker.submit(Steps(), urgent=False)
    leave.set()
    endings = {e.ticket: e for e in until(3) if not isinstance(e, Progressed)}
    assert isinstance(endings[first], Cancelled)
    assert isinstance(endings[second], Finished)


def test_a_job_that_is_not_urgent_waits_for_an_urgent_one(worker: Worker, until: Any) -> None:
    leave = threading.Event()
    urgent = worker.submit(Steps(1, leave=leave))
    waiting = worker.submit(Steps(), urgent=False)
    leave.set()
    endings = [e.ticket for e in until(2) if isinstance(e, Finished)]
    assert endings == [urgent, waiting]


def test_poll_does_not_wait_when_nothing_is_being_computed(worker: Worker) -> None:
    began = time.monotonic()
    assert worker.poll(patience_s=5) == []
    assert time.monotonic() - began < 1


def test_closing_ends_the_thread_also_in_the_middle_of_a_job() -> None:
    worker = Worker()
    job = Steps(1000, leave=threading.Event())
    worker.submit(job)
    assert job.begun.wait(5)
    worker.close()
    assert not worker.is_busy
    assert not [t for t in threading.enumerate() if t.name == job.thread]


class Precious(Steps):
    """Notes which thread lets go of it last."""

    freed: list[str]

    def __del__(self) -> None:
        self.freed.append(threading.current_thread().name)


class PreciousFailure(Precious):
    def compute(self, progress: Any = None, is_cancelled: Any = None) -> int:
        raise MethodError("no such method")


@pytest.mark.parametrize("kind", [Precious, PreciousFailure])
def test_what_a_job_holds_is_let_go_on_the_main_thread(worker: Worker, until: Any, kind: type[Precious]) -> None:
    freed: list[str] = []
    for _ in range(20):
        job = kind()
        job.freed = freed
        worker.submit(job)
        del job
        until(1)
        while worker.needs_polling:
            worker.poll(patience_s=0.01)
    assert len(freed) == 20
    assert set(freed) == {threading.current_thread().name}
