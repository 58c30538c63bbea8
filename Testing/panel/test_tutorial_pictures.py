"""The tutorial's way on a real CT, with the pictures that it shows; they go where SLI2VOL_SCREENSHOTS says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel.real_bench import RealBench
from panel.screenshots import screenshot_folder, take
from skimage import draw

SCREEN = "laptop"
WINDOW_HU, LEVEL_HU = 350, 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures go."""
    return screenshot_folder(tmp_path)


@pytest.fixture
def real(bench: Any, data_folder: Path) -> RealBench:
    """The module on a CT, the views on its spleen."""
    one = RealBench(bench, data_folder, mirrored=True)
    display = one.bench.volume.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(WINDOW_HU, LEVEL_HU)
    name_segment(one, 0, "Spleen", (0.62, 0.42, 0.64))
    show_middle_of(one, one.truth)
    return one


def name_segment(real: RealBench, number: int, name: str, colour: tuple[float, float, float]) -> None:
    """Call a segment something, as by a double click in the list."""
    segment = real.bench.segmentation.GetSegmentation().GetNthSegment(number)
    segment.SetName(name)
    segment.SetColor(*colour)
    real.bench.settle()


def show_middle_of(real: RealBench, structure: np.ndarray) -> None:
    """Let all slice views go through the middle of a structure."""
    import slicer

    middle = np.argwhere(structure).mean(axis=0)[::-1]
    ras = (real.matrix @ [*middle, 1])[:3]
    for name in slicer.app.layoutManager().sliceViewNames():
        slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().JumpSlice(*ras)
    real.bench.events()


def liver(real: RealBench) -> np.ndarray:
    """As a user draws it on one slice: bool, (k, j, i)."""
    drawn = np.zeros(real.voxels.shape, dtype=bool)
    drawn[LIVER] = draw.polygon2mask(drawn.shape[1:], LIVER_OUTLINE) & (real.voxels[LIVER] > 50)
    return drawn


LIVER = 21
LIVER_OUTLINE = (
    *((57, 108), (67, 108), (84, 102), (98, 91), (102, 77), (101, 57), (94, 47), (82, 49)),
    *((67, 55), (59, 65), (63, 68), (49, 75), (39, 82), (36, 89), (42, 102)),
)
"""The slice, and corners on it: (j, i)."""


@pytest.mark.slow
def test_the_way_of_the_tutorial(real: RealBench, folder: Path) -> None:
    bench = real.bench
    first = int(real.truth.sum(axis=(1, 2)).argmax())
    real.draw(first)
    bench.click_slice(first)
    take(bench, folder / "tutorial-painted.png", SCREEN)

    bench.propagate()
    assert bench.panel.desk.seen.timeline.recommended is not None
    take(bench, folder / "tutorial-propagated.png", SCREEN)
    once = real.dice()

    bench.key("N")
    bench.settle()
    assert bench.ui.reasonLabel.text
    take(bench, folder / "tutorial-next.png", SCREEN)
    real.draw(bench.panel.desk.shown_slice)
    bench.propagate()
    assert real.dice() > once
    take(bench, folder / "tutorial-corrected.png", SCREEN)

    beyond = int(np.flatnonzero(real.truth.any(axis=(1, 2))).max()) + 1
    bench.click_slice(beyond)
    bench.click(bench.ui.stopButton)
    bench.settle()
    assert max(bench.filled()) < beyond
    take(bench, folder / "tutorial-stopped.png", SCREEN)

    bench.ui.segmentsSelector.currentIndex = 1
    bench.add_segment()
    name_segment(real, 1, "Liver", (0.87, 0.51, 0.40))
    bench.panel.editor.widget.setCurrentSegmentID(bench.segmentation.GetSegmentation().GetNthSegmentID(1))
    real.draw(LIVER, liver(real))
    spleen = bench.mask(0)
    bench.propagate()
    assert len(bench.filled(1)) > 1
    assert np.array_equal(bench.mask(0), spleen), "the first organ stays as it is"
    show_middle_of(real, bench.mask(1))
    bench.ui.confidenceCheckBox.checked = True
    bench.settle()
    take(bench, folder / "tutorial-second.png", SCREEN)

    bench.ui.advancedSection.collapsed = False
    bench.events()
    bar = bench.desktop.window.panel.verticalScrollBar()
    bar.value = bar.maximum
    take(bench, folder / "tutorial-advanced.png", SCREEN)


@pytest.mark.slow
def test_the_note_of_the_first_run(real: RealBench, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from Sli2VolSlicerLib.panel.installation import Installation

    here = {"numpy": "2.0.2", "scipy": "1.14.1"}
    sections = real.bench.panel.sections
    monkeypatch.setattr(sections.first_run, "_installation", Installation(None, here.get))
    sections.show("sli2vol", None)
    real.bench.settle()
    take(real.bench, folder / "tutorial-first-run.png", SCREEN)
    assert sections.first_run.widget.visible
