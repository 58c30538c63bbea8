"""One strip along the slices: how sure each is, which are the user's, where passes stopped, where to look next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import qt

from ..scene.colours import MARK, confidence_colour, sureness
from ..scene.timeline import Timeline
from ..scene.timeline_words import slice_in_words, timeline_in_words
from ..scene.translation import tr as _


@dataclass(frozen=True)
class Bands:
    """Where things are, from top to bottom, in pixels; the unit is the height of the widget's font.

    Attributes:
        left, width: of what stands for the slices.
        unit: the font's height.
        slice_count: how many slices there are.
    """

    left: float
    width: float
    unit: float
    slice_count: int

    @property
    def bars(self) -> tuple[float, float]:
        """Top and bottom of the bars."""
        return 1.15 * self.unit, 2.9 * self.unit

    @property
    def anchors(self) -> float:
        """Middle of the row of the user's slices."""
        return 3.35 * self.unit

    @property
    def height(self) -> float:
        """Of everything."""
        return 4.9 * self.unit

    def edges(self, index: int) -> tuple[float, float]:
        """Left and right of a slice."""
        step = self.width / self.slice_count
        return self.left + index * step, self.left + (index + 1) * step

    def middle(self, index: int) -> float:
        """Where a slice is."""
        return sum(self.edges(index)) / 2

    def slice_at(self, x: float) -> int:
        """The slice at a horizontal position; the first or last one beyond the ends."""
        return int(np.clip((x - self.left) * self.slice_count / self.width, 0, self.slice_count - 1))


class TimelineStrip(qt.QWidget):
    """Draws a timeline; a click, a drag or the arrow keys go to a slice.

    Args:
        go_to: called with the slice that the user wants to see.
    """

    def __init__(self, go_to: Callable[[int], object], parent: Any | None = None) -> None:
        super().__init__(parent)
        self._go_to = go_to
        self._timeline: Timeline | None = None
        self._shown: int | None = None
        self.objectName = "timelineStrip"
        self.mouseTracking = True
        self.focusPolicy = qt.Qt.StrongFocus
        self.minimumHeight = int(self._bands(1).height) + 1
        self.maximumHeight = self.minimumHeight
        self.accessibleName = _("Timeline of the slices")

    @property
    def timeline(self) -> Timeline | None:
        """What is drawn."""
        return self._timeline

    @property
    def shown_slice(self) -> int | None:
        """The slice that is marked as the one in the slice views."""
        return self._shown

    def show_timeline(self, timeline: Timeline | None) -> None:
        """Draw this; None draws an empty strip."""
        self._timeline = timeline
        self.accessibleDescription = timeline_in_words(timeline)
        self.update()

    def show_slice(self, index: int | None) -> None:
        """Mark the slice that the slice views show; None where they show none of this axis."""
        if index != self._shown:
            self._shown = index
            self.update()

    def position_of(self, index: int) -> tuple[int, int]:
        """Where a slice's bar is, x and y in pixels of the strip."""
        bands = self._bands(self._timeline.slice_count if self._timeline else 1)
        return round(bands.middle(index)), round(sum(bands.bars) / 2)

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = qt.QPainter()
        painter.begin(self)
        painter.setRenderHint(qt.QPainter.Antialiasing, True)
        count = self._timeline.slice_count if self._timeline else 1
        picture = _Picture(painter, self._bands(count), self.palette)
        picture.track()
        if self._timeline is None:
            picture.hint(_("Paint a slice and propagate: what comes of every slice is shown here."))
        else:
            picture.timeline(self._timeline, self._shown)
        if self.focus:
            picture.focus_frame(self.width, self.height)
        painter.end()

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802
        if event.button() == qt.Qt.LeftButton:
            self._go_to_position(event.pos().x())

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802
        if self._timeline is None:
            return
        bands = self._bands(self._timeline.slice_count)
        self.toolTip = slice_in_words(self._timeline, bands.slice_at(event.pos().x()))
        if event.buttons() & qt.Qt.LeftButton:
            self._go_to_position(event.pos().x())

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        count = self._timeline.slice_count if self._timeline else 0
        now = self._shown if self._shown is not None else 0
        targets = {
            qt.Qt.Key_Left: now - 1,
            qt.Qt.Key_Right: now + 1,
            qt.Qt.Key_PageUp: now + 10,
            qt.Qt.Key_PageDown: now - 10,
            qt.Qt.Key_Home: 0,
            qt.Qt.Key_End: count - 1,
        }
        if not count or event.key() not in targets:
            event.ignore()
            return
        self._go_to(min(count - 1, max(0, targets[event.key()])))

    def _go_to_position(self, x: int) -> None:
        if self._timeline is not None:
            index = self._bands(self._timeline.slice_count).slice_at(x)
            if index != self._shown:
                self._go_to(index)

    def _bands(self, slice_count: int) -> Bands:
        unit = float(qt.QFontMetrics(self.font).height())
        margin = 0.5 * unit
        return Bands(margin, max(1.0, self.width - 2 * margin), unit, max(1, slice_count))


