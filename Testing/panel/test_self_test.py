"""The module's own test where it cannot run, or where something is wrong; that it passes is tested with the module."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def module(desktop: Any) -> Iterator[ModuleType]:
    """The module's file, loaded by Slicer."""
    desktop.load_module()
    desktop.show()
    yield sys.modules["Sli2VolSlicer"]


@pytest.fixture
def without_torch(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch is not installed."""
    from Sli2VolSlicerLib.panel import first_run_plan

    missing = (first_run_plan.Missing(first_run_plan.PACKAGES[0], None),)
    monkeypatch.setattr(first_run_plan, "missing_packages", lambda method: missing)


@pytest.mark.usefixtures("without_torch")
def test_without_pytorch_ctest_skips_it(module: ModuleType) -> None:
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(module.Sli2VolSlicerTest).run(result)
    assert len(result.skipped) == 2
    assert "torch 2.4 or newer" in result.skipped[0][1]
    assert result.wasSuccessful()


@pytest.mark.usefixtures("without_torch")
def test_without_pytorch_reload_and_test_says_that_nothing_was_tested(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    test = module.Sli2VolSlicerTest()
    monkeypatch.setattr(test, "delayDisplay", said.append)
    test.runTest()
    assert len(said) == 1
    assert said[0].startswith("Not tested. ")


def test_a_panel_whose_undo_takes_too_much_does_not_pass(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from Sli2VolSlicerLib.panel.desk import Desk
    from Sli2VolSlicerLib.self_test import PanelScenario

    def require(is_right: bool, words: str) -> None:
        assert is_right, words

    monkeypatch.setattr(Desk, "save_state_for_undo", lambda self, segmentation: None)
    with pytest.raises(AssertionError, match="undo takes the propagation back, and not the drawing"):
        PanelScenario(require).run()
