"""What Slicer's catalogue, its build and the public forge read of this repository, and links between the pages."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENTRY = ROOT / "Resources" / "ExtensionsIndex" / "Sli2VolSlicer.json"
PAGES = [ROOT / "README.md", *sorted((ROOT / "Docs").glob("*.md"))]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

REQUIRED = {"$schema", "category", "scm_url"}
ALLOWED = REQUIRED | {"scm_revision", "scm_type", "build_dependencies", "build_subdirectory", "enabled", "tier"}
"""From Slicer's Schemas/slicer-extension-catalog-entry-schema-v1.0.1.json, which allows no others."""


def metadata(field: str) -> str:
    """A `set(EXTENSION_... "...")` of the top CMakeLists.txt."""
    match = re.search(rf'set\(EXTENSION_{field} "([^"]*)"\)', (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    assert match is not None, field
    return match.group(1)


def entry() -> dict[str, object]:
    found: dict[str, object] = json.loads(ENTRY.read_text(encoding="utf-8"))
    return found


def test_the_index_entry_keeps_to_the_schema() -> None:
    assert set(entry()) >= REQUIRED
    assert set(entry()) <= ALLOWED
    assert str(entry()["$schema"]).endswith("/Schemas/slicer-extension-catalog-entry-schema-v1.0.1.json#")
    assert entry()["tier"] in (1, 3, 5)


def test_the_index_entry_says_what_cmake_says() -> None:
    assert entry()["category"] == metadata("CATEGORY")
    assert entry()["build_dependencies"] == metadata("DEPENDS").split()
    assert entry()["scm_url"] == metadata("HOMEPAGE") + ".git"
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert f"project({ENTRY.stem})" in text, "project, extension and entry have one name"


@pytest.mark.parametrize("field", ["HOMEPAGE", "CATEGORY", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS"])
def test_the_metadata_are_complete(field: str) -> None:
    assert metadata(field).strip()
    assert "\n" not in metadata(field)


def test_the_icon_is_as_large_as_the_catalogue_shows_it() -> None:
    head = (ROOT / "Sli2VolSlicer" / "Resources" / "Icons" / "Sli2VolSlicer.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:24]) == (128, 128)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (heading and heading not in headings(file)):
            broken.append(target)
    assert broken == []


def headings(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-") for line in lines}


def test_every_page_can_be_reached_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"Docs/{page.name}" not in text] == []


def test_every_picture_of_the_tutorial_is_one_that_a_test_takes() -> None:
    taken = (ROOT / "Testing" / "panel" / "test_tutorial_pictures.py").read_text(encoding="utf-8")
    pictures = [path.name for path in (ROOT / "Docs" / "pictures").glob("tutorial-*.png")]
    assert pictures
    assert [name for name in pictures if f'"{name}"' not in taken] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit_and_say_which_version_it_is(workflow: Path) -> None:
    uses = re.findall(r"uses: *(.*)", workflow.read_text(encoding="utf-8"))
    assert uses
    assert [use for use in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)] == []


def test_the_forge_runs_both_supported_versions_of_slicer() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    assert 'slicer: ["5.10", "5.12"]' in text
    assert "Testing/run-self-test" in text
