"""The panel uses nothing of Slicer, CTK and PythonQt that is not on the list, which was looked up in their source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from slicerhost.api import (
    Entry,
    Use,
    keyword_calls,
    library_names,
    member_uses,
    panel_sources,
    read_list,
    rooted_uses,
    unlisted,
)

OLDEST = "5.10"
ENTRIES = read_list()
NAMES = {entry.name for entry in ENTRIES}
HOW = "Look it up in the source of Slicer, CTK or PythonQt, and put it into Testing/slicerhost/api.json."


def test_every_name_from_slicers_modules_is_on_the_list() -> None:
    missing = [str(use) for path in panel_sources() for use in rooted_uses(path) if use.name not in NAMES]
    assert missing == [], HOW


def test_every_attribute_that_is_not_the_librarys_or_pythons_is_on_the_list() -> None:
    own, members = library_names(), {name.rpartition(".")[2] for name in NAMES}
    missing = [str(use) for path in panel_sources() for use in member_uses(path, own) if use.name not in members]
    assert missing == [], HOW


def test_qt_is_never_called_with_keywords() -> None:
    assert [str(use) for path in panel_sources() for use in keyword_calls(path)] == [], "PythonQt takes none."


def test_what_the_oldest_slicer_lacks_has_another_way() -> None:
    newer = {entry.name for entry in ENTRIES if entry.since != OLDEST}
    assert newer, "the list tells versions apart"
    bare = [
        str(use) for path in panel_sources() for use in rooted_uses(path) if use.name in newer and not _is_tried(use)
    ]
    assert bare == []


def test_no_name_is_listed_twice_or_without_its_source() -> None:
    assert [entry.name for entry in ENTRIES] == sorted(NAMES)
    assert all(": " in entry.declared_in and entry.since in ("5.10", "5.12") for entry in ENTRIES)


def test_nothing_is_listed_that_nobody_uses() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in [*panel_sources(), *_ui_files()])
    assert [name for name in NAMES if name.rpartition(".")[2] not in text and name not in HANDED_TO_US] == []


HANDED_TO_US = {"qt.QMouseEvent", "qt.QKeyEvent"}
"""Classes of objects that Qt hands to the panel, which has no need of their names."""


@pytest.mark.parametrize(
    "entry", [e for e in ENTRIES if e.declared_in.startswith("Qt: property")], ids=lambda e: e.name
)
def test_what_is_listed_as_a_property_is_one(entry: Entry) -> None:
    host = pytest.importorskip("slicerhost.host")
    _, kind, name = entry.name.split(".")
    assert getattr(host.QT, kind).staticMetaObject.indexOfProperty(name) >= 0


def test_names_are_found_however_they_are_imported(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    path.write_text(
        "import qt\nimport slicer.util as su\nfrom slicer.i18n import tr as _\nfrom pathlib import Path\n"
        "su.loadUI('x').frobnicate()\nqt.QTimer(interval=3).start()\n_('text')\nPath('x').exists()\n"
    )
    assert {use.name for use in rooted_uses(path)} == {"slicer.util.loadUI", "slicer.i18n.tr", "qt.QTimer"}
    assert {use.name for use in member_uses(path, {"start"})} == {"frobnicate"}
    assert [use.name for use in keyword_calls(path)] == ["qt.QTimer"]


def test_a_use_on_an_object_is_listed_under_any_of_its_classes() -> None:
    host = pytest.importorskip("slicerhost.host")
    entries = [Entry("qt.QWidget.enabled", "Qt: property of QWidget", OLDEST)]
    assert unlisted([(host.QT.QPushButton, "enabled")], entries) == []
    assert unlisted([(host.QT.QTimer, "enabled")], entries) == ["QTimer.enabled"]


def _is_tried(use: Use) -> bool:
    """Whether a use stands in a `try` that expects it to fail."""
    return any(
        isinstance(node, ast.Try) and node.lineno < use.line <= (node.body[-1].end_lineno or 0)
        for node in ast.walk(ast.parse(use.path.read_text(encoding="utf-8")))
    )


def _ui_files() -> list[Path]:
    return sorted(panel_sources()[0].parent.rglob("*.ui"))
