"""Which Python packages are missing, and where they could come from."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

from Sli2VolSlicerLib.panel.first_run_plan import (
    PACKAGES,
    InstallationError,
    consent_text,
    download_command,
    installed_version,
    missing_packages,
    offline_arguments,
    pins,
    setup_text,
    wheels_missing_from,
)

ROOT = Path(__file__).resolve().parents[2]
ALL_HERE = {"torch": "2.6.0", "numpy": "2.0.2", "scipy": "1.14.1", "safetensors": "0.5.0", "scikit-image": "0.25.0"}


def names(method: str, versions: dict[str, str]) -> list[str]:
    return [missing.package.name for missing in missing_packages(method, versions.get)]


def without(*absent: str) -> dict[str, str]:
    return {name: version for name, version in ALL_HERE.items() if name not in absent}


def test_nothing_is_missing_when_all_is_here() -> None:
    assert names("optical-flow", ALL_HERE) == []


def test_what_is_not_here_is_missing() -> None:
    assert names("sli2vol", without("torch", "safetensors")) == ["torch", "safetensors"]


def test_only_the_method_that_needs_a_package_asks_for_it() -> None:
    assert names("sli2vol", without("scikit-image")) == []
    assert names("optical-flow", without("scikit-image")) == ["scikit-image"]


@pytest.mark.parametrize(
    ("version", "is_missing"),
    [("2.4", False), ("2.4.0+cu121", False), ("2.10.0", False), ("3", False), ("2.3.1", True), ("1.13", True)],
)
def test_versions_are_compared_as_numbers(version: str, is_missing: bool) -> None:
    assert (names("sli2vol", ALL_HERE | {"torch": version}) == ["torch"]) is is_missing


def test_a_version_that_is_too_old_is_told() -> None:
    (missing,) = missing_packages("sli2vol", (ALL_HERE | {"torch": "2.1.2+cpu"}).get)
    assert missing.description == "torch 2.4 or newer (here: 2.1.2+cpu)"


def test_looking_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "safetensors", raising=False)
    assert installed_version("safetensors") == importlib.metadata.version("safetensors")
    assert "safetensors" not in sys.modules
    assert installed_version("no-such-package-anywhere") is None


def test_the_packages_are_those_of_the_project() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    for package in PACKAGES:
        assert package.requirement in listed


def test_every_package_that_the_engine_imports_is_in_the_plan() -> None:
    engine = ROOT / "Sli2VolSlicer" / "Sli2VolSlicerLib" / "engine"
    code = "\n".join(path.read_text(encoding="utf-8") for path in engine.rglob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) ([a-z]\w*)", code, re.MULTILINE)) - sys.stdlib_module_names
    assert imported == {package.import_name for package in PACKAGES}


def test_slicers_own_packages_keep_their_versions() -> None:
    missing = missing_packages("sli2vol", without("torch").get)
    assert pins(missing, ALL_HERE.get) == ("numpy==2.0.2", "scipy==1.14.1")


def test_a_package_of_slicer_that_is_too_old_may_change() -> None:
    old = ALL_HERE | {"scipy": "1.9"}
    assert pins(missing_packages("sli2vol", old.get), old.get) == ("numpy==2.0.2",)


def test_wheels_are_found_by_name_and_version(tmp_path: Path) -> None:
    missing = missing_packages("optical-flow", without("torch", "scikit-image", "safetensors").get)
    for name in (
        "torch-2.6.0+cpu-cp312-cp312-linux_x86_64.whl",
        "scikit_image-0.24.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "safetensors-0.3.1-cp38-abi3-win_amd64.whl",
        "torchvision-0.21.0-cp312-cp312-linux_x86_64.whl",
        "notes.txt",
    ):
        (tmp_path / name).touch()
    assert [each.package.name for each in wheels_missing_from(tmp_path, missing)] == ["safetensors"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="There is no folder"):
        wheels_missing_from(tmp_path / "nowhere", ())


def test_pip_is_told_to_ask_no_server(tmp_path: Path) -> None:
    missing = missing_packages("sli2vol", without("safetensors").get)
    arguments = offline_arguments(tmp_path / "my wheels", missing, tmp_path / "pins")
    assert arguments[:3] == ["--no-index", "--find-links", str(tmp_path / "my wheels")]
    assert arguments[-1] == "safetensors>=0.4"


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("win-amd64", "--platform win_amd64 "),
        ("macosx-11.0-arm64", "--platform macosx_11_0_arm64 "),
        ("linux-x86_64", "--platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 "),
    ],
)
def test_the_download_command_is_for_the_other_computer(platform: str, expected: str) -> None:
    command = download_command(missing_packages("sli2vol", without("torch").get), (3, 12), platform)
    assert expected in command
    assert "--python-version 3.12" in command
    assert command.endswith('"torch>=2.4"')


def test_the_question_names_what_and_from_where(tmp_path: Path) -> None:
    missing = missing_packages("sli2vol", without("torch").get)
    assert "torch 2.4 or newer" in consent_text(missing, None)
    assert "Nothing about you or your images is sent" in consent_text(missing, None)
    assert f"the folder {tmp_path}; no server is asked" in consent_text(missing, tmp_path)
    assert "torch 2.4 or newer" in setup_text(missing)
