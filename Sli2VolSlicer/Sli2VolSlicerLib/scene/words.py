"""What the panel and the browser's page say, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.errors import Sli2VolError
from ..engine.records import Progress, StopReason
from .logic import SceneResult
from .look import Look
from .translation import tr as _

_UNREMARKABLE = (StopReason.END_OF_VOLUME, StopReason.NEXT_ANCHOR)


def progress_in_words(progress: Progress) -> str:
    """Slice by slice, while it runs."""
    words = _("Slice {slice}: {done} of at most {total}")
    return words.format(slice=progress.slice_index, done=progress.done, total=progress.total)


def result_in_words(result: SceneResult) -> str:
    """What a propagation did, where its passes ended of themselves, and what else the user should know."""
    if not result.report.changed:
        first = _("Nothing has changed: the result is as it was.")
    else:
        words = _("{slices} slices from {anchors} of yours: {added} voxels added, {removed} removed.")
        first = words.format(
            slices=result.propagation.slices_filled,
            anchors=len({anchor.slice_index for anchor in result.capture.anchors}),
            added=sum(result.report.added_voxels.values()),
            removed=sum(result.report.removed_voxels.values()),
        )
    return "\n".join([first, *_endings(result), *result.propagation.notes, *result.notes])


def _endings(result: SceneResult) -> Sequence[str]:
    lines = []
    for each in result.propagation.passes:
        if each.reason in _UNREMARKABLE:
            continue
        way = _("upwards") if each.step > 0 else _("downwards")
        words = _("'{segment}' ends {way} on slice {slice}: {reason}.")
        name = result.capture.segments[each.label - 1].name
        lines.append(words.format(segment=name, way=way, slice=each.last_slice, reason=_(each.reason.value)))
    return lines


def error_in_words(error: BaseException) -> str:
    """What went wrong; of what should never happen only the kind, since its text says nothing to the user."""
    if isinstance(error, Sli2VolError):
        return str(error)
    words = _("Something went wrong inside ({kind}: {text}). Nothing was changed; the details are in the log.")
    return words.format(kind=type(error).__name__, text=error)


def sizes_in_words(seen: Look) -> str:
    """Per segment its slices and mL."""
    words = _("{name}: {ml} mL, slices: {slices}")
    return " · ".join(
        words.format(name=seen.names[each], slices=size.slices, ml=_rounded(size.millilitres))
        for each, size in seen.sizes.items()
    )


def reason_in_words(seen: Look | None) -> str:
    """Which slice is recommended, and why; "" where none is."""
    if seen is None or seen.timeline.recommended is None:
        return ""
    words = _("Next: slice {slice}. {reason}.")
    reason = seen.timeline.reason[:1].upper() + seen.timeline.reason[1:]
    return words.format(slice=seen.timeline.recommended, reason=reason)


def numbers_in_words(seen: Look | None, result: SceneResult | None) -> str:
    """Slices, mL, seconds and device, as far as there are any."""
    parts = [] if seen is None else [sizes_in_words(seen)]
    parts += [] if result is None else [speed_in_words(result)]
    return "\n".join(parts)


def speed_in_words(result: SceneResult) -> str:
    """How long the last propagation took, and on what."""
    words = _("{seconds} s on {device}")
    return words.format(seconds=f"{result.seconds['total']:.1f}", device=result.propagation.device)


def _rounded(millilitres: float) -> str:
    """Three digits that mean something."""
    if millilitres >= 100:
        return f"{millilitres:.0f}"
    return f"{millilitres:.1f}" if millilitres >= 1 else f"{millilitres:.3f}"
