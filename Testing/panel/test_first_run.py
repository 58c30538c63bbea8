"""The note of the first run under the stand-in for Slicer."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import slicer.util
from panel.made_up_dialogs import MadeUpDialogs, MadeUpStore
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

VERSIONS = {"numpy": "2.0.2", "scipy": "1.14.1"}


PYTORCH_EXTENSION = """
class PyTorchUtilsLogic:
    def installTorch(self, askConfirmation=False, forceComputationBackend=None, torchVersionRequirement=None):
        self.tell(f"torch{torchVersionRequirement} {askConfirmation}")
"""
"""The part of PyTorchUtils.py (SlicerPyTorch) that is called, with its argument names."""


@pytest.fixture(autouse=True)
def slicer_is_not_testing(desktop: Any) -> None:
    desktop.app.setTestingEnabled(False)


@pytest.fixture
def versions() -> dict[str, str]:
    return dict(VERSIONS)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, desktop: Any, versions: dict[str, str]) -> list[str]:
    """What is asked of the PyTorch extension and of Slicer's pip; the packages are there afterwards."""
    calls: list[str] = []

    def torch_installed(_: object, text: str) -> None:
        calls.append(text)
        versions["torch"] = "2.6.0"

    (tmp_path / "PyTorchUtils.py").write_text(PYTORCH_EXTENSION)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "PyTorchUtils", raising=False)
    extension = importlib.import_module("PyTorchUtils")
    monkeypatch.setattr(extension.PyTorchUtilsLogic, "tell", torch_installed, raising=False)

    def pip_ensure(requirements: Sequence[Any], constraints: Path, prompt_install: bool, requester: str) -> None:
        calls.append(f"{requirements[0]} {constraints.read_text()} {prompt_install} {requester}")
        versions["safetensors"] = "0.5"

    def pip_install(arguments: list[str]) -> None:
        calls.append(" ".join(arguments))
        versions.update(torch="2.6.0", safetensors="0.5")

    packaging = ModuleType("slicer.packaging")
    packaging.pip_ensure = pip_ensure  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    monkeypatch.setattr(slicer.util, "pip_install", pip_install)
    for name in ("torch", "safetensors"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return calls


@pytest.fixture
def section(asked: list[str], versions: dict[str, str]) -> Iterator[Any]:
    from Sli2VolSlicerLib.panel.first_run import FirstRunSection, SlicerPackageHost
    from Sli2VolSlicerLib.panel.installation import Installation
    from Sli2VolSlicerLib.panel.settings import PanelSettings

    dialogs = MadeUpDialogs()
    installation = Installation(SlicerPackageHost(dialogs), versions.get)
    made = FirstRunSection(installation, PanelSettings(MadeUpStore()), dialogs, lambda: asked.append("ready"))
    made.dialogs = dialogs
    made.widget.resize(440, 200)
    made.widget.show()
    yield made
    made.widget.close()


def click(button: Any) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_note_is_seen_only_while_something_is_missing(section: Any, asked: list[str]) -> None:
    assert not section.refresh("sli2vol")
    assert section.widget.visible
    assert "torch 2.4 or newer, safetensors 0.4 or newer" in section.note.text
    assert section.refresh("copy") is False
    click(section.install_button)
    assert not section.widget.visible
    assert section.refresh("sli2vol")


def test_slicers_own_ways_are_used_after_one_question(section: Any, asked: list[str]) -> None:
    section.refresh("sli2vol")
    click(section.install_button)
    assert len(section.dialogs.asked) == 1
    assert asked[0] == "torch>=2.4 False"
    assert asked[1] == "safetensors>=0.4 numpy==2.0.2\nscipy==1.14.1\n False Sli2Vol"
    assert asked[2] == "ready"


def test_before_slicer_5_12_pip_is_called_in_the_old_way(
    section: Any, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    section.refresh("sli2vol")
    click(section.install_button)
    assert asked[1].startswith("-c ")
    assert asked[1].endswith(" safetensors>=0.4")


def test_without_internet_a_folder_of_wheels_is_enough(
    section: Any, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PyTorchUtils", None)
    for name in ("torch-2.6.0-cp312-cp312-win_amd64.whl", "safetensors-0.5.0-cp38-abi3-win_amd64.whl"):
        (tmp_path / name).touch()
    section.refresh("sli2vol")
    click(section.install_button)
    assert "install 'PyTorch'" in section.message.text
    section.dialogs.folder = tmp_path
    click(section.folder_button)
    assert section.folder_edit.text == str(tmp_path)
    click(section.install_button)
    assert asked[0].startswith(f"--no-index --find-links {tmp_path} -c ")
    assert asked[0].endswith("torch>=2.4 safetensors>=0.4")
    assert asked[1] == "ready"


def test_a_refusal_is_told_and_can_be_thought_over(section: Any, asked: list[str]) -> None:
    section.refresh("sli2vol")
    section.dialogs.agrees = False
    click(section.install_button)
    assert section.message.text == "Nothing was installed."
    assert section.install_button.enabled
    assert asked == []


def test_while_slicer_tests_nothing_is_installed(section: Any, asked: list[str], desktop: Any) -> None:
    desktop.app.setTestingEnabled(True)
    section.refresh("sli2vol")
    click(section.install_button)
    assert asked == []


def test_slicers_dialogs_ask_in_slicers_way(desktop: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from Sli2VolSlicerLib.panel import dialogs

    questions: list[tuple[str, str]] = []

    def confirm(text: str, title: str) -> bool:
        questions.append((text, title))
        return True

    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", confirm)
    monkeypatch.setattr(
        dialogs.qt,
        "QFileDialog",
        SimpleNamespace(getOpenFileName=lambda *_: "", getExistingDirectory=lambda *_: str(tmp_path)),
    )
    asking = dialogs.SlicerDialogs()
    assert asking.confirm("Install?")
    assert questions == [("Install?", "Sli2Vol")]
    assert asking.choose_file("Weights file", "*") is None
    assert asking.choose_folder("Folder") == tmp_path
