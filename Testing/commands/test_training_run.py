"""What the training commands share."""

from __future__ import annotations

import signal

import pytest

from Sli2VolSlicerLib.commands.training_run import volume_bar
from Sli2VolSlicerLib.engine.errors import PropagationCancelled


def test_ctrl_c_ends_the_work_where_it_asks_and_tells_what_was_done() -> None:
    done: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with (
        pytest.raises(PropagationCancelled, match=r"^Cancelled after a\.nii; nothing was kept\.$"),
        volume_bar(["a.nii", "b.nii"], is_quiet=True) as (volumes, stop_if_cancelled),
    ):
        for name in volumes:
            signal.raise_signal(signal.SIGINT)
            done.append(name)
            stop_if_cancelled(f"{name}; nothing was kept")
    assert done == ["a.nii"] and signal.getsignal(signal.SIGINT) is before
