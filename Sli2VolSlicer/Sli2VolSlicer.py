"""Registration of the module with Slicer: what it is called, its widget, its logic and its test."""

import unittest

import slicer
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class Sli2VolSlicer(ScriptedLoadableModule):
    """Name, category and credits."""

    def __init__(self, parent) -> None:
        from Sli2VolSlicerLib.sample_data import register_sample_data

        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Sli2Vol"
        parent.categories = ["Segmentation"]
        parent.dependencies = ["Segmentations", "SegmentEditor", "Volumes"]
        parent.contributors = ["The Sli2VolSlicer contributors"]
        parent.helpText = (
            "Paint a structure on one slice of a volume; Propagate carries it through the others. "
            "Correct a slice and propagate again: your slices are never overwritten."
        )
        parent.acknowledgementText = (
            "After Yeung, Namburete and Xie, 'Sli2Vol: Annotate a 3D Volume from a Single Slice with "
            "Self-Supervised Learning', MICCAI 2021."
        )
        # The module "Sample Data" may be loaded after this one.
        slicer.app.connect("startupCompleted()", register_sample_data)


class Sli2VolSlicerWidget(ScriptedLoadableModuleWidget):
    """Shows the panel."""

    def __init__(self, parent=None) -> None:
        self.logic = None
        self.panel = None
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self) -> None:
        from Sli2VolSlicerLib.panel.sli2vol_panel import Sli2VolPanel

        ScriptedLoadableModuleWidget.setup(self)
        self.logic = Sli2VolSlicerLogic()
        widget = slicer.util.loadUI(self.resourcePath("UI/Sli2VolSlicer.ui"))
        self.layout.addWidget(widget)
        self.panel = Sli2VolPanel(self.logic.scene_logic, slicer.mrmlScene, widget, slicer.util.mainWindow)

    def enter(self) -> None:
        if self.panel is not None:
            self.panel.enter()

    def exit(self) -> None:
        if self.panel is not None:
            self.panel.exit()

    def cleanup(self) -> None:
        if self.panel is not None:
            self.panel.close()
            self.panel = None


