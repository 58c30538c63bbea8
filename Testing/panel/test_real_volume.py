"""The whole way on a real CT, as a user goes it: paint, P, N, correct, P, Ctrl+Z, redo, save, close, load, go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel.real_bench import RealBench


@pytest.fixture
def real(bench: Any, data_folder: Path) -> RealBench:
    return RealBench(bench, data_folder)


@pytest.mark.slow
def test_the_whole_way_on_a_real_volume(real: RealBench, tmp_path: Path) -> None:
    bench = real.bench
    first = int(real.truth.sum(axis=(1, 2)).argmax())
    real.draw(first)
    drawn = bench.mask()[first]
    bench.key("P")
    bench.until(lambda: "of at most" in bench.ui.progressBar.format)
    bench.settle()
    once = real.dice()
    assert once > 0.7, bench.status

    bench.key("N")
    bench.settle()
    second = bench.panel.desk.shown_slice
    assert second is not None
    assert second != first
    real.draw(second)
    corrected = bench.mask()[second]
    bench.propagate()
    after = bench.mask()
    twice = real.dice()
    assert twice > once
    assert np.array_equal(after[first], drawn)
    assert np.array_equal(after[second], corrected)

    bench.key("Ctrl+Z")
    bench.settle()
    assert not np.array_equal(bench.mask(), after)
    assert np.array_equal(bench.mask()[second], corrected), "only the propagation was taken back"
    bench.key("Ctrl+Y")
    bench.settle()
    assert np.array_equal(bench.mask(), after)

    bench.save(tmp_path / "scene.mrb")
    bench.scene.Clear(0)
    bench.settle()
    bench.load_scene(tmp_path / "scene.mrb")
    assert np.array_equal(bench.mask(), after)
    bench.key("N")
    bench.settle()
    real.draw(bench.panel.desk.shown_slice)
    bench.propagate()
    assert real.dice() >= twice - 0.01
    assert np.array_equal(bench.mask()[first], drawn)
