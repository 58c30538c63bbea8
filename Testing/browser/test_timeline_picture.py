"""What the page draws of a timeline."""

from __future__ import annotations

import numpy as np

from Sli2VolSlicerLib.browser.timeline_picture import BOTTOM, timeline_picture
from Sli2VolSlicerLib.scene.colours import SURE, UNSURE
from Sli2VolSlicerLib.scene.timeline import Timeline, TimelineStop


def timeline(**values: object) -> Timeline:
    given: dict[str, object] = {
        "slice_count": 4,
        "axis": 0,
        "filled": np.array([False, True, True, True]),
        "confidence": np.array([np.nan, 0.0, 1.0, np.nan], np.float32),
        "segment_confidence": {},
        "anchors": (),
        "stops": (),
        "limits": (None, None),
        "segment_limits": {},
    }
    return Timeline(**{**given, **values})  # type: ignore[arg-type]


def test_where_nothing_is_painted_nothing_is_drawn() -> None:
    assert timeline_picture(None) == {"count": 0, "description": "Nothing is painted yet."}


def test_sure_slices_have_high_blue_bars_and_doubtful_ones_low_orange_ones() -> None:
    doubtful, sure = timeline_picture(timeline())["bars"]
    assert (doubtful["x"], sure["x"]) == (1, 2)
    assert doubtful["h"] < sure["h"] and sure["y"] + sure["h"] == BOTTOM - 1
    assert doubtful["c"] == "#{:02x}{:02x}{:02x}".format(*UNSURE)
    assert sure["c"] == "#{:02x}{:02x}{:02x}".format(*SURE)


def test_what_lies_beyond_the_limits_is_hatched() -> None:
    assert timeline_picture(timeline(limits=(1, 2)))["hatched"] == [{"x": 0, "w": 1}, {"x": 3, "w": 1}]
    assert timeline_picture(timeline(limits=(0, 3)))["hatched"] == []


def test_a_pass_upwards_ends_at_the_far_side_of_its_last_slice() -> None:
    stops = (TimelineStop(2, 1, "why", "a", "A"), TimelineStop(1, -1, "why", "a", "A"))
    assert timeline_picture(timeline(stops=stops))["stops"] == [{"x": 3, "step": 1}, {"x": 1, "step": -1}]


def test_every_slice_has_its_words() -> None:
    picture = timeline_picture(timeline(recommended=1, reason="it is in doubt"))
    assert len(picture["words"]) == 4 and picture["recommended"] == 1
    assert picture["words"][1].endswith("Look here next: it is in doubt")
