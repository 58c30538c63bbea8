"""The rooms of the library and the arrows between them: no arrow runs back."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

MODULE_FOLDER = Path(__file__).resolve().parents[1] / "Sli2VolSlicer"
LIBRARY = MODULE_FOLDER / "Sli2VolSlicerLib"

MAY_IMPORT = {
    "engine": set(),
    "weights": {"engine"},
    "scene": {"engine", "weights"},
    "panel": {"scene", "weights", "engine.errors", "engine.records"},
    "training": {"engine"},
    "files": {"engine.errors"},
    "commands": {"engine", "weights", "training", "files", "browser.serving"},
    "browser": {"scene", "weights", "files", "engine.errors", "engine.records"},
}
"""Room -> the rooms (or single modules of a room) that it may import."""

NEVER = {
    "engine": {"slicer", "vtk", "vtkmodules", "qt", "ctk", "SimpleITK"},
    "weights": {"slicer", "vtk", "vtkmodules", "qt", "ctk", "SimpleITK", "torch"},
    "training": {"slicer", "vtk", "vtkmodules", "qt", "ctk", "SimpleITK"},
    "scene": {"qt", "ctk", "PySide6"},
    "panel": {"torch", "safetensors", "skimage"},
    "files": {"slicer", "vtk", "vtkmodules", "qt", "ctk", "torch"},
    "commands": {"slicer", "vtk", "vtkmodules", "qt", "ctk"},
    "browser": {"qt", "ctk", "PySide6", "safetensors", "skimage"},
}
"""Room -> what it never imports, not even inside a function."""

ONLY_INSIDE_FUNCTIONS = {"torch", "safetensors", "skimage", "matplotlib", "tqdm"}
"""Slicer may not have these yet: in scene, panel and the module file only inside functions."""

ERRORS_AND_RECORDS = {"engine.errors", "engine.records", "engine.slice_stack", "engine.annotation"}
"""What is light enough of the engine for Slicer to import at file scope."""

MOST_LINES = 400


@dataclass(frozen=True)
class Import:
    """One imported module: dotted absolute name, where, and whether at file scope."""

    name: str
    line: int
    is_at_file_scope: bool


def imports_of(path: Path) -> Iterator[Import]:
    """Every import in a file, relative ones made absolute; those for type checkers only are left out."""
    package = ["Sli2VolSlicerLib", *path.relative_to(LIBRARY).parent.parts] if LIBRARY in path.parents else []
    yield from _walk(ast.parse(path.read_text(encoding="utf-8")), package, True)


def _walk(node: ast.AST, package: list[str], at_file_scope: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, at_file_scope)
        elif isinstance(child, ast.ImportFrom):
            base = package[: len(package) - child.level + 1] if child.level else []
            module = ".".join([*base, *([child.module] if child.module else [])])
            yield Import(module, child.lineno, at_file_scope)
            for alias in child.names:
                yield Import(f"{module}.{alias.name}", child.lineno, at_file_scope)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _walk(other, package, at_file_scope)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _walk(child, package, at_file_scope and not is_function)


def room_of(name: str) -> tuple[str, str] | None:
    """The room of a module of the library and its name within the library; None for anything else."""
    parts = name.split(".")
    if parts[0] != "Sli2VolSlicerLib" or len(parts) < 2:
        return None
    return parts[1], ".".join(parts[1:])


def files_of(room: str) -> list[Path]:
    return sorted((LIBRARY / room).rglob("*.py"))


def where(path: Path, found: Import) -> str:
    return f"{path.relative_to(MODULE_FOLDER)}:{found.line} imports {found.name}"


def test_every_room_has_its_rules() -> None:
    rooms = {path.name for path in LIBRARY.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert rooms == set(MAY_IMPORT)


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    wrong = []
    for path in files_of(room):
        for found in imports_of(path):
            target = room_of(found.name)
            if target is None or target[0] == room:
                continue
            allowed = MAY_IMPORT[room]
            if target[0] not in allowed and not any(f"{target[1]}.".startswith(f"{name}.") for name in allowed):
                wrong.append(where(path, found))
    assert wrong == []


@pytest.mark.parametrize("room", sorted(NEVER))
def test_a_room_never_imports_what_is_not_its_business(room: str) -> None:
    wrong = [
        where(path, found)
        for path in files_of(room)
        for found in imports_of(path)
        if found.name.split(".")[0] in NEVER[room]
    ]
    assert wrong == []


def slicer_files() -> list[Path]:
    return [*files_of("scene"), *files_of("panel"), *MODULE_FOLDER.glob("*.py")]


def test_slicer_files_import_heavy_packages_only_inside_functions() -> None:
    wrong = [
        where(path, found)
        for path in slicer_files()
        for found in imports_of(path)
        if found.is_at_file_scope and found.name.split(".")[0] in ONLY_INSIDE_FUNCTIONS
    ]
    assert wrong == []


def test_slicer_files_import_of_the_engine_only_light_modules_at_file_scope() -> None:
    wrong = []
    for path in slicer_files():
        for found in imports_of(path):
            target = room_of(found.name)
            if found.is_at_file_scope and target is not None and target[0] == "engine" and target[1] != "engine":
                light = any(f"{target[1]}.".startswith(f"{name}.") for name in ERRORS_AND_RECORDS)
                wrong += [] if light else [where(path, found)]
    assert wrong == []


def test_light_modules_of_the_engine_import_nothing_heavy() -> None:
    wrong = [
        where(path, found)
        for name in ERRORS_AND_RECORDS
        for path in [LIBRARY / f"{name.replace('.', '/')}.py", LIBRARY / "engine" / "__init__.py"]
        for found in imports_of(path)
        if found.name.split(".")[0] in ONLY_INSIDE_FUNCTIONS
    ]
    assert wrong == []


def test_no_library_file_is_longer_than_400_lines() -> None:
    lengths = {
        str(path.relative_to(MODULE_FOLDER)): len(path.read_text(encoding="utf-8").splitlines())
        for path in MODULE_FOLDER.rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_an_arrow_that_runs_back_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.LIBRARY", tmp_path)
    path = tmp_path / "engine" / "methods" / "wrong.py"
    path.parent.mkdir(parents=True)
    path.write_text("def f():\n    from ...scene import logic\nimport torch.nn\nfrom ..errors import VolumeError\n")
    found = {(one.name, one.is_at_file_scope) for one in imports_of(path)}
    assert ("Sli2VolSlicerLib.scene.logic", False) in found
    assert ("torch.nn", True) in found
    assert ("Sli2VolSlicerLib.engine.errors", True) in found


def test_no_module_of_the_engine_imports_itself_in_a_round() -> None:
    paths = {".".join(["Sli2VolSlicerLib", *p.relative_to(LIBRARY).with_suffix("").parts]): p for p in _engine()}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        imported = {i.name for i in imports_of(path) if i.is_at_file_scope}
        # Importing a module runs the __init__ of every package around it.
        around = {".".join(i.split(".")[:n]) + ".__init__" for i in imported for n in range(2, i.count(".") + 2)}
        own = name.removesuffix(".__init__") + ".__init__"
        graph[name] = {i for i in imported | around if i in paths and i not in (name, own)}
        if path.name != "__init__.py":
            graph[name] -= {name.rpartition(".")[0] + ".__init__"}
    graphlib.TopologicalSorter(graph).prepare()


def _engine() -> list[Path]:
    return sorted((LIBRARY / "engine").rglob("*.py"))
