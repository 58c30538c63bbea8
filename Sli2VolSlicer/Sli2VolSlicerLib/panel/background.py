"""Jobs on the worker thread, and what to do on the main thread when they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import qt

from ..engine.records import Progress
from ..scene.jobs import Job
from .worker import Failed, Finished, Progressed, Ticket, Worker

INTERVAL_MS = 10
PATIENCE_S = 0.015
"""How often the worker is asked for news, and how long the main thread waits for them, so that the worker runs."""


@dataclass(frozen=True, eq=False)
class Handlers:
    """What to do with a job's events; all on the main thread.

    Attributes:
        finished: gets what the job computed.
        failed: gets the error.
        cancelled: the job was cancelled or sent away.
        progressed: a slice more is done.
    """

    finished: Callable[[Any], object]
    failed: Callable[[BaseException], object]
    cancelled: Callable[[], object] = lambda: None
    progressed: Callable[[Progress], object] = lambda progress: None


class Background:
    """Runs jobs on a worker; a timer asks for news while there are any.

    Args:
        worker: computes.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._handlers: dict[Ticket, Handlers] = {}
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._timer.connect("timeout()", self.tick)

    @property
    def is_urgent(self) -> bool:
        """Whether a job is under way that the user waits for."""
        return any(ticket.is_urgent for ticket in self._handlers)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._handlers

    def start(self, job: Job, handlers: Handlers, *, urgent: bool) -> None:
        """Hand a job in."""
        self._handlers[self._worker.submit(job, urgent=urgent)] = handlers
        self._timer.start()

    def cancel(self, *, urgent_only: bool = False) -> None:
        """Ask jobs to end within one slice."""
        for ticket in self._handlers:
            if ticket.is_urgent or not urgent_only:
                self._worker.cancel(ticket)

    def tick(self) -> None:
        """See to the news."""
        for event in self._worker.poll(PATIENCE_S):
            if isinstance(event, Progressed):
                if event.ticket in self._handlers:
                    self._handlers[event.ticket].progressed(event.progress)
                continue
            handlers = self._handlers.pop(event.ticket, None)
            if handlers is None:
                continue
            if isinstance(event, Finished):
                handlers.finished(event.value)
            elif isinstance(event, Failed):
                handlers.failed(event.error)
            else:
                handlers.cancelled()
        if not self._worker.needs_polling:
            self._timer.stop()

    def close(self) -> None:
        """End the thread; what is under way is dropped without a word."""
        self._handlers.clear()
        self._timer.stop()
        self._timer.disconnect("timeout()", self.tick)
        self._worker.close()
