"""What ends a training run in its middle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from Sli2VolSlicerLib.training.resumable import ResumableRun

RunT = TypeVar("RunT", bound=ResumableRun[Any])


class PowerCut(Exception):
    """The run is over, and was not asked."""


def cut_after_three_steps(step: int, loss: float, held_out: object) -> None:
    """A run's callback.

    Raises:
        PowerCut: after the third step.
    """
    if step == 3:
        raise PowerCut


def unbroken_and_resumed(make: Callable[[], RunT], checkpoint: Path) -> tuple[RunT, RunT]:
    """Two runs of the same settings at their ends, the second gone on with after a power cut."""
    unbroken = make()
    unbroken.run_steps()
    with pytest.raises(PowerCut):
        make().run_steps(checkpoint, cut_after_three_steps)
    resumed = make()
    resumed.run_steps(checkpoint)
    return unbroken, resumed
