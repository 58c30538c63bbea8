"""No operation ever changes an anchor, and undo and redo restore exactly: over random sequences."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core")

from scene.anchor_machine import AnchorMachine


def test_no_operation_changes_an_anchor_and_undo_and_redo_restore_exactly() -> None:
    run_state_machine_as_test(
        AnchorMachine,
        settings=settings(
            max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


class MachineWithTheEngine(AnchorMachine):
    """With the shipped network at work."""

    session_options: ClassVar[dict[str, Any]] = {}
    noise = 60


@pytest.mark.slow
def test_the_same_holds_with_the_real_engine() -> None:
    run_state_machine_as_test(
        MachineWithTheEngine,
        settings=settings(
            max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
