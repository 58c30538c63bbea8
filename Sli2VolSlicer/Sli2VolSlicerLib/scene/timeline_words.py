"""What the timeline shows, in words."""

from __future__ import annotations

import numpy as np

from .timeline import Timeline
from .translation import tr as _


def slice_in_words(timeline: Timeline, index: int) -> str:
    """Everything that is known of a slice, one thing per line."""
    lines = [_("Slice {slice}").format(slice=index)]
    for anchor in timeline.anchors:
        if anchor.slice_index == index:
            lines.append(_anchor_words(anchor.is_empty, anchor.is_accepted).format(segment=anchor.name))
    confidence = float(timeline.confidence[index])
    if bool(timeline.filled[index]) and not np.isnan(confidence):
        lines.append(_("Confidence {percent} %").format(percent=round(100 * confidence)))
    elif not timeline.filled[index]:
        lines.append(_("Nothing of the structure here"))
    for stop in timeline.stops:
        if stop.slice_index == index:
            way = _("upwards") if stop.step > 0 else _("downwards")
            words = _("Segment '{segment}' ends here {way}: {reason}")
            lines.append(words.format(segment=stop.name, way=way, reason=stop.reason))
    first, last = timeline.limits
    if (first is not None and index < first) or (last is not None and index > last):
        lines.append(_("Beyond the limits"))
    if timeline.recommended == index:
        lines.append(_("Look here next: {reason}").format(reason=timeline.reason))
    return "\n".join(lines)


def timeline_in_words(timeline: Timeline | None) -> str:
    """The whole of it in a sentence, for those who do not see it."""
    if timeline is None:
        return _("Nothing is painted yet.")
    words = _("{filled} of {all} slices hold the structure, {anchors} are yours.")
    anchors = len({anchor.slice_index for anchor in timeline.anchors})
    return words.format(filled=int(timeline.filled.sum()), all=timeline.slice_count, anchors=anchors)


def _anchor_words(is_empty: bool, is_accepted: bool) -> str:
    if is_empty:
        return _("You said that segment '{segment}' is not here")
    if is_accepted:
        return _("You accepted segment '{segment}' here")
    return _("You drew segment '{segment}' here")
