"""Jobs on the worker thread, what to do on the main thread when they end, and work of the main thread in turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ..engine.records import Progress
from .jobs import Job
from .turns import Turns
from .worker import Failed, Finished, Progressed, Ticket, Worker

INTERVAL_MS = 5
PATIENCE_S = 0.01
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


class Timer(Protocol):
    """Calls a piece of work from the main loop."""

    def start(self) -> None:
        """Call after the interval has passed, counted from now; a repeating one goes on from there."""

    def stop(self) -> None:
        """Call no more until it is started again."""

    def close(self) -> None:
        """Let go of the work for good."""


class MakeTimer(Protocol):
    """Makes timers of the main loop at hand: Qt's in Slicer, asyncio's in the browser's session."""

    def __call__(self, work: Callable[[], object], interval_ms: int, *, repeats: bool) -> Timer:
        """A timer that does not run yet."""


class Background:
    """Runs jobs on a worker; a timer asks for news while there are any.

    Args:
        worker: computes.
        make_timer: for the main loop at hand.
        patience_s: how long the main thread waits for news, so that the worker runs.
    """

    def __init__(self, worker: Worker, make_timer: MakeTimer, patience_s: float = PATIENCE_S) -> None:
        self._worker = worker
        self._patience_s = patience_s
        self._handlers: dict[Ticket, Handlers] = {}
        self._timer = make_timer(self.tick, INTERVAL_MS, repeats=True)
        self._turns: list[Turns[Any]] = []
        self._next_turn = make_timer(self._take_turn, 0, repeats=False)

    @property
    def is_urgent(self) -> bool:
        """Whether something is under way that the user waits for."""
        return bool(self._turns) or any(ticket.is_urgent for ticket in self._handlers)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._handlers and not self._turns

    @property
    def is_computing(self) -> bool:
        """Whether a job is under way."""
        return bool(self._handlers)

    def take_turns(self, turns: Turns[Any]) -> None:
        """Do work of the main thread in turns, after what is under way; between them the main loop answers."""
        self._turns.append(turns)
        self._next_turn.start()

    def start(self, job: Job, handlers: Handlers, *, urgent: bool) -> None:
        """Hand a job in."""
        self._handlers[self._worker.submit(job, urgent=urgent)] = handlers
        self._timer.start()

    def cancel(self, *, urgent_only: bool = False) -> None:
        """Ask jobs to end within one slice; where all is meant, what is done in turns ends now."""
        if not urgent_only:
            self._drop_turns()
        for ticket in self._handlers:
            if ticket.is_urgent or not urgent_only:
                self._worker.cancel(ticket)

    def tick(self) -> None:
        """See to the news."""
        for event in self._worker.poll(self._patience_s):
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
        self._drop_turns()
        self._next_turn.close()
        self._handlers.clear()
        self._timer.close()
        self._worker.close()

    def _take_turn(self) -> None:
        if not self._turns:
            return
        turns, goes_on = self._turns[0], False
        try:
            next(turns)
            goes_on = True
        except StopIteration:
            pass
        finally:
            # What is called in a turn may have dropped it.
            if not goes_on and turns in self._turns:
                self._turns.remove(turns)
        if self._turns:
            self._next_turn.start()

    def _drop_turns(self) -> None:
        dropped, self._turns = self._turns, []
        self._next_turn.stop()
        for turns in dropped:
            turns.close()
