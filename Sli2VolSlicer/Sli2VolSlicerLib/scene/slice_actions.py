"""What the user decides slice by slice: look at the next one, accept, stop here, release."""

from __future__ import annotations

from collections.abc import Callable

from ..engine.errors import Sli2VolError
from .background import Handlers
from .desk import Desk
from .offers import anchored, last_drawn_in_words, releasable
from .recommend import SceneRecommendation
from .slice_views import jump_to_slice
from .translation import tr as _


class SliceActions:
    """The buttons under the timeline.

    Args:
        desk: what is chosen.
        changed: called after anchors, limits or the recommendation have changed.
    """

    def __init__(self, desk: Desk, changed: Callable[[], object]) -> None:
        self._desk = desk
        self._changed = changed

    def go_to(self, index: int) -> None:
        """Show a slice in every view of the painted orientation."""
        desk = self._desk
        if desk.seen is None:
            return
        if jump_to_slice(desk.scene, desk.seen.slices, index) == 0:
            desk.say(_("No slice view shows the orientation that was painted in: choose it in one of the views."))

    def next(self) -> None:
        """Go to the slice that is most worth correcting; it is worked out first if need be."""
        desk = self._desk
        if desk.seen is None:
            desk.say(_("Paint the structure on one slice first; one through its middle is best."))
        elif desk.background.is_urgent:
            return
        elif desk.seen.timeline.recommended is None:
            desk.say(_("Looking for the slice that is most worth correcting ..."))
            self.recommend(go_there=True)
        else:
            self._go_to_recommended()

    def recommend(self, *, go_there: bool = False) -> None:
        """Work out, in the background, which slice is most worth correcting."""
        desk = self._desk
        try:
            job = desk.logic.begin_recommendation(desk.volume, desk.segmentation, desk.segments())
        except Sli2VolError as error:
            if go_there:
                desk.say_error(error)
            return

        def finished(found: tuple[SceneRecommendation, ...]) -> None:
            desk.recommendations = found
            self._changed()
            if go_there:
                self._go_to_recommended()

        def failed(error: BaseException) -> None:
            if go_there or not isinstance(error, Sli2VolError):
                desk.say_error(error)

        desk.background.start(job, Handlers(finished, failed), urgent=False)

    def accept(self) -> None:
        """Keep the slice that is shown as it is, for ever."""
        index = self._require_slice()
        if index is None:
            return
        yours = self._anchors_on(index)
        meant = [each for each in self._desk.segments() if each not in yours]
        if not meant:
            self._desk.say(_("Slice {slice} is yours already.").format(slice=index))
            return
        self._change(
            lambda each: self._desk.logic.accept(self._desk.volume, self._desk.segmentation, each, index),
            meant,
            _("Slice {slice} is yours now: it will not be changed.").format(slice=index),
        )

    def release(self) -> None:
        """Let the next propagation rewrite the slice that is shown."""
        index = self._require_slice()
        if index is None:
            return
        desk = self._desk
        yours, free = self._anchors_on(index), releasable(desk.seen, index)
        meant = [each for each in desk.segments() if each in yours]
        if not meant:
            desk.say(_("Slice {slice} is not one of yours.").format(slice=index))
            return
        released = [each for each in meant if each in free]
        if not released:
            desk.say(last_drawn_in_words())
            return
        words = _("The next propagation may rewrite slice {slice}.")
        if len(released) < len(meant):
            words = _(
                "The next propagation may rewrite slice {slice}, but for segments of which nothing else is drawn."
            )
        self._change(
            lambda each: desk.logic.release(desk.volume, desk.segmentation, each, index),
            released,
            words.format(slice=index),
        )

    def stop_here(self) -> None:
        """Take the shown slice and all beyond it away from the segment, now and in later propagations."""
        desk, index, segment_id = self._desk, self._require_slice(), self._desk.one_segment()
        if index is None or segment_id is None or desk.seen is None:
            return
        drawn = [a.slice_index for a in desk.seen.timeline.anchors if a.segment_id == segment_id and not a.is_empty]
        below, above = any(i < index for i in drawn), any(i > index for i in drawn)
        if index in drawn or (below and above) or not drawn:
            words = _("Slice {slice} does not lie beyond your slices of this segment: erase what is wrong instead.")
            desk.say(words.format(slice=index))
            return
        first, last = (None, index - 1) if below else (index + 1, None)
        self._change(
            lambda each: desk.logic.limit_range(desk.volume, desk.segmentation, each, first, last),
            [segment_id],
            _("The segment ends before slice {slice}, also in later propagations.").format(slice=index),
        )

    def clear_limits(self) -> None:
        """Let the selected segment be on all slices again."""
        segment_id = self._desk.one_segment()
        if segment_id is not None and self._desk.segmentation is not None:
            self._change(
                lambda each: self._desk.logic.clear_limits(self._desk.segmentation, each),
                [segment_id],
                _("The segment may be on all slices again."),
            )

    def _go_to_recommended(self) -> None:
        desk = self._desk
        if desk.seen is None or desk.seen.timeline.recommended is None:
            desk.say(_("No slice needs correcting more than the others."))
            return
        index = desk.seen.timeline.recommended
        self.go_to(index)
        desk.say("")
        self._rehearse(index)

    def _rehearse(self, index: int) -> None:
        """Get ready for the correction while the user draws it."""
        desk = self._desk
        try:
            job = desk.logic.begin_rehearsal(desk.volume, desk.segmentation, index, desk.segments())
        except Sli2VolError:
            # It only saves time: Propagate will say what is wrong.
            return
        desk.background.start(job, Handlers(lambda nothing: None, self._rehearsal_failed), urgent=False)

    def _rehearsal_failed(self, error: BaseException) -> None:
        if not isinstance(error, Sli2VolError):
            self._desk.say_error(error)

    def _require_slice(self) -> int | None:
        desk = self._desk
        if desk.seen is None:
            desk.say(_("Nothing is painted yet."))
            return None
        if desk.shown_slice is None:
            desk.say(_("No slice view shows the orientation that was painted in: choose it in one of the views."))
        return desk.shown_slice

    def _anchors_on(self, index: int) -> frozenset[str]:
        return anchored(self._desk.seen, index)

    def _change(self, change: Callable[[str], object], segments: list[str], words: str) -> None:
        """Change every segment as one step of the editor's undo."""
        desk = self._desk
        desk.save_state_for_undo(desk.segmentation)
        try:
            for each in segments:
                change(each)
            desk.say(words)
        except Sli2VolError as error:
            desk.say_error(error)
        self._changed()
