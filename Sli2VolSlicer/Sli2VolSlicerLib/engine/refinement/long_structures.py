"""Vessels, cords and airways: refinement may not end them early, and where they divide they have ended.

Refinement has seen few of them; a pass that follows one knows more than it does.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from ..passes import Pass, overlap_with_before
from ..protocol import Region

_LONG = 2.5
"""Square roots of the drawn area: what is still there so far away is a long structure."""

_LIKE_AREA, _LIKE_PLACE = (0.25, 4.0), 0.5
"""A pass holds on while its area over the drawn one lies within these, and its Dice with the slice before is this."""

_SECOND_PART = 0.2
"""A slice is divided if its second largest part has this share of it at least."""

_WHOLE_BEFORE, _DIVIDED_AFTER = 3, 3
"""At a fork so many slices, one after another, are divided, and so many before them are not."""

_LONG_BEFORE_A_FORK = 1.5
"""Square roots of the drawn area that a structure must have held on for: kidneys are divided at the hilum, jaws where
the rami part, and go on."""


def held_on(run: Pass, length: int) -> int:
    """Slices of a long structure, which refinement may not end; 0 where the pass is not of one.

    A compact structure is over within about half a square root of its largest area. What still holds its area and its
    place after `_LONG` of them is a vessel, a cord or an airway, and refinement, which has seen few, ended those early.

    Args:
        run: the pass.
        length: it is looked at up to so many slices after its anchor, and no farther: what it found beyond, before a
            limit or another drawn slice came, changes nothing.
    """
    if min(length, len(run.results)) * _between(run) < _LONG:
        return 0
    found = ((result.region, result.soft > 0.5) for result in run.results[:length])
    held = _slices_held(run.drawn > 0.5, found)
    return held if held * _between(run) >= _LONG else 0


def forked_at(run: Pass, drawn: np.ndarray, masks: np.ndarray) -> int | None:
    """Which is the first slice past a fork of a long structure; None where there is no fork.

    An airway or a great vessel that divides has another name from there on.

    Args:
        run: the pass.
        drawn: bool (rows, columns), what it starts from, in a region around all of it.
        masks: bool (slices, rows, columns), the pass's slices in its order, in the same region.
    """
    if len(masks) * _between(run) < _LONG_BEFORE_A_FORK or _is_divided(drawn):
        return None
    divided = [_is_divided(mask) for mask in masks]
    for place in range(_WHOLE_BEFORE, len(masks) - _DIVIDED_AFTER + 1):
        if all(divided[place : place + _DIVIDED_AFTER]) and not any(divided[place - _WHOLE_BEFORE : place]):
            whole = Region(0, drawn.shape[0], 0, drawn.shape[1])
            held = _slices_held(drawn, ((whole, mask) for mask in masks[:place]))
            return place if held == place and place * _between(run) >= _LONG_BEFORE_A_FORK else None
    return None


def _between(run: Pass) -> float:
    """The distance of two slices in square roots of the drawn area."""
    between, row, column = run.grid.spacing_mm
    return between / float(np.sqrt(run.drawn_area * row * column))


def _slices_held(drawn: np.ndarray, found: Iterable[tuple[Region, np.ndarray]]) -> int:
    """Slices, from the first on, on which the structure holds its area and its place.

    Args:
        drawn: bool (rows, columns), what it starts from.
        found: slice by slice where it lies there, and bool (region rows, region columns).
    """
    before, held = drawn.copy(), 0
    least, most = (share * int(drawn.sum()) for share in _LIKE_AREA)
    for region, now in found:
        if not least <= int(now.sum()) <= most or overlap_with_before(before, now, region) < _LIKE_PLACE:
            break
        before[:] = False
        before[region.slices] = now
        held += 1
    return held


def _is_divided(mask: np.ndarray) -> bool:
    parts, count = ndimage.label(mask)
    if count < 2:
        return False
    areas = np.sort(np.bincount(parts.ravel())[1:])
    return bool(areas[-2] >= _SECOND_PART * areas.sum())
