"""What ends a training run in its middle."""

from __future__ import annotations


class PowerCut(Exception):
    """The run is over, and was not asked."""


def cut_after_three_steps(step: int, loss: float, held_out: object) -> None:
    """A run's callback.

    Raises:
        PowerCut: after the third step.
    """
    if step == 3:
        raise PowerCut
