"""Installing on the first run, with a made-up Slicer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from Sli2VolSlicerLib.panel.first_run_plan import InstallationError
from Sli2VolSlicerLib.panel.installation import Installation


@dataclass
class MadeUpSlicer:
    """Installs into a dictionary of versions, and remembers what it was asked."""

    versions: dict[str, str] = field(default_factory=lambda: {"numpy": "2.0.2", "scipy": "1.14.1"})
    agrees: bool = True
    testing: bool = False
    torch_installer: bool = True
    installs: bool = True
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    constraints: str = ""

    def confirm(self, text: str) -> bool:
        self.asked.append(text)
        return self.agrees

    def is_testing(self) -> bool:
        return self.testing

    def has_torch_installer(self) -> bool:
        return self.torch_installer

    def install_torch(self, version: str) -> None:
        self._install("PyTorchUtils", [f"torch{version}"])

    def ensure(self, requirements: Sequence[str], constraints: Path) -> None:
        self.constraints = constraints.read_text(encoding="utf-8")
        self._install("pip_ensure", requirements)

    def install(self, arguments: list[str]) -> None:
        self.constraints = Path(arguments[arguments.index("-c") + 1]).read_text(encoding="utf-8")
        self._install("pip_install", [each for each in arguments if ">=" in each])

    def _install(self, way: str, requirements: Sequence[str]) -> None:
        if self.error is not None:
            raise self.error
        self.done.append(f"{way}: {', '.join(requirements)}")
        if self.installs:
            self.versions.update(requirement.split(">=") for requirement in requirements)


@pytest.fixture
def slicer() -> MadeUpSlicer:
    return MadeUpSlicer()


@pytest.fixture
def installation(slicer: MadeUpSlicer, monkeypatch: pytest.MonkeyPatch) -> Installation:
    for name in ("torch", "safetensors"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return Installation(slicer, slicer.versions.get)


def test_torch_comes_from_the_pytorch_extension_and_the_rest_from_pip(
    slicer: MadeUpSlicer, installation: Installation
) -> None:
    done = installation.run("sli2vol")
    assert slicer.done == ["PyTorchUtils: torch>=2.4", "pip_ensure: safetensors>=0.4"]
    assert slicer.constraints == "numpy==2.0.2\nscipy==1.14.1\n"
    assert (done.is_ready, done.restart_due) == (True, False)


def test_the_user_is_asked_once(slicer: MadeUpSlicer, installation: Installation) -> None:
    installation.run("sli2vol")
    (question,) = slicer.asked
    assert "torch" in question
    assert "safetensors" in question


def test_nothing_is_asked_when_nothing_is_missing(slicer: MadeUpSlicer, installation: Installation) -> None:
    slicer.versions.update(torch="2.6", safetensors="0.5")
    assert installation.run("sli2vol").is_ready
    assert slicer.asked == slicer.done == []


def test_without_consent_nothing_is_installed(slicer: MadeUpSlicer, installation: Installation) -> None:
    slicer.agrees = False
    assert not installation.run("sli2vol").is_ready
    assert slicer.done == []


def test_while_slicer_tests_nothing_is_installed(slicer: MadeUpSlicer, installation: Installation) -> None:
    slicer.testing = True
    assert not installation.run("sli2vol").is_ready
    assert slicer.asked == slicer.done == []


def test_without_the_pytorch_extension_the_message_says_how_to_get_it(
    slicer: MadeUpSlicer, installation: Installation
) -> None:
    slicer.torch_installer = False
    with pytest.raises(InstallationError, match="Open the Extensions Manager, install 'PyTorch', restart Slicer"):
        installation.run("sli2vol")
    assert slicer.asked == []


def test_a_folder_of_wheels_serves_all_and_needs_no_extension(
    slicer: MadeUpSlicer, installation: Installation, tmp_path: Path
) -> None:
    slicer.torch_installer = False
    (tmp_path / "torch-2.6.0-cp312-cp312-win_amd64.whl").touch()
    (tmp_path / "safetensors-0.5.0-cp38-abi3-win_amd64.whl").touch()
    assert installation.run("sli2vol", tmp_path).is_ready
    assert slicer.done == ["pip_install: torch>=2.4, safetensors>=0.4"]
    assert "numpy==2.0.2" in slicer.constraints


def test_a_wheel_that_is_not_in_the_folder_is_named_with_the_way_to_get_it(
    slicer: MadeUpSlicer, installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "torch-2.6.0-cp312-cp312-win_amd64.whl").touch()
    with pytest.raises(InstallationError, match=r'no wheel of: safetensors .*\npip download .*"safetensors>=0\.4"'):
        installation.run("sli2vol", tmp_path)
    assert slicer.asked == []


@pytest.mark.parametrize(
    "error",
    [
        subprocess.CalledProcessError(1, "pip install"),
        RuntimeError("PythonSlicer executable not found"),
        ImportError("DLL load failed"),
        OSError("disk full"),
    ],
)
def test_an_installation_that_fails_says_what_to_do(
    slicer: MadeUpSlicer, installation: Installation, error: Exception
) -> None:
    slicer.error = error
    with pytest.raises(InstallationError, match=r"The installation failed .*choose a folder with wheels"):
        installation.run("sli2vol")


def test_an_installation_that_brings_nothing_is_noticed(slicer: MadeUpSlicer, installation: Installation) -> None:
    slicer.installs = False
    with pytest.raises(InstallationError, match="Still missing after the installation: torch"):
        installation.run("sli2vol")


def test_an_older_version_in_use_asks_for_a_restart(
    slicer: MadeUpSlicer, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    slicer.versions.update(torch="2.1", safetensors="0.5")
    monkeypatch.setitem(sys.modules, "torch", sys)
    done = installation.run("sli2vol")
    assert (done.is_ready, done.restart_due) == (False, True)
    assert "Restart Slicer: an older version of torch is in use" in done.message
