"""The panel: what is chosen and shown, and how its parts hear of each other and of the scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import slicer
import vtk

from ..scene.advice import Advice
from ..scene.background import Background, Handlers
from ..scene.confidence_layer import ConfidenceLayer
from ..scene.jobs import WarmUpJob
from ..scene.logic import SceneLogic
from ..scene.observers import Observers, changes_of
from ..scene.offers import Offers
from ..scene.panel_state import PanelState, parameter_node, read_state, write_state
from ..scene.propagating import Propagating
from ..scene.slice_actions import SliceActions
from ..scene.slice_views import slice_nodes
from ..scene.translation import tr as _
from ..scene.words import numbers_in_words, reason_in_words
from ..scene.worker import Worker
from .desk import BigButton, Desk, show_text
from .embedded_editor import EmbeddedEditor
from .options import Options
from .sections import Sections
from .shortcuts import Shortcuts
from .timeline_strip import TimelineStrip
from .timers import QtTimer

_SCENE, _SEGMENTS, _VIEWS = "scene", "segments", "views"
"""Groups of observers."""

_SETTLING_MS = 150
"""The segments are looked at when nothing has happened to them for so long."""


class Sli2VolPanel:
    """Everything the user sees of the module.

    Args:
        logic: does the work in the scene.
        scene: the vtkMRMLScene.
        widget: what slicer.util.loadUI made of the .ui file.
        find_window: the window that keys are put on.
    """

    def __init__(self, logic: SceneLogic, scene: Any, widget: Any, find_window: Callable[[], Any]) -> None:
        self.widget = widget
        self.ui = slicer.util.childWidgetVariables(widget)
        self._scene = scene
        self._is_entered = self._is_updating = self._is_warm = False
        self.editor = EmbeddedEditor(scene)
        self.ui.editorSection.layout().addWidget(self.editor.widget)
        self.options = Options(self.ui, self._on_options)
        self.background = Background(Worker(), QtTimer)
        self.desk = Desk(scene, self.ui, logic, self.editor, self.options, self.background)
        self.slices = SliceActions(self.desk, self.refresh)
        self.advice = Advice(self.background, self.slices.recommend)
        self.propagating = Propagating(self.desk, BigButton(self.ui), self._on_propagating)
        self.confidence = ConfidenceLayer(self.desk, self.advice.want, lambda: self._settling.start())
        self.strip = TimelineStrip(self.slices.go_to)
        self.ui.timelineFrame.layout().addWidget(self.strip)
        keys = {
            "P": self.propagating.begin,
            "N": self.slices.next,
            "A": self.slices.accept,
            "Esc": self.propagating.cancel,
        }
        self.shortcuts = Shortcuts(keys, find_window)
        self.observers = Observers()
        self.sections = Sections(self.ui, self._on_weights_file, self._show_state)
        self._settling = QtTimer(self._on_settled, _SETTLING_MS, repeats=False)
        self._connect()
        for selector in (self.ui.volumeSelector, self.ui.segmentationSelector):
            selector.setMRMLScene(scene)
        self._observe_scene()
        self._take_state()

    def enter(self) -> None:
        """The module is shown: take the keys and the views."""
        self._is_entered = True
        self.editor.enter()
        self.shortcuts.install()
        self._share_keys()
        self._take_state()
        self._choose_nodes()
        self._observe_views()
        self.refresh()
        if not self._is_warm:
            self._is_warm = True
            handlers = Handlers(lambda loaded: None, self.desk.say_error)
            self.background.start(WarmUpJob(), handlers, urgent=False)

    def exit(self) -> None:
        """The module is left: give the keys and the views back. What is being computed goes on."""
        self._is_entered = False
        self.shortcuts.remove()
        self.editor.exit()
        self.observers.remove(_VIEWS)

    def close(self) -> None:
        """The widget goes: let go of everything."""
        self.exit()
        self._settling.close()
        self.sections.close()
        self.background.close()
        self.observers.remove_all()
        for selector in (self.ui.volumeSelector, self.ui.segmentationSelector):
            selector.setMRMLScene(None)
        self.editor.close()
        self.desk.forget()
        self.desk.logic.drop_session()

    def refresh(self) -> None:
        """Look at the scene and show what is there."""
        self._settling.stop()
        desk = self.desk
        desk.look()
        timeline = desk.seen.timeline if desk.seen is not None else None
        self.strip.show_timeline(timeline)
        self.options.allow_slices(timeline.slice_count if timeline is not None else None)
        self._show_numbers()
        self._show_reason()
        self._follow_views()

    def _connect(self) -> None:
        ui = self.ui
        ui.volumeSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._on_volume_chosen)
        ui.segmentationSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._on_nodes_chosen)
        ui.propagateButton.connect("clicked()", self.propagating.press)
        ui.nextButton.connect("clicked()", self.slices.next)
        ui.acceptButton.connect("clicked()", self.slices.accept)
        ui.stopButton.connect("clicked()", self.slices.stop_here)
        ui.releaseButton.connect("clicked()", self.slices.release)
        ui.clearLimitsButton.connect("clicked()", self.slices.clear_limits)

    # The scene.

    def _observe_scene(self) -> None:
        scene = self._scene
        self.observers.add(scene, scene.StartCloseEvent, lambda *_: self._on_scene_closing(), _SCENE)
        self.observers.add(scene, scene.EndCloseEvent, lambda *_: self._on_scene_replaced(), _SCENE)
        self.observers.add(scene, scene.EndImportEvent, lambda *_: self._on_scene_replaced(), _SCENE)

    def _on_scene_closing(self) -> None:
        self.background.cancel()
        self.observers.remove(_SEGMENTS)
        self.observers.remove(_VIEWS)
        self._settling.stop()
        self.editor.leave_scene()
        self.desk.forget()
        self.desk.logic.drop_session()

    def _on_scene_replaced(self) -> None:
        self._take_state()
        if self._is_entered:
            self.editor.enter()
            self._share_keys()
            self._choose_nodes()
            self._observe_views()
        self.refresh()

    def _take_state(self) -> None:
        """Show the choices that are kept in the scene."""
        state = read_state(parameter_node(self._scene))
        self._is_updating = True
        self.ui.volumeSelector.setCurrentNodeID(state.volume_id or "")
        self.ui.segmentationSelector.setCurrentNodeID(state.segmentation_id or "")
        self._is_updating = False
        self.options.show(state)
        self._use(state)
        self._show_nodes()

    def _keep_state(self) -> None:
        """Keep the choices in the scene."""
        node, desk = parameter_node(self._scene), self.desk
        state = self.options.read(read_state(node))
        volume, segmentation = desk.volume, desk.segmentation
        state = replace(
            state,
            volume_id=volume.GetID() if volume is not None else None,
            segmentation_id=segmentation.GetID() if segmentation is not None else None,
        )
        write_state(node, state)
        self._use(state)

    def _use(self, state: PanelState) -> None:
        """Let the engine and the sections know."""
        self.desk.logic.set_engine_options(state.weights_file, state.memory_bound_mb)
        self.sections.show(state.method, state.weights_file)

    def _show_state(self) -> None:
        self._use(read_state(parameter_node(self._scene)))

    def _on_weights_file(self, path: Path | None) -> None:
        node = parameter_node(self._scene)
        write_state(node, replace(read_state(node), weights_file=path))
        self._show_state()

    def _choose_nodes(self) -> None:
        """Choose what is plainly meant: the volume in the views, the only segmentation, or a new one."""
        desk = self.desk
        if desk.volume is None:
            shown = slicer.app.applicationLogic().GetSelectionNode().GetActiveVolumeID()
            node = self._scene.GetNodeByID(shown) if shown else None
            if node is not None and node.IsA("vtkMRMLScalarVolumeNode"):
                self.ui.volumeSelector.setCurrentNode(node)
        if desk.volume is not None and desk.segmentation is None:
            node = self._scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
            self.ui.segmentationSelector.setCurrentNode(node or self._new_segmentation())

    def _new_segmentation(self) -> Any:
        name = _("{volume} segmentation").format(volume=self.desk.volume.GetName())
        node = self._scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(self.desk.volume)
        return node

    def _on_volume_chosen(self, node: Any = None) -> None:
        if self._is_entered and not self._is_updating and not self._scene.IsClosing():
            self._choose_nodes()
        self._on_nodes_chosen()

    def _on_nodes_chosen(self, node: Any = None) -> None:
        if self._is_updating or self._scene.IsClosing():
            return
        self.desk.forget()
        self._show_nodes()
        self._keep_state()
        self.confidence.update()
        self.refresh()

    def _show_nodes(self) -> None:
        """Edit and observe what is chosen."""
        desk = self.desk
        self.editor.find_node()
        self.editor.show(desk.volume, desk.segmentation)
        self.observers.remove(_SEGMENTS)
        if desk.segmentation is None:
            return
        for subject, event in changes_of(desk.volume, desk.segmentation):
            self._observe_change(subject, event)
        self._observe_change(self.editor.node, vtk.vtkCommand.ModifiedEvent)

    def _observe_change(self, subject: Any, event: Any) -> None:
        self.observers.add(subject, event, lambda *_: self._settling.start(), _SEGMENTS)

    # The slice views.

    def _observe_views(self) -> None:
        self.observers.remove(_VIEWS)
        self.observers.add(self._scene, self._scene.NodeAddedEvent, lambda *_: self._settling.start(), _VIEWS)
        for node in slice_nodes(self._scene):
            self.observers.add(node, vtk.vtkCommand.ModifiedEvent, lambda *_: self._follow_views(), _VIEWS)

    def _follow_views(self) -> None:
        """Mark the slice that the views show, and offer what can be done with it."""
        desk, ui = self.desk, self.ui
        desk.follow_views()
        self.strip.show_slice(desk.shown_slice)
        offers = Offers.of(desk, self.propagating.is_running)
        ui.propagateButton.enabled = offers.propagate
        ui.nextButton.enabled = offers.next
        ui.acceptButton.enabled = offers.accept
        ui.stopButton.enabled = offers.stop
        ui.releaseButton.enabled = offers.release
        ui.releaseButton.toolTip = offers.release_tip
        ui.clearLimitsButton.enabled = offers.clear_limits

    # What the user has done.

    def _on_options(self) -> None:
        self._keep_state()
        self.confidence.update()
        self._settling.start()

    def _on_propagating(self) -> None:
        """A propagation has begun, or ended."""
        self._share_keys()
        if self.propagating.is_running:
            self._follow_views()
            return
        self.confidence.update()
        self.refresh()
        self.advice.want(self.desk.result is not None)
        self._settling.start()

    def _share_keys(self) -> None:
        """The editor's Esc and ours would block each other: while something can be cancelled, it is ours."""
        running = self.propagating.is_running
        if self._is_entered:
            self.editor.set_keys(not running)
        self.shortcuts.allow_cancel(running)

    def _on_settled(self) -> None:
        """Nothing has happened to the segments for a while."""
        self.refresh()
        self.advice.settled()

    # What is shown.

    def _show_numbers(self) -> None:
        show_text(self.ui.numbersLabel, numbers_in_words(self.desk.seen, self.desk.result))

    def _show_reason(self) -> None:
        show_text(self.ui.reasonLabel, reason_in_words(self.desk.seen))
