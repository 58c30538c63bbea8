"""Slices chosen by how they look."""

from __future__ import annotations

import numpy as np
import pytest
from engine.recommendation.propagations import square
from skimage.metrics import structural_similarity

from Sli2VolSlicerLib.engine.descriptors import SliceDescriptors, descriptors_of
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.recommendation import RecommendationRequest, recommend
from Sli2VolSlicerLib.engine.recommendation.clustering import cluster, medoids
from Sli2VolSlicerLib.engine.recommendation.similarity import reduced, structural_similarities
from Sli2VolSlicerLib.engine.records import Anchor
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

BY_LOOKS = ["k-means", "histogram", "ssim", "perceptual"]


def three_kinds() -> SliceStack:
    """Slices 0 to 7, 8 to 11 and 12 to 14 look alike."""
    random = np.random.default_rng(3)
    pictures = [random.random((64, 64)) ** power for power in (1.0, 3.0, 9.0)]
    kinds = [0] * 8 + [1] * 4 + [2] * 3
    return SliceStack(np.stack([pictures[k] for k in kinds]) + 0.01 * random.random((15, 64, 64)))


def asked(drawn: tuple[int, ...] = ()) -> RecommendationRequest:
    stack = three_kinds()
    anchors = tuple(Anchor(index, 1, np.ones((64, 64), bool)) for index in drawn)
    features = descriptors_of(stack, create_method("random-weights", device="cpu"))
    return RecommendationRequest(stack, anchors=anchors, features=features)


def kind(index: int) -> int:
    return int(index > 7) + int(index > 11)


@pytest.mark.parametrize("policy", BY_LOOKS)
def test_every_kind_of_slice_gives_one_the_commonest_first(policy: str) -> None:
    found = recommend(asked(), policy, count=3)
    assert [kind(each.slice_index) for each in found] == [0, 1, 2]
    assert "stands for 8 of 15 slices" in found[0].reason


@pytest.mark.parametrize("policy", BY_LOOKS)
def test_a_kind_that_is_drawn_is_not_asked_for_again(policy: str) -> None:
    found = recommend(asked((1, 13)), policy)
    assert [kind(each.slice_index) for each in found] == [1]


@pytest.mark.parametrize("policy", BY_LOOKS)
def test_more_slices_than_kinds_are_filled_up_and_all_different(policy: str) -> None:
    found = recommend(asked((1, 13)), policy, count=10)
    assert len({each.slice_index for each in found}) == 10
    assert not {each.slice_index for each in found} & {1, 13}


def test_equal_slices_make_one_cluster() -> None:
    vectors = np.ones((5, 3))
    assert set(cluster(vectors, 4, seed=0)) == {0}
    assert medoids(vectors, cluster(vectors, 4, seed=0)) == {0: 0}


def test_ssim_is_about_that_of_scikit_image() -> None:
    random = np.random.default_rng(0)
    pictures = np.stack([random.random((40, 40)), random.random((40, 40)) * 0.5, np.full((40, 40), 0.3)])
    ours = structural_similarities(pictures.astype(np.float32))
    for i in range(3):
        for j in range(3):
            theirs = structural_similarity(pictures[i], pictures[j], data_range=1.0, use_sample_covariance=False)
            assert ours[i, j] == pytest.approx(theirs, abs=0.03)


@pytest.mark.parametrize("shape", [(64, 64), (512, 400), (20, 37), (130, 64)])
def test_slices_of_any_size_are_brought_to_64_pixels(shape: tuple[int, int]) -> None:
    small = reduced(np.full(shape, 0.25, np.float32))
    assert small.shape == (64, 64)
    np.testing.assert_allclose(small, 0.25, atol=1e-6)


def test_a_method_without_a_network_has_no_descriptors() -> None:
    assert descriptors_of(three_kinds(), create_method("copy")) is None
    with pytest.raises(ValueError, match="along axis 0, not along axis 1"):
        SliceDescriptors(three_kinds(), create_method("random-weights", device="cpu")).descriptor(1, 0)  # type: ignore[arg-type]


def test_squares_are_described_apart_from_noise() -> None:
    method = create_method("random-weights", device="cpu")
    picture = np.pad(square(20), 16).astype(np.float32)
    stack = SliceStack(np.stack([picture, picture, np.random.default_rng(0).random((64, 64), np.float32)]))
    descriptors = SliceDescriptors(stack, method)  # type: ignore[arg-type]
    alike, other = (np.abs(descriptors.descriptor(0, 0) - descriptors.descriptor(0, i)).sum() for i in (1, 2))
    assert alike < other / 10
