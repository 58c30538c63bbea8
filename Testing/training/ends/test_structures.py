"""What the end network learns from: structures as they are, batches of slices near their ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training.refinement.toy import SHAPE, ball, volume

from Sli2VolSlicerLib.engine.ends.network import MAPS, MEASURES
from Sli2VolSlicerLib.engine.ends.view import SIDE
from Sli2VolSlicerLib.engine.errors import VolumeError
from Sli2VolSlicerLib.training.ends.batches import EndBatches, EndSampler
from Sli2VolSlicerLib.training.ends.structures import EndStructure, end_structures, kinds_of


def structures(is_held_out: bool = False, grown: int = 0) -> list[EndStructure]:
    made = volume(ball().astype(np.uint8))
    return list(end_structures(made, is_held_out, grown, np.random.default_rng(0)))


def test_a_structure_keeps_its_areas_and_its_masks() -> None:
    along = structures()[0]
    assert along.areas.tolist() == ball().sum(axis=(1, 2)).tolist()
    assert (along.drawn(5) == ball()[5]).all()
    assert set(along.large_slices()) < set(along.fair_slices())


def test_a_volume_of_few_structures_is_followed_across_its_slices_too() -> None:
    made = structures()
    assert [(each.kind, each.source, len(each.areas)) for each in made] == [
        ("ball 1", "ball 1", SHAPE[0]),
        ("ball 1", "ball across", SHAPE[1]),
        ("ball 1", "ball across", SHAPE[2]),
    ]


def test_grown_regions_have_no_kind() -> None:
    kinds = {each.kind for each in structures(grown=2)}
    assert kinds <= {"ball 1", ""}
    assert kinds_of(structures(grown=2)) == ("ball 1",)


def test_a_batch_tells_where_the_structure_is_and_what_kind_it_is() -> None:
    settings = EndBatches(structures=3, slices=4, distance_hidden=0.0)
    sampler = EndSampler(structures(), ("ball 1",), settings)
    batch = sampler.draw(np.random.default_rng(0))
    assert batch.maps.shape == (12, MAPS, SIDE, SIDE)
    assert batch.measures.shape == (12, MEASURES)
    assert set(batch.kind.tolist()) == {0}
    # Where it is gone its area is told to be as small as can be.
    assert ((batch.area < -1.5) >= (batch.present == 0)).all()
    assert 0 < float(batch.present.mean()) < 1
    assert torch.equal(batch.maps, sampler.draw(np.random.default_rng(0)).maps)


def test_what_is_held_out_is_not_drawn_and_nothing_labelled_is_refused() -> None:
    held_out = structures(is_held_out=True)
    with pytest.raises(VolumeError, match="no ends to learn"):
        EndSampler(held_out, kinds_of(held_out), EndBatches())