class _Picture:
    """Draws the parts of a timeline."""

    def __init__(self, painter: Any, bands: Bands, palette: Any) -> None:
        self._painter = painter
        self._bands = bands
        self._ink = palette.color(qt.QPalette.WindowText)
        self._base = palette.color(qt.QPalette.Base)
        self._quiet = palette.color(qt.QPalette.Mid)
        self._accent = palette.color(qt.QPalette.Highlight)

    def track(self) -> None:
        """The ground on which the bars stand."""
        top, bottom = self._bands.bars
        self._painter.setPen(_pen(self._quiet, 1))
        self._painter.setBrush(qt.QBrush(self._base))
        self._painter.drawRect(qt.QRectF(self._bands.left, top, self._bands.width, bottom - top))

    def hint(self, text: str) -> None:
        """A sentence where there is nothing else."""
        top, bottom = self._bands.bars
        self._painter.setPen(_pen(self._ink, 1))
        inside = qt.QRectF(self._bands.left + 4, top, self._bands.width - 8, bottom - top)
        metrics = qt.QFontMetrics(self._painter.font())
        shown = metrics.elidedText(text, qt.Qt.ElideRight, int(self._bands.width) - 8)
        self._painter.drawText(inside, qt.Qt.AlignVCenter | qt.Qt.AlignLeft, shown)

    def timeline(self, timeline: Timeline, shown: int | None) -> None:
        """Everything."""
        self._bars(timeline)
        self._beyond_limits(timeline)
        self._stops(timeline)
        self._anchors(timeline)
        self._recommendation(timeline)
        self._shown(shown)
        self._numbers(timeline, shown)

    def focus_frame(self, width: int, height: int) -> None:
        """That the arrow keys go here."""
        self._painter.setPen(_pen(self._accent, 1))
        self._painter.setBrush(qt.QBrush(qt.Qt.NoBrush))
        self._painter.drawRect(qt.QRectF(0.5, 0.5, width - 1, height - 1))

    def _bars(self, timeline: Timeline) -> None:
        top, bottom = self._bands.bars
        self._painter.setPen(qt.QPen(qt.Qt.NoPen))
        for left, right, confidence in _columns(timeline, self._bands):
            share = sureness(confidence)
            height = (bottom - top - 2) * (0.25 + 0.75 * share)
            self._painter.setBrush(qt.QBrush(qt.QColor(*confidence_colour(share))))
            self._painter.drawRect(qt.QRectF(left, bottom - 1 - height, right - left, height))

    def _beyond_limits(self, timeline: Timeline) -> None:
        first, last = timeline.limits
        top, bottom = self._bands.bars
        brush = qt.QBrush(self._ink, qt.Qt.BDiagPattern)
        ends = (self._bands.left, self._bands.left + self._bands.width)
        spans = [] if first is None else [(ends[0], self._bands.edges(first)[0])]
        spans += [] if last is None else [(self._bands.edges(last)[1], ends[1])]
        for left, right in spans:
            self._painter.fillRect(qt.QRectF(left, top, right - left, bottom - top), brush)

    def _stops(self, timeline: Timeline) -> None:
        """A thick post where a pass ended of itself."""
        top, bottom = self._bands.bars
        self._painter.setPen(_pen(self._ink, max(2.0, self._bands.unit / 8)))
        for stop in timeline.stops:
            left, right = self._bands.edges(stop.slice_index)
            x = right if stop.step > 0 else left
            self._painter.drawLine(qt.QPointF(x, top + 1), qt.QPointF(x, bottom - 1))
            foot = x - stop.step * self._bands.unit / 3
            for y in (top + 1, bottom - 1):
                self._painter.drawLine(qt.QPointF(x, y), qt.QPointF(foot, y))

    def _anchors(self, timeline: Timeline) -> None:
        """Drawn: a full triangle. Accepted: a hollow one. Empty: a cross."""
        size, middle = 0.32 * self._bands.unit, self._bands.anchors
        for anchor in timeline.anchors:
            x = self._bands.middle(anchor.slice_index)
            self._painter.setPen(_pen(self._ink, max(1.2, self._bands.unit / 12)))
            if anchor.is_empty:
                for sign in (-1, 1):
                    ends = qt.QPointF(x - size, middle - sign * size), qt.QPointF(x + size, middle + sign * size)
                    self._painter.drawLine(*ends)
                continue
            self._painter.setBrush(qt.QBrush(self._base if anchor.is_accepted else self._ink))
            self._triangle(x, middle - size, middle + size, size)

    def _recommendation(self, timeline: Timeline) -> None:
        if timeline.recommended is None:
            return
        unit = self._bands.unit
        self._painter.setPen(_pen(self._ink, max(1.0, unit / 14)))
        self._painter.setBrush(qt.QBrush(qt.QColor(*MARK)))
        self._triangle(self._bands.middle(timeline.recommended), 1.1 * unit, 0.4 * unit, 0.42 * unit)

    def _shown(self, shown: int | None) -> None:
        if shown is None:
            return
        top, bottom = self._bands.bars
        left, right = self._bands.edges(shown)
        spare = max(0.0, (self._bands.unit / 5 - (right - left)) / 2)
        self._painter.setPen(_pen(self._ink, max(1.6, self._bands.unit / 9)))
        self._painter.setBrush(qt.QBrush(qt.Qt.NoBrush))
        self._painter.drawRect(qt.QRectF(left - spare, top - 2, right - left + 2 * spare, bottom - top + 4))

    def _numbers(self, timeline: Timeline, shown: int | None) -> None:
        """First, last and shown slice."""
        unit, last = self._bands.unit, timeline.slice_count - 1
        metrics = qt.QFontMetrics(self._painter.font())
        self._painter.setPen(_pen(self._ink, 1))
        taken: list[tuple[float, float]] = []
        for index in dict.fromkeys(i for i in (shown, 0, last) if i is not None):
            width = float(metrics.boundingRect(str(index)).width() + 4)
            ends = self._bands.left, self._bands.left + self._bands.width - width
            left = min(ends[1], max(ends[0], self._bands.middle(index) - width / 2))
            if any(left < right and start < left + width for start, right in taken):
                continue
            taken.append((left - 4, left + width + 4))
            self._painter.drawText(qt.QRectF(left, 3.85 * unit, width, unit), qt.Qt.AlignCenter, str(index))

    def _triangle(self, x: float, tip: float, base: float, half: float) -> None:
        corners = [qt.QPointF(x, tip), qt.QPointF(x - half, base), qt.QPointF(x + half, base)]
        path = qt.QPainterPath()
        path.moveTo(corners[0])
        for corner in (*corners[1:], corners[0]):
            path.lineTo(corner)
        self._painter.drawPath(path)


def _pen(colour: Any, width: float) -> Any:
    pen = qt.QPen(colour)
    pen.setWidthF(width)
    return pen


def _columns(timeline: Timeline, bands: Bands) -> Iterator[tuple[float, float, float]]:
    """Left, right and confidence of every bar; where slices are narrower than a pixel the least sure one is shown."""
    least: dict[int, float] = {}
    for index in np.flatnonzero(timeline.filled):
        value = float(timeline.confidence[index])
        if np.isnan(value):
            continue
        if bands.width >= bands.slice_count:
            yield (*bands.edges(int(index)), value)
        else:
            x = int(bands.middle(int(index)))
            least[x] = min(value, least.get(x, 1.0))
    for x, value in least.items():
        yield float(x), float(x + 1), value
