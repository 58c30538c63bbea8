"""Examples in files: the same come back, and only to who asks for the same."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training.refinement.toy import ball, example, known_up_to, sent_on, volume

from Sli2VolSlicerLib.training.refinement import (
    ExampleSettings,
    PassExample,
    SendingOn,
    identity_of,
    keep_examples,
    kept_examples,
)

MAPPED = Path("/proc/self/maps")


def test_kept_examples_come_back_as_they_were(tmp_path: Path) -> None:
    made = [example(), example(9, "leg", 3, is_across=True, is_held_out=True), known_up_to(4), sent_on(example())]
    keep_examples(tmp_path / "a.passes", "this", made)
    kept = kept_examples(tmp_path / "a.passes", "this")
    assert kept is not None and len(kept) == 4
    for one, other in zip(kept, made, strict=True):
        for field in fields(PassExample):
            was, is_now = getattr(other, field.name), getattr(one, field.name)
            assert torch.equal(was, is_now) if isinstance(was, torch.Tensor) else was == is_now


@pytest.mark.skipif(not MAPPED.is_file(), reason="only Linux tells which files are mapped into memory")
def test_kept_examples_stay_in_their_file_until_they_are_looked_at(tmp_path: Path) -> None:
    keep_examples(tmp_path / "a.passes", "this", [example()])
    kept = kept_examples(tmp_path / "a.passes", "this")
    assert kept and str(tmp_path / "a.passes") in MAPPED.read_text()


def test_examples_of_something_else_are_not_taken(tmp_path: Path) -> None:
    keep_examples(tmp_path / "a.passes", "this", [example()])
    assert kept_examples(tmp_path / "a.passes", "that") is None
    assert kept_examples(tmp_path / "b.passes", "this") is None


def test_whatever_decides_the_examples_is_told_apart() -> None:
    labels = ball().astype(np.uint8)
    asked = [
        (volume(labels), "weights", ExampleSettings(), 1, False),
        (volume(labels * 2), "weights", ExampleSettings(), 1, False),
        (volume(), "weights", ExampleSettings(), 1, False),
        (replace(volume(labels), voxels=volume().voxels + 1), "weights", ExampleSettings(), 1, False),
        (replace(volume(labels), spacing_mm=(5.0, 1.0, 1.0)), "weights", ExampleSettings(), 1, False),
        (replace(volume(labels), group="others"), "weights", ExampleSettings(), 1, False),
        (replace(volume(labels), name="another"), "weights", ExampleSettings(), 1, False),
        (volume(labels), "others", ExampleSettings(), 1, False),
        (volume(labels), "weights", ExampleSettings(grown=1), 1, False),
        (volume(labels), "weights", ExampleSettings(tracked=1), 1, False),
        (volume(labels), "weights", ExampleSettings(), 2, False),
        (volume(labels), "weights", ExampleSettings(), 1, True),
        (volume(labels), "weights", ExampleSettings(), 1, False, "refinement", SendingOn()),
        (volume(labels), "weights", ExampleSettings(), 1, False, "others", SendingOn()),
        (volume(labels), "weights", ExampleSettings(), 1, False, "refinement", SendingOn(most=3)),
    ]
    assert len({identity_of(*each) for each in asked}) == len(asked)
    assert identity_of(*asked[0]) == identity_of(volume(labels), "weights", ExampleSettings(), 1, False)
