"""The list of what the panel uses of Slicer, CTK and PythonQt, and what its source says that it uses."""

from __future__ import annotations

import ast
import json
import logging
import queue
import re
import threading
import unittest
from collections.abc import Iterable, Iterator
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LIST = Path(__file__).with_name("api.json")
MODULE_FOLDER = Path(__file__).resolve().parents[2] / "Sli2VolSlicer"
LIBRARY = MODULE_FOLDER / "Sli2VolSlicerLib"
ROOTS = ("qt", "ctk", "slicer", "PyTorchUtils", "SampleData")
"""Modules that only Slicer has."""

PYTHON_TYPES = (
    str, bytes, list, dict, set, tuple, int, float, BaseException, OSError, Path, type, property, ast.AST, np.ndarray,
    threading.Thread, threading.Event, threading.Condition, queue.Queue, logging.Logger, re.Pattern, re.Match,
    futures.Executor, futures.Future, unittest.TestCase, type(lambda: None),
)  # fmt: skip
"""What else an attribute of unknown origin may belong to."""


@dataclass(frozen=True)
class Entry:
    """One name that the panel may use.

    Attributes:
        name: dotted, from `qt`, `ctk` or `slicer` on; methods and properties follow their class.
        declared_in: repository and path of the declaration.
        since: the first version of Slicer that has it, or "5.10" for any older one.
    """

    name: str
    declared_in: str
    since: str


@dataclass(frozen=True)
class Use:
    """A name at a place in the source."""

    name: str
    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}: {self.name}"


def read_list(path: Path = LIST) -> tuple[Entry, ...]:
    """The list as it is kept."""
    return tuple(Entry(**each) for each in json.loads(path.read_text(encoding="utf-8")))


def panel_sources() -> list[Path]:
    """The files that meet Slicer's user interface."""
    return [
        MODULE_FOLDER / "Sli2VolSlicer.py",
        *sorted(LIBRARY.glob("*.py")),
        *sorted((LIBRARY / "panel").glob("*.py")),
    ]


def rooted_uses(path: Path) -> Iterator[Use]:
    """Every name that is reached from a module of Slicer's, in full, like "slicer.util.loadUI"."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = _imported(tree)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ROOTS and not node.level:
            yield from (Use(f"{node.module}.{alias.name}", path, node.lineno) for alias in node.names)
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            chain = _chain(node)
            if chain and chain[0] in known:
                yield Use(".".join([known[chain[0]], *chain[1:]]), path, node.lineno)


def member_uses(path: Path, own_names: set[str]) -> Iterator[Use]:
    """Every attribute of some object that neither the library nor Python's own types have.

    Names in capitals are VTK's, and real in tests.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = _all_imported(tree)
    python = {name for kind in PYTHON_TYPES for name in dir(kind)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or node.attr[0].isupper() or node.attr.startswith("_"):
            continue
        chain = _chain(node)
        if (chain and chain[0] in imported) or node.attr in own_names or node.attr in python:
            continue
        yield Use(node.attr, path, node.lineno)


def keyword_calls(path: Path) -> Iterator[Use]:
    """Calls of Qt's classes with keywords, which PythonQt does not take."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.keywords:
            chain = _chain(node.func)
            if chain and chain[0] in ("qt", "ctk"):
                yield Use(".".join(chain), path, node.lineno)


def library_names(extra: Iterable[Path] = ()) -> set[str]:
    """Names of functions, classes, fields and attributes of the library, and of widgets in its .ui files."""
    names: set[str] = set()
    for path in [*LIBRARY.rglob("*.py"), MODULE_FOLDER / "Sli2VolSlicer.py", *extra]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
            elif isinstance(node, ast.Assign):
                names.update(name for target in node.targets for name in _assigned(target))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
                names.update(_assigned(node.target))
    for path in MODULE_FOLDER.rglob("*.ui"):
        names.update(re.findall(r'name="(\w+)"', path.read_text(encoding="utf-8")))
    return names


def unlisted(uses: Iterable[tuple[type, str]], entries: Iterable[Entry]) -> list[str]:
    """What was asked of C++ objects and is not on the list under any of their classes.

    Args:
        uses: class and attribute, as `pythonqt.uses` notes them.
        entries: the list.
    """
    listed = {tuple(entry.name.split(".")[-2:]) for entry in entries}
    return sorted(
        f"{kind.__name__}.{name}"
        for kind, name in uses
        if not name.startswith("_") and not any((base.__name__, name) in listed for base in kind.__mro__)
    )


def _assigned(target: ast.expr) -> Iterator[str]:
    """Names that an assignment gives to `self` or to a class."""
    if isinstance(target, ast.Tuple):
        for each in target.elts:
            yield from _assigned(each)
    elif isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        yield target.attr


def _imported(tree: ast.AST) -> dict[str, str]:
    """Name in the file -> full name, of what is imported from Slicer's modules."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return {name: full for name, full in found.items() if full.split(".")[0] in ROOTS}


def _all_imported(tree: ast.AST) -> set[str]:
    return {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def _chain(node: ast.expr) -> list[str]:
    """["slicer", "util", "loadUI"] for slicer.util.loadUI; empty if it does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []
