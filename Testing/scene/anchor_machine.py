"""Random sequences of what a user and the tool can do to real segmentation nodes, and what must hold throughout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from slicerhost.fake_session import FakeSession

from Sli2VolSlicerLib.engine.errors import AnnotationError
from Sli2VolSlicerLib.scene.editor import SegmentWriter, modifier_image
from Sli2VolSlicerLib.scene.geometry import image_to_array
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation, add_volume, make_scene
from Sli2VolSlicerLib.scene.logic import SceneLogic
from Sli2VolSlicerLib.scene.memory import read_tag

SHAPE = (6, 14, 16)
SEGMENTS = ("A", "B")
DRAWN_FIRST = 2

segments = st.sampled_from(SEGMENTS)
slices = st.integers(0, SHAPE[0] - 1)


@dataclass(frozen=True, eq=False)
class State:
    """All that must come back: every segment's voxels and memory."""

    masks: dict[str, np.ndarray]
    tags: dict[str, str]

    def equals(self, other: State) -> bool:
        return self.tags == other.tags and all(np.array_equal(self.masks[s], other.masks[s]) for s in SEGMENTS)


class AnchorMachine(RuleBasedStateMachine):
    """Two segments that may overlap; every drawing is unlike any before it, so that none is mistaken for another."""

    session_options: ClassVar[dict[str, Any]] = {
        "make_method": lambda name, device: None,
        "make_session": FakeSession,
    }

    noise = 600

    @initialize(layers_shared=st.booleans(), overlapping=st.booleans())
    def paint_first(self, layers_shared: bool, overlapping: bool) -> None:
        pose = np.array([[0, -1.2, 0, 5], [-0.8, 0, 0, -7], [0, 0, 3.0, 11], [0, 0, 0, 1]])
        self.headless = make_scene()
        voxels = np.random.default_rng(1).integers(0, self.noise, SHAPE).astype(np.int16)
        voxels[:, 3:-3, 3:-3] += 600
        self.volume = add_volume(self.headless.scene, voxels, pose)
        self.segmentation = add_segmentation(self.headless.scene, self.volume)
        self.generator = np.random.default_rng(2)
        self.logic = SceneLogic(**self.session_options)
        self.drawn: dict[tuple[str, int], np.ndarray] = {}
        self.undone: list[State] = []
        self.steps: list[tuple[State, State]] = []
        for number, segment_id in enumerate(SEGMENTS):
            mask = np.zeros(SHAPE, dtype=bool)
            mask[DRAWN_FIRST] = self.unlike_any()
            if not overlapping:
                mask[DRAWN_FIRST, :, : SHAPE[2] // 2 + 1] &= number == 0
                mask[DRAWN_FIRST, :, SHAPE[2] // 2 + 1 :] &= number == 1
            add_segment(self.segmentation, segment_id, mask, pose)
            self.drawn[segment_id, DRAWN_FIRST] = mask[DRAWN_FIRST]
        if layers_shared:
            self.segmentation.GetSegmentation().CollapseBinaryLabelmaps(False)

    def unlike_any(self) -> np.ndarray:
        """A large blob with a ragged rim."""
        plane = np.zeros(SHAPE[1:], dtype=bool)
        plane[1:-1, 1:-1] = self.generator.random((SHAPE[1] - 2, SHAPE[2] - 2)) > 0.3
        plane[3:-3, 3:-3] = True
        return plane

    # What the user does in the Segment Editor.

    @rule(segment_id=segments, index=slices, empty=st.booleans())
    def draw(self, segment_id: str, index: int, empty: bool) -> None:
        mask = self.mask(segment_id)
        if empty and (not mask[index].any() or mask.any(axis=(1, 2)).sum() == 1 or self.is_last_filled(segment_id)):
            return
        mask[index] = False if empty else self.unlike_any()
        self.replace(segment_id, mask)
        self.drawn[segment_id, index] = mask[index]
        if empty and not self.tag(segment_id):
            del self.drawn[segment_id, index]  # without a memory an empty slice is like any other

    @rule(segment_id=segments, index=slices)
    def correct_what_was_filled_in(self, segment_id: str, index: int) -> None:
        if self.mask(segment_id)[index].any() and (segment_id, index) not in self.planes_of_anchors():
            self.draw(segment_id, index, empty=False)

    @rule(segment_id=segments, name=st.sampled_from(["Liver", "Kidney"]))
    def rename(self, segment_id: str, name: str) -> None:
        self.segmentation.GetSegmentation().GetSegment(segment_id).SetName(name)

    @rule()
    def turn_the_volume_over(self) -> None:
        voxels = image_to_array(self.volume.GetImageData())
        voxels[...] = voxels[::-1, ::-1].copy()
        self.volume.GetImageData().GetPointData().GetScalars().Modified()

    @rule()
    def add_and_draw_or_remove_a_segment(self) -> None:
        segmentation = self.segmentation.GetSegmentation()
        if segmentation.GetSegment("Other") is None:
            segmentation.AddEmptySegment("Other", "Other")
        else:
            segmentation.RemoveSegment("Other")

    # What the user asks the tool for.

    @rule(
        chosen=st.sampled_from([None, ["A"], ["B"]]),
        direction=st.sampled_from(["both", "up", "down"]),
        limits=st.none() | st.tuples(st.integers(0, 2), st.integers(2, 5)),
        may_overlap=st.booleans(),
    )
    def propagate(
        self, chosen: list[str] | None, direction: str, limits: tuple[int, int] | None, may_overlap: bool
    ) -> None:
        editor = None if may_overlap else self.editor_node()
        self.tool(
            lambda: self.logic.propagate(
                self.volume,
                self.segmentation,
                chosen,
                axis=0,
                direction=direction,
                slice_range=limits,
                segment_editor_node=editor,
            )
        )

    @rule()
    def propagate_everything(self) -> None:
        self.tool(lambda: self.logic.propagate(self.volume, self.segmentation))

    @rule(segment_id=segments, index=slices)
    def accept(self, segment_id: str, index: int) -> None:
        plane = self.mask(segment_id)[index]
        if self.tool(lambda: self.logic.accept(self.volume, self.segmentation, segment_id, index)):
            now = [(a.segment_id, a.slice_index) for a in self.anchors()]
            assert (segment_id, index) in now
            assert np.array_equal(self.mask(segment_id)[index], plane)

    @rule(segment_id=segments, index=slices)
    def release(self, segment_id: str, index: int) -> None:
        if self.tool(lambda: self.logic.release(self.volume, self.segmentation, segment_id, index), released=index):
            self.drawn.pop((segment_id, index), None)

    @rule(segment_id=segments, first=st.none() | slices, last=st.none() | slices)
    def limit(self, segment_id: str, first: int | None, last: int | None) -> None:
        self.tool(lambda: self.logic.limit_range(self.volume, self.segmentation, segment_id, first, last))

    @rule(segment_id=segments)
    def clear_limits(self, segment_id: str) -> None:
        self.tool(lambda: self.logic.clear_limits(self.segmentation, segment_id))

    @precondition(lambda self: self.steps)
    @rule()
    def undo(self) -> None:
        self.take_back()

    @precondition(lambda self: self.steps)
    @rule()
    def undo_everything(self) -> None:
        while self.steps:
            self.take_back()
        assert not self.logic.undo(self.segmentation)

    def take_back(self) -> None:
        before, (earlier, later) = self.state(), self.steps.pop()
        anchors = self.planes_of_anchors()
        assert self.logic.undo(self.segmentation)
        if before.equals(later):
            assert self.state().equals(earlier), "undo restores exactly"
        self.check_kept(anchors)
        self.forget_what_no_memory_holds()
        self.undone.append(before)
        self.left_by_undo = self.state()

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        before, expected = self.state(), self.undone.pop()
        anchors = self.planes_of_anchors()
        assert self.logic.redo(self.segmentation)
        if before.equals(self.left_by_undo):
            assert self.state().equals(expected), "redo restores exactly"
        self.check_kept(anchors)
        self.forget_what_no_memory_holds()
        self.steps.append((before, self.state()))
        self.left_by_undo = self.state()

    @invariant()
    def what_the_user_drew_is_there_bit_for_bit(self) -> None:
        for (segment_id, index), plane in getattr(self, "drawn", {}).items():
            assert np.array_equal(self.mask(segment_id)[index], plane), (segment_id, index)

    def tool(self, call: Any, released: int | None = None) -> Any:
        """Call the logic; a refusal changes nothing, anything else leaves every anchor as it was."""
        before, anchors = self.state(), self.planes_of_anchors()
        try:
            answer = call()
        except AnnotationError:
            assert self.state().equals(before), "a refusal changes nothing"
            return None
        self.check_kept(anchors)
        now = {(a.segment_id, a.slice_index) for a in self.anchors()}
        assert {key for key in anchors if key[1] != released} <= now, "an anchor stays one"
        after = self.state()
        is_step = getattr(getattr(answer, "report", None), "changed", True)
        if is_step and not after.equals(before):
            self.steps.append((before, after))
            self.undone = []
        return answer

    def check_kept(self, anchors: dict[tuple[str, int], np.ndarray]) -> None:
        for (segment_id, index), plane in anchors.items():
            assert np.array_equal(self.mask(segment_id)[index], plane), (segment_id, index)

    def forget_what_no_memory_holds(self) -> None:
        """An emptied slice of a propagation that was taken back is like any other empty slice."""
        now = {(a.segment_id, a.slice_index) for a in self.anchors()}
        self.drawn = {key: plane for key, plane in self.drawn.items() if plane.any() or key in now}

    def is_last_filled(self, segment_id: str) -> bool:
        """Whether erasing might be taken for beginning anew: at most one slice that was filled in is left."""
        own = {a.slice_index for a in self.anchors() if a.segment_id == segment_id}
        return len(set(np.flatnonzero(self.mask(segment_id).any(axis=(1, 2)))) - own) <= 1

    def anchors(self) -> tuple[Any, ...]:
        return self.logic.anchors(self.volume, self.segmentation)

    def planes_of_anchors(self) -> dict[tuple[str, int], np.ndarray]:
        masks = {segment_id: self.mask(segment_id) for segment_id in SEGMENTS}
        return {(a.segment_id, a.slice_index): masks[a.segment_id][a.slice_index] for a in self.anchors()}

    def state(self) -> State:
        return State({s: self.mask(s) for s in SEGMENTS}, {s: self.tag(s) for s in SEGMENTS})

    def tag(self, segment_id: str) -> str:
        return read_tag(self.segmentation.GetSegmentation().GetSegment(segment_id))

    def mask(self, segment_id: str) -> np.ndarray:
        segment = self.segmentation.GetSegmentation().GetSegment(segment_id)
        image = segment.GetRepresentation("Binary labelmap")
        result = np.zeros(SHAPE, dtype=bool)
        i0, i1, j0, j1, k0, k1 = image.GetExtent()
        if i1 >= i0:
            result[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1] = image_to_array(image) == segment.GetLabelValue()
        return result

    def replace(self, segment_id: str, mask: np.ndarray) -> None:
        segment, now = self.segmentation.GetSegmentation().GetSegment(segment_id), self.mask(segment_id)
        writer = SegmentWriter(self.segmentation)
        extent = (0, SHAPE[2] - 1, 0, SHAPE[1] - 1, 0, SHAPE[0] - 1)
        for write, values in ((writer.remove, now & ~mask), (writer.add, mask & ~now)):
            if values.any():
                write(segment_id, modifier_image(segment.GetRepresentation("Binary labelmap"), values, extent))

    def editor_node(self) -> Any:
        node = self.headless.scene.GetFirstNodeByName("Editor")
        if node is None:
            node = self.headless.scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode", "Editor")
            node.SetAndObserveSegmentationNode(self.segmentation)
        return node

    def teardown(self) -> None:
        if hasattr(self, "headless"):
            self.headless.scene.Clear(1)
