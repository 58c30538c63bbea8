"""The strip along the slices: what it draws, says and lets be clicked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from Sli2VolSlicerLib.scene.anchors import SceneAnchor
from Sli2VolSlicerLib.scene.colours import SURE, UNSURE
from Sli2VolSlicerLib.scene.timeline import Timeline, TimelineStop

COUNT = 20


def timeline(**changes: Any) -> Timeline:
    """Slices 4 to 12 are filled, sure up to 8 and unsure from 9 on; 6 was drawn."""
    filled = np.zeros(COUNT, dtype=bool)
    filled[4:13] = True
    confidence = np.full(COUNT, np.nan, dtype=np.float32)
    confidence[4:9], confidence[9:13] = 1.0, 0.4
    plain = Timeline(
        slice_count=COUNT,
        axis=0,
        filled=filled,
        confidence=confidence,
        segment_confidence={"A": confidence},
        anchors=(SceneAnchor("A", "Liver", 0, 6, is_empty=False, is_accepted=False),),
        stops=(TimelineStop(12, 1, "the area collapsed", "A", "Liver"),),
        limits=(None, None),
        segment_limits={},
    )
    return replace(plain, **changes)


@pytest.fixture
def strip(desktop: Any) -> Any:
    """A strip of 420 pixels that notes where it was asked to go."""
    from Sli2VolSlicerLib.panel.timeline_strip import TimelineStrip

    went: list[int] = []
    widget = TimelineStrip(went.append)
    widget.went = went
    widget.resize(420, widget.minimumHeight)
    widget.show()
    yield widget
    widget.deleteLater()


def colour_at(strip: Any, index: int, share: float = 0.0) -> tuple[int, int, int]:
    """The colour of a slice's bar, `share` of the way from its foot to its top."""
    x = strip.position_of(index)[0]
    top, bottom = strip._bands(COUNT).bars
    y = round(bottom - 3 - share * (bottom - top - 6))
    colour = strip.grab().toImage().pixelColor(x, y)
    return colour.red(), colour.green(), colour.blue()


def test_sure_slices_are_blue_and_high_and_unsure_ones_orange_and_low(strip: Any) -> None:
    strip.show_timeline(timeline())
    assert colour_at(strip, 5) == SURE
    assert colour_at(strip, 5, 0.9) == SURE
    assert colour_at(strip, 10) == UNSURE
    assert colour_at(strip, 10, 0.9) != UNSURE


def test_slices_without_the_structure_are_empty(strip: Any) -> None:
    strip.show_timeline(timeline())
    assert colour_at(strip, 2) == colour_at(strip, 17)
    assert colour_at(strip, 2) not in (SURE, UNSURE)


def test_more_slices_than_pixels_show_the_least_sure_of_each_pixel(strip: Any) -> None:
    count = 4200
    confidence = np.ones(count, dtype=np.float32)
    confidence[2100] = 0.4
    strip.show_timeline(
        timeline(slice_count=count, filled=np.ones(count, dtype=bool), confidence=confidence, anchors=(), stops=())
    )
    bands = strip._bands(count)
    x, y = int(bands.middle(2100)), round(bands.bars[1] - 3)
    colour = strip.grab().toImage().pixelColor(x, y)
    assert (colour.red(), colour.green(), colour.blue()) == UNSURE


def test_a_click_and_a_drag_go_to_slices(strip: Any) -> None:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    strip.show_timeline(timeline())
    QTest.mousePress(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(*strip.position_of(3)))
    QTest.mouseMove(strip, QPoint(*strip.position_of(9)))
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(*strip.position_of(9)))
    assert strip.went[0] == 3
    assert set(strip.went) <= {3, 9}


@pytest.mark.parametrize(
    ("key", "target"), [("Left", 7), ("Right", 9), ("Home", 0), ("End", COUNT - 1), ("PgUp", 18), ("PgDown", 0)]
)
def test_the_keyboard_goes_to_slices(strip: Any, key: str, target: int) -> None:
    from PySide6.QtGui import QKeySequence
    from PySide6.QtTest import QTest

    strip.show_timeline(timeline())
    strip.show_slice(8)
    QTest.keyClick(strip, QKeySequence(key)[0].key())
    assert strip.went == [target]


def test_without_a_timeline_a_click_goes_nowhere(strip: Any) -> None:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    strip.show_timeline(None)
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(50, 20))
    assert strip.went == []
    assert strip.accessibleDescription == "Nothing is painted yet."


def test_a_slice_is_told_in_words(desktop: Any) -> None:
    from Sli2VolSlicerLib.scene.timeline_words import slice_in_words, timeline_in_words

    shown = timeline(recommended=12, reason="the pass from slice 6 is unsure here", limits=(2, None))
    assert slice_in_words(shown, 6).splitlines() == ["Slice 6", "You drew segment 'Liver' here", "Confidence 100 %"]
    assert slice_in_words(shown, 12).splitlines() == [
        "Slice 12",
        "Confidence 40 %",
        "Segment 'Liver' ends here upwards: the area collapsed",
        "Look here next: the pass from slice 6 is unsure here",
    ]
    assert slice_in_words(shown, 1).splitlines() == ["Slice 1", "Nothing of the structure here", "Beyond the limits"]
    assert timeline_in_words(shown) == "9 of 20 slices hold the structure, 1 are yours."


@pytest.mark.parametrize(
    ("is_empty", "is_accepted", "words"),
    [(True, False, "is not here"), (False, True, "You accepted"), (False, False, "You drew")],
)
def test_anchors_are_told_apart_in_words(desktop: Any, is_empty: bool, is_accepted: bool, words: str) -> None:
    from Sli2VolSlicerLib.scene.timeline_words import slice_in_words

    anchor = SceneAnchor("A", "Liver", 0, 6, is_empty=is_empty, is_accepted=is_accepted)
    assert words in slice_in_words(timeline(anchors=(anchor,)), 6)