class Sli2VolSlicerLogic(ScriptedLoadableModuleLogic):
    """What a script calls; the work is done in Sli2VolSlicerLib.scene."""

    def __init__(self, sceneLogic=None) -> None:  # noqa: N803
        from Sli2VolSlicerLib.scene.logic import SceneLogic

        ScriptedLoadableModuleLogic.__init__(self)
        self.scene_logic = sceneLogic or SceneLogic()

    def propagate(
        self,
        volumeNode,  # noqa: N803
        segmentationNode,  # noqa: N803
        segmentIDs=None,  # noqa: N803
        *,
        method="sli2vol",
        axis=None,
        direction="both",
        device="auto",
        sliceRange=None,  # noqa: N803
        segmentEditorNode=None,  # noqa: N803
        progress=None,
        isCancelled=None,  # noqa: N803
    ):
        """Propagate painted slices and write them into the segments: see SceneLogic.propagate."""
        return self.scene_logic.propagate(
            volumeNode,
            segmentationNode,
            segmentIDs,
            method=method,
            axis=axis,
            direction=direction,
            device=device,
            slice_range=sliceRange,
            segment_editor_node=segmentEditorNode,
            progress=progress,
            is_cancelled=isCancelled,
        )

    def anchors(self, volumeNode, segmentationNode, segmentIDs=None):  # noqa: N803
        """The user's slices: see SceneLogic.anchors."""
        return self.scene_logic.anchors(volumeNode, segmentationNode, segmentIDs)

    def acceptSlice(self, volumeNode, segmentationNode, segmentID, sliceIndex) -> bool:  # noqa: N802, N803
        """Make a slice an anchor as it is: see SceneLogic.accept."""
        return self.scene_logic.accept(volumeNode, segmentationNode, segmentID, sliceIndex)

    def release(self, volumeNode, segmentationNode, segmentID, sliceIndex) -> bool:  # noqa: N803
        """Let the next propagation rewrite an anchor: see SceneLogic.release."""
        return self.scene_logic.release(volumeNode, segmentationNode, segmentID, sliceIndex)

    def limitRange(  # noqa: N802
        self,
        volumeNode,  # noqa: N803
        segmentationNode,  # noqa: N803
        segmentID,  # noqa: N803
        first=None,
        last=None,
        unit="slices",
    ):
        """Reject slices and everything beyond them: see SceneLogic.limit_range."""
        return self.scene_logic.limit_range(volumeNode, segmentationNode, segmentID, first, last, unit=unit)

    def limits(self, volumeNode, segmentationNode, segmentIDs=None):  # noqa: N803
        """Segment ID -> limits, for those that have any."""
        return self.scene_logic.limits(volumeNode, segmentationNode, segmentIDs)

    def clearLimits(self, segmentationNode, segmentID) -> None:  # noqa: N802, N803
        """Let a segment be on all slices again."""
        self.scene_logic.clear_limits(segmentationNode, segmentID)

    def recommend(
        self,
        volumeNode,  # noqa: N803
        segmentationNode=None,  # noqa: N803
        segmentIDs=None,  # noqa: N803
        policy="expected-gain",
        allAxes=False,  # noqa: N803
        count=1,
        **options,
    ):
        """The slices to look at next: see SceneLogic.recommend."""
        return self.scene_logic.recommend(volumeNode, segmentationNode, segmentIDs, policy, allAxes, count, **options)

    def rehearse(self, volumeNode, segmentationNode, sliceIndex, segmentIDs=None, **options) -> None:  # noqa: N803
        """Get ready for a correction on a slice while the user draws it: see SceneLogic.rehearse."""
        self.scene_logic.rehearse(volumeNode, segmentationNode, sliceIndex, segmentIDs, **options)

    def estimateQuality(self, volumeNode, segmentationNode, segmentIDs=None):  # noqa: N802, N803
        """Segment ID -> the expected Dice, and whether to stop: see SceneLogic.estimate_quality."""
        return self.scene_logic.estimate_quality(volumeNode, segmentationNode, segmentIDs)

    def writeConfidence(self, volumeNode, segmentationNode, segmentIDs=None, **options):  # noqa: N802, N803
        """Write the confidence into a volume node to lay over: see SceneLogic.write_confidence."""
        return self.scene_logic.write_confidence(volumeNode, segmentationNode, segmentIDs, **options)

    def undo(self, segmentationNode) -> bool:  # noqa: N803
        """Take back what was done last to a segmentation; False if there is nothing."""
        return self.scene_logic.undo(segmentationNode)

    def redo(self, segmentationNode) -> bool:  # noqa: N803
        """Do again what was taken back; False if there is nothing."""
        return self.scene_logic.redo(segmentationNode)


class Sli2VolSlicerTest(ScriptedLoadableModuleTest):
    """One painted slice becomes a volume: by a script, and by a user; needs no weights."""

    def setUp(self) -> None:
        from Sli2VolSlicerLib.panel.first_run_plan import missing_packages, setup_text
        from Sli2VolSlicerLib.self_test import METHOD

        slicer.mrmlScene.Clear()
        missing = missing_packages(METHOD)
        if missing:
            self.skipTest(setup_text(missing))

    def runTest(self) -> None:
        try:
            for test in (self.test_one_painted_slice_becomes_a_volume, self.test_the_way_through_the_panel):
                self.setUp()
                test()
        except unittest.SkipTest as reason:
            self.delayDisplay(f"Not tested. {reason}")

    def test_one_painted_slice_becomes_a_volume(self) -> None:
        from Sli2VolSlicerLib.self_test import LogicScenario

        self.delayDisplay("Propagating one painted slice")
        LogicScenario(self.assertTrue, Sli2VolSlicerLogic()).run()
        self.delayDisplay("Test passed")

    def test_the_way_through_the_panel(self) -> None:
        from Sli2VolSlicerLib.self_test import PanelScenario

        self.delayDisplay("Going through the panel")
        PanelScenario(self.assertTrue).run()
        self.delayDisplay("Test passed")
