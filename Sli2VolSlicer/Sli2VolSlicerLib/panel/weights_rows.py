"""What the list of weights shows and asks; without Qt and without Slicer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..scene.translation import tr as _
from ..weights import WeightsEntry, WeightsState, Whereabouts


@dataclass(frozen=True)
class WeightsRow:
    """One line of the list.

    Attributes:
        name: name and version.
        size: of the whole file.
        state: where it stands, in words.
        tool_tip: all that is known.
        fetch_label: what the button to fetch says for it.
        can_fetch: whether there is anything to fetch.
        can_remove: whether there is anything to remove.
    """

    name: str
    size: str
    state: str
    tool_tip: str
    fetch_label: str
    can_fetch: bool
    can_remove: bool


def row_of(state: WeightsState, source: str = "") -> WeightsRow:
    """The line of an entry; `source` is the mirror, folder or file of the settings."""
    entry = state.entry
    has_address = bool(entry.url or source.strip())
    return WeightsRow(
        name=f"{entry.name} {entry.version}",
        size=size_text(entry.bytes),
        state=_state_text(state, has_address),
        tool_tip=_tool_tip(state),
        fetch_label=_fetch_label(state),
        can_fetch=has_address and not state.is_usable,
        can_remove=state.can_remove,
    )


def size_text(count: int) -> str:
    """Bytes as people read them."""
    return _("{count:.1f} MB").format(count=count / 1e6)


def consent_text(entry: WeightsEntry, address: str | Path, bytes_here: int) -> str:
    """What the user is asked before anything is fetched."""
    missing = size_text(entry.bytes - bytes_here)
    if isinstance(address, Path):
        question = _("Copy the weights '{name}' ({size}) from {address}?")
    else:
        question = _(
            "Fetch the weights '{name}' ({size}) from\n{address}\n\nOnly this file is asked for; nothing about you or "
            "your images is sent. Licence: {licence}."
        )
    return question.format(name=entry.name, size=missing, address=address, licence=entry.licence)


def again_text(state: WeightsState) -> str:
    """What the user is asked before a damaged file makes room."""
    return _("{problem}\n\nRemove the damaged file and fetch it again?").format(problem=state.problem)


def remove_text(state: WeightsState) -> str:
    """What the user is asked before a file is removed."""
    return _("Remove the fetched weights '{name}' from this computer?").format(name=state.entry.name)


def verified_text(states: Sequence[WeightsState]) -> str:
    """How verifying ended."""
    damaged = [state for state in states if state.whereabouts is Whereabouts.DAMAGED]
    if damaged:
        return "\n".join(state.problem for state in damaged)
    count = sum(state.is_usable for state in states)
    return _("Verified: {count} files are whole (size and SHA-256).").format(count=count)


def progress_text(name: str, done: int, total: int) -> str:
    """How far a fetch is."""
    if not total:
        return _("{name}: connecting ...").format(name=name)
    return _("{name}: {done} of {total}").format(name=name, done=size_text(done), total=size_text(total))


def _fetch_label(state: WeightsState) -> str:
    if state.whereabouts is Whereabouts.BEGUN:
        return _("Go on fetching ...")
    return _("Fetch again ...") if state.whereabouts is Whereabouts.DAMAGED else _("Fetch ...")


def _state_text(state: WeightsState, has_address: bool) -> str:
    if state.whereabouts is Whereabouts.BEGUN:
        percent = 100 * state.bytes_here // state.entry.bytes
        return _("begun: {percent} %").format(percent=percent)
    texts = {
        Whereabouts.SHIPPED: _("here (came with the module)"),
        Whereabouts.FETCHED: _("here (fetched)"),
        Whereabouts.MISSING: _("can be fetched") if has_address else _("missing: install the module again"),
        Whereabouts.DAMAGED: _("damaged"),
    }
    return texts[state.whereabouts]


def _tool_tip(state: WeightsState) -> str:
    entry = state.entry
    lines = [
        _("Method: {method}").format(method=entry.method),
        _("Licence: {licence}").format(licence=entry.licence),
        _("File: {path}").format(path=state.path or entry.file),
        *([state.problem] if state.problem else []),
    ]
    return "\n".join(lines)
