"""Lists that must be complete, and weights that must be found wherever the code is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "Sli2VolSlicer" / "Sli2VolSlicerLib"
SHOW_SHIPPED = "from Sli2VolSlicerLib.weights import Catalogue; print(Catalogue.open().shipped)"


def shipped_seen_by(path: Path) -> Path:
    """The folder of shipped weights that an interpreter finds with the library of `path`."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment["PYTHONPATH"] = str(path)
    command = [sys.executable, "-c", SHOW_SHIPPED]
    done = subprocess.run(command, env=environment, cwd=path, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def test_cmake_lists_every_python_file_of_the_module() -> None:
    text = (ROOT / "Sli2VolSlicer" / "CMakeLists.txt").read_text(encoding="utf-8")
    match = re.search(r"set\(MODULE_PYTHON_SCRIPTS(.*?)\)", text, re.DOTALL)
    assert match is not None
    listed = {name.replace("${MODULE_NAME}", "Sli2VolSlicer") for name in match.group(1).split()}
    present = {path.relative_to(ROOT / "Sli2VolSlicer").as_posix() for path in LIBRARY.rglob("*.py")}
    assert listed == present | {"Sli2VolSlicer.py"}


def test_cmake_lists_every_resource_of_the_module() -> None:
    text = (ROOT / "Sli2VolSlicer" / "CMakeLists.txt").read_text(encoding="utf-8")
    match = re.search(r"set\(MODULE_PYTHON_RESOURCES(.*?)\)", text, re.DOTALL)
    assert match is not None
    listed = {name.replace("${MODULE_NAME}", "Sli2VolSlicer") for name in match.group(1).split()}
    folder = ROOT / "Sli2VolSlicer" / "Resources"
    present = {path.relative_to(folder.parent).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert listed == present


def test_every_package_of_the_library_is_installed() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"])
    present = {
        ".".join(("Sli2VolSlicerLib", *path.parent.relative_to(LIBRARY).parts)) for path in LIBRARY.rglob("*.py")
    }
    assert listed == present | {"Sli2VolSlicerLib.weights.shipped", "sli2vol_benchmark"}


@pytest.mark.parametrize("field", ["EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS"])
def test_pictures_that_the_extension_names_are_in_the_repository(field: str) -> None:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    match = re.search(rf'set\({field} "([^"]+)"\)', text)
    assert match is not None
    for address in match.group(1).split():
        path = ROOT / address.split("/main/", 1)[1]
        if field == "EXTENSION_SCREENSHOTURLS" and not path.parent.is_dir():
            pytest.skip("there are no screenshots yet")
        assert path.is_file(), address


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


@pytest.mark.parametrize(
    "name", ["Testing/setup", "Testing/run-tests", "Testing/run-self-test", "Testing/demo", ".ci/run"]
)
def test_scripts_can_be_run(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)


def test_weights_are_found_in_a_checkout() -> None:
    assert shipped_seen_by(LIBRARY.parent) == ROOT / "Resources" / "weights"


def test_weights_are_found_in_a_slicer_extension(tmp_path: Path) -> None:
    modules = tmp_path / "lib" / "Slicer-5.12" / "qt-scripted-modules"
    shutil.copytree(LIBRARY, modules / "Sli2VolSlicerLib")
    shutil.copytree(ROOT / "Resources" / "weights", modules / "Sli2VolSlicerLib" / "weights" / "shipped")
    assert shipped_seen_by(modules) == modules / "Sli2VolSlicerLib" / "weights" / "shipped"


@pytest.mark.slow
def test_weights_are_found_in_a_wheel_installed_elsewhere(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "demo-output", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(tmp_path), str(source)], check=True)
    (wheel,) = tmp_path.glob("sli2volslicer-*.whl")
    shutil.rmtree(source)
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    assert shipped_seen_by(site) == site / "Sli2VolSlicerLib" / "weights" / "shipped"
    shipped = {path.name for path in (ROOT / "Resources" / "weights").iterdir()}
    assert {path.name for path in (site / "Sli2VolSlicerLib" / "weights" / "shipped").iterdir()} == shipped
    assert (site / "sli2vol_benchmark" / "__init__.py").is_file()
