"""One piece of work in a thread of its own, so that a fetch never keeps a propagation waiting.

The main thread asks how far it is. Desktop Slicer holds Python's lock while it waits for events: give the
thread its time by `wait`ing a few milliseconds in every tick of a timer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..engine.errors import Sli2VolError
from .remote import FetchCancelled, FetchProgress, IsCancelled

Outcome = TypeVar("Outcome")

_UNEXPECTED = "It ended unexpectedly; the Python console says where."


@dataclass(frozen=True)
class ErrandReport(Generic[Outcome]):
    """How far an errand is.

    Attributes:
        done: bytes that are here.
        total: bytes that there will be; 0 while that is unknown.
        is_finished: whether it has ended, well or not.
        is_cancelled: whether it ended because the user said so.
        outcome: what it brought; None unless it ended well.
        problem: what the user reads when it did not; empty otherwise.
    """

    done: int
    total: int
    is_finished: bool
    is_cancelled: bool
    outcome: Outcome | None
    problem: str


class Errand(Generic[Outcome]):
    """Work with progress in bytes, begun at once.

    Args:
        work: called in the thread with a progress callback and a question whether to stop; what it
            raises of Sli2VolError becomes the report's `problem`.
    """

    def __init__(self, work: Callable[[FetchProgress, IsCancelled], Outcome]) -> None:
        self._work = work
        self._cancel = threading.Event()
        self._lock = threading.Lock()
        self._report: ErrandReport[Outcome] = ErrandReport(0, 0, False, False, None, "")
        # A server that has gone silent must not hold up the end of the application.
        self._thread = threading.Thread(target=self._run, name="Sli2Vol errand", daemon=True)
        self._thread.start()

    def report(self) -> ErrandReport[Outcome]:
        """How far it is now; returns at once."""
        with self._lock:
            return self._report

    @property
    def is_cancelling(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancel.is_set()

    def cancel(self) -> None:
        """Ask it to stop; it does so with the next piece that comes."""
        self._cancel.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end, at most `timeout_s` seconds; whether it has come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        outcome, problem, cancelled = None, _UNEXPECTED, False
        try:
            outcome = self._work(self._on_progress, self._cancel.is_set)
            problem = ""
        except FetchCancelled as error:
            problem, cancelled = str(error), True
        except Sli2VolError as error:
            problem = str(error)
        finally:
            now = self.report()
            self._set(ErrandReport(now.done, now.total, True, cancelled, outcome, problem))

    def _on_progress(self, done: int, total: int) -> None:
        self._set(ErrandReport(done, total, False, False, None, ""))

    def _set(self, report: ErrandReport[Outcome]) -> None:
        with self._lock:
            self._report = report
