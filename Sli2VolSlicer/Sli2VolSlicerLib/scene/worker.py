"""One long-lived thread that computes; the main thread asks it for news.

The thread touches neither Qt nor the scene. The main thread calls `poll`, and while something is being computed
it lets `poll` wait a few milliseconds: desktop Slicer holds Python's lock while it waits for events, so that other
threads run only while the main thread waits in Python.
"""

from __future__ import annotations

import itertools
import queue
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..engine.errors import PropagationCancelled
from ..engine.records import IsCancelled, Progress, ProgressCallback
from .jobs import Job

_SWITCH_S = 0.001
"""The main thread's work is made of many short calls into numpy, after each of which it has to ask for the lock."""


@dataclass(frozen=True)
class Ticket:
    """What a job was given when it was handed in; every event about it bears it."""

    number: int
    is_urgent: bool


@dataclass(frozen=True)
class Progressed:
    """A slice more is done."""

    ticket: Ticket
    progress: Progress


@dataclass(frozen=True, eq=False)
class Finished:
    """A job is done; `value` is what its `compute` gave back."""

    ticket: Ticket
    value: Any


@dataclass(frozen=True, eq=False)
class Failed:
    """A job raised `error`."""

    ticket: Ticket
    error: BaseException


@dataclass(frozen=True)
class Cancelled:
    """A job was cancelled, or made way for another one."""

    ticket: Ticket


Event = Progressed | Finished | Failed | Cancelled


@dataclass(frozen=True)
class _Swept:
    """The thread has let go of a job."""

    ticket: Ticket


class _Order:
    """A job that was handed in; it is kept here, so that the last to let go of its nodes is the main thread."""

    def __init__(self, ticket: Ticket, job: Job) -> None:
        self.ticket = ticket
        self.job: Job | None = job
        self.cancelled = threading.Event()
        self.future: Future[Any] | None = None

    def cancel(self) -> None:
        self.cancelled.set()
        if self.future is not None:
            self.future.cancel()

    def forget(self) -> None:
        """Let go of the job now, and not when Python next looks for circles of references, on whichever thread."""
        self.job = self.future = None


class Worker:
    """Computes one job after the other.

    An urgent job sends all others away; of those that are not urgent only the last one handed in is kept. What is
    sent away ends within one slice.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sli2vol")
        self._mail: queue.SimpleQueue[Event | _Swept] = queue.SimpleQueue()
        self._news = threading.Event()
        self._numbers = itertools.count(1)
        self._open: dict[int, _Order] = {}
        self._held: dict[int, _Order] = {}

    @property
    def is_busy(self) -> bool:
        """Whether anything is being computed or waits, as far as `poll` has told."""
        return bool(self._open)

    @property
    def needs_polling(self) -> bool:
        """Whether there is, or will be, anything for `poll` to see to."""
        return bool(self._held)

    def submit(self, job: Job, *, urgent: bool = True) -> Ticket:
        """Hand a job in, from the main thread; it is begun as soon as the thread is free."""
        for order in self._open.values():
            if not order.ticket.is_urgent:
                order.cancel()
        order = _Order(Ticket(next(self._numbers), urgent), job)
        self._open[order.ticket.number] = self._held[order.ticket.number] = order

        def tell(progress: Progress) -> None:
            self._post(Progressed(order.ticket, progress))

        order.future = self._thread.submit(_computed, job, tell, order.cancelled.is_set)
        order.future.add_done_callback(lambda future: self._post(_ending(order, future)))
        # One at a time and in order: when this runs, the thread holds nothing of the job any more.
        self._thread.submit(self._post, _Swept(order.ticket))
        return order.ticket

    def cancel(self, ticket: Ticket | None = None) -> None:
        """Ask a job to end within one slice; all jobs by default."""
        for order in self._open.values():
            if ticket in (None, order.ticket):
                order.cancel()

    def poll(self, patience_s: float = 0.0) -> Sequence[Event]:
        """What has happened since last time, in order; of a job's progress only the latest.

        Args:
            patience_s: how long to wait for news while something is being computed.
        """
        if self._held and patience_s > 0:
            self._news.wait(patience_s)
        self._news.clear()
        events: list[Event] = []
        while not self._mail.empty():
            event = self._mail.get()
            if isinstance(event, _Swept):
                self._held.pop(event.ticket.number).forget()
                continue
            if isinstance(event, Progressed):
                events = [e for e in events if not (isinstance(e, Progressed) and e.ticket == event.ticket)]
            else:
                self._open.pop(event.ticket.number, None)
            events.append(event)
        return events

    def close(self) -> None:
        """Cancel everything and end the thread; waits until the present slice is done."""
        self.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.poll()
        for order in self._held.values():
            order.forget()
        self._open.clear()
        self._held.clear()

    def _post(self, event: Event | _Swept) -> None:
        self._mail.put(event)
        self._news.set()


def _computed(job: Job, progress: ProgressCallback, is_cancelled: IsCancelled) -> Any:
    """What a job computes; meanwhile Python's lock changes hands quickly, so that the main thread need not wait."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(min(usual, _SWITCH_S))
    try:
        return job.compute(progress=progress, is_cancelled=is_cancelled)
    finally:
        sys.setswitchinterval(usual)


def _ending(order: _Order, future: Future[Any]) -> Event:
    if future.cancelled():
        return Cancelled(order.ticket)
    error = future.exception()
    if order.cancelled.is_set() or isinstance(error, PropagationCancelled):
        return Cancelled(order.ticket)
    return Finished(order.ticket, future.result()) if error is None else Failed(order.ticket, error)
