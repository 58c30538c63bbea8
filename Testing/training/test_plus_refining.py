"""Refining pseudo-labels by a 3D network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from training.power_cut import unbroken_and_resumed
from training.test_plus import SHAPE, labels, volume

from Sli2VolSlicerLib.engine.errors import MethodError
from Sli2VolSlicerLib.training.plus import PseudoLabelRefiner, PseudoLabels, RefiningTraining, boxes_of, refined
from Sli2VolSlicerLib.training.plus.boxes import SIZE
from Sli2VolSlicerLib.training.plus.refining import make_unetr

SMALL = RefiningTraining(
    steps=4,
    boxes=1,
    feature_size=4,
    hidden_size=12,
    held_out_every=4,
    checkpoint_every=2,
    mixed_precision=False,
)


def pseudo_labels() -> PseudoLabels:
    """The balls as if all had been propagated well, numbered from 1."""
    numbered = np.select([labels() == 3, labels() == 7], [1, 2]).astype(np.uint8)
    return PseudoLabels(numbered, 5, numbered[5])


def test_a_box_holds_its_structure_and_what_was_drawn_of_it() -> None:
    first, second = boxes_of(volume(), pseudo_labels())
    assert (first.number, second.number) == (1, 2)
    for box in (first, second):
        whole = pseudo_labels().labels == box.number
        assert whole[box.place].sum() == whole.sum()
        assert box.inputs.shape == (2, *SIZE) and box.target.shape == SIZE
        hint = box.inputs[1].float()
        strongest = int(hint.amax(dim=(1, 2)).argmax())
        middle = box.place[0].start + (strongest + 0.5) / SIZE[0] * (box.place[0].stop - box.place[0].start)
        assert int(middle) == 5, "the drawn slice"
        share = box.target.float().mean()
        expected = whole[box.place].mean()
        assert float(share) == pytest.approx(float(expected), rel=0.15)


def test_where_the_network_is_sure_the_likelier_structure_is_there_and_the_drawn_slice_stays() -> None:
    made = pseudo_labels()
    first, second = boxes_of(volume(), made)
    result = refined(made, iter([(first, torch.full(SIZE, 1.0)), (second, torch.full(SIZE, 1.0))]))
    filled = np.zeros(SHAPE, bool)
    filled[first.place] = filled[second.place] = True
    filled[made.slice_index] = made.drawn > 0
    assert np.array_equal(result > 0, filled)
    assert np.array_equal(result[made.slice_index], made.drawn)
    for number in (1, 2):
        own = ndimage.binary_erosion(made.labels == number)
        assert (result[own] == number).all(), "there the other box's answer counts less"


def test_where_the_network_is_unsure_the_pseudo_label_stays() -> None:
    made = pseudo_labels()
    unsure = refined(made, ((box, torch.full(SIZE, 0.5)) for box in boxes_of(volume(), made)))
    # But for its outline, which is that of the box's small grid.
    outline = ndimage.binary_dilation(made.labels > 0, iterations=2) & ~ndimage.binary_erosion(made.labels > 0)
    assert np.array_equal(unsure[~outline], made.labels[~outline])


def test_what_the_network_does_not_see_is_taken_away() -> None:
    made = pseudo_labels()
    result = refined(made, ((box, torch.zeros(SIZE)) for box in boxes_of(volume(), made)))
    assert np.array_equal(np.flatnonzero(result.any(axis=(1, 2))), [5])


def test_without_monai_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "einops", None)
    with pytest.raises(MethodError, match=r"pip install 'sli2volslicer\[plus\]'.*--unrefined"):
        make_unetr(4, 12)


@pytest.mark.slow
def test_a_resumed_training_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    boxes = list(boxes_of(volume(), pseudo_labels()))
    unbroken, resumed = unbroken_and_resumed(lambda: PseudoLabelRefiner(boxes, SMALL), tmp_path / "run.checkpoint")
    assert torch.equal(resumed.probabilities(boxes[0]), unbroken.probabilities(boxes[0]))
    other = PseudoLabelRefiner(boxes, replace(SMALL, seed=2))
    other.run_steps()
    assert not torch.equal(other.probabilities(boxes[0]), unbroken.probabilities(boxes[0]))
