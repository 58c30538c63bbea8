"""The strip under the views: the timeline, and what can be done slice by slice."""

from __future__ import annotations

from collections.abc import Callable

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..scene.colours import MARK
from .session import Session
from .timeline_picture import ANCHORS, BOTTOM, TOP

_INK = "#e8edf3"
_MARK = f"rgb({MARK[0]}, {MARK[1]}, {MARK[2]})"
_HEIGHT = 76

# A slice in percent of the strip's width: shapes keep their size in pixels however wide the page is.
_SVG = f"""
<svg class="sli2vol-timeline" id="sli2vol-timeline" tabindex="0" role="slider" aria-label="Timeline of the slices"
  :aria-valuenow="shown_slice" :aria-valuemax="timeline.count - 1" :aria-valuetext="timeline.description"
  xmlns="http://www.w3.org/2000/svg">
  <defs>
    <pattern id="sli2vol-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <line x1="0" y1="0" x2="0" y2="6" stroke="{_INK}" stroke-width="1.4" />
    </pattern>
  </defs>
  <rect x="0" y="{TOP}" width="100%" height="{BOTTOM - TOP}" fill="#0d1014" stroke="#3a4450" />
  <text v-if="!timeline.count" x="10" y="{(TOP + BOTTOM) / 2 + 4}" fill="#9aa7b5" font-size="12">
    Paint a slice and propagate: what comes of every slice is shown here.</text>
  <template v-if="timeline.count">
    <rect v-for="b in timeline.bars" :key="'b' + b.x" :x="100 * b.x / timeline.count + '%'" :y="b.y"
      :width="100 / timeline.count + '%'" :height="b.h" :fill="b.c" shape-rendering="crispEdges" />
    <rect v-for="h in timeline.hatched" :key="'h' + h.x" :x="100 * h.x / timeline.count + '%'" y="{TOP}"
      :width="100 * h.w / timeline.count + '%'" height="{BOTTOM - TOP}" fill="url(#sli2vol-hatch)" />
    <svg v-for="(s, n) in timeline.stops" :key="'s' + n" :x="100 * s.x / timeline.count + '%'" y="0" overflow="visible">
      <path :d="'M ' + (-6 * s.step) + ' {TOP + 1} H 0 V {BOTTOM - 1} H ' + (-6 * s.step)" fill="none" stroke="{_INK}"
        stroke-width="2" />
    </svg>
    <svg v-for="(a, n) in timeline.anchors" :key="'a' + n" :x="100 * (a.x + 0.5) / timeline.count + '%'" y="{ANCHORS}"
      overflow="visible">
      <path v-if="a.kind === 'empty'" d="M -4 -4 L 4 4 M -4 4 L 4 -4" stroke="{_INK}" stroke-width="1.6" />
      <path v-else d="M 0 -5 L 5 5 L -5 5 Z" :fill="a.kind === 'drawn' ? '{_INK}' : 'none'" stroke="{_INK}"
        stroke-width="1.4" />
    </svg>
    <svg v-if="timeline.recommended >= 0" :x="100 * (timeline.recommended + 0.5) / timeline.count + '%'" y="0"
      overflow="visible">
      <path d="M 0 {TOP - 1} L 6 3 L -6 3 Z" fill="{_MARK}" stroke="#000" />
    </svg>
    <rect v-if="shown_slice >= 0" :x="100 * shown_slice / timeline.count + '%'" y="{TOP - 2}"
      :width="'max(4px, ' + 100 / timeline.count + '%)'" :style="'width: max(4px, ' + 100 / timeline.count + '%)'"
      height="{BOTTOM - TOP + 4}" fill="none" stroke="{_INK}" stroke-width="2" />
    <text x="0" y="{_HEIGHT - 3}" fill="#9aa7b5" font-size="11">0</text>
    <text x="100%" y="{_HEIGHT - 3}" fill="#9aa7b5" font-size="11" text-anchor="end">{{{{ timeline.count - 1 }}}}</text>
    <text v-if="shown_slice > timeline.count * 0.03 && shown_slice < timeline.count * 0.96"
      :x="100 * (shown_slice + 0.5) / timeline.count + '%'" y="{_HEIGHT - 3}" fill="{_INK}" font-size="11"
      text-anchor="middle">{{{{ shown_slice }}}}</text>
  </template>
</svg>
"""


def build_timeline(session: Session) -> None:
    """The strip and its buttons."""
    slices = session.slices
    with html.Div(classes="px-3 pt-1 pb-2", style="background: #1d232b; border-top: 1px solid #3a4450;"):
        with html.Div(style="position: relative;"):
            html.Div(_SVG)
            html.Div(
                "{{ hover_words }}",
                v_if=("hover_words",),
                classes="sli2vol-words px-2 py-1",
                style=("`left: min(${hover_percent}%, 100% - 320px);`",),
                id="sli2vol-hover",
            )
        with html.Div(classes="d-flex align-center flex-wrap", style="gap: 8px;"):
            _button("Next slice", "N", slices.next, "next", "mdi-map-marker-right-outline")
            _button("Accept slice", "A", slices.accept, "accept", "mdi-check")
            _button("Stop here", "", slices.stop_here, "stop", "mdi-content-cut")
            # A button that is switched off shows no tool tip of its own.
            with html.Span(title=("release_tip",)):
                _button("Release anchor", "", slices.release, "release", "mdi-lock-open-variant-outline")
            _button("Clear limits", "", slices.clear_limits, "clear_limits", "mdi-arrow-expand-horizontal")
            # It has its place at all times: the views must not change their size when it comes.
            html.Span("{{ reason }}", title=("reason",), classes="text-caption ml-2", id="sli2vol-reason")


def _button(words: str, key: str, act: Callable[[], object], offer: str, icon: str) -> None:
    with v3.VBtn(
        prepend_icon=icon,
        size="small",
        variant="tonal",
        click=act,
        disabled=(f"!offers.{offer}",),
        id=f"sli2vol-{offer}",
    ):
        html.Span(words)
        if key:
            html.Span(key, classes="sli2vol-key")
