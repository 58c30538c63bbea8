"""The next slice, asked for in a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.errors import AnnotationError, RecommendationError
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.scene.logic import SceneLogic

SHAPE = (24, 32, 36)


@pytest.fixture
def cone(make_world: Any) -> Any:
    """A bright structure that narrows; drawn on slice 12 in segment A."""
    k, j, i = np.indices(SHAPE)
    inside = (j - 15) ** 2 + (i - 17) ** 2 < np.clip(12 - 0.8 * np.abs(k - 12), 0, None) ** 2
    noise = np.random.default_rng(0).normal(0, 12, SHAPE)
    world = make_world((inside * 200 + noise).astype(np.int16))
    painted = np.zeros(SHAPE, dtype=bool)
    painted[12] = inside[12]
    world.add("A", painted)
    world.inside = inside
    return world


class CountedSessions:
    """Makes sessions with a method that needs no weights, and keeps count of what they compute."""

    def __init__(self) -> None:
        self.method_name = "optical-flow"
        self.made: list[PropagationSession] = []
        self.steps: list[int] = []

    def method(self, name: str, device: str) -> Any:
        return create_method(self.method_name, None, "cpu")

    def session(self, stack: SliceStack, method: Any) -> Any:
        session = PropagationSession(stack, method)
        really = session.propagate

        def propagate(*arguments: Any, **options: Any) -> Any:
            result = really(*arguments, **options)
            self.steps.append(result.slices_propagated)
            return result

        session.propagate = propagate  # type: ignore[method-assign]
        self.made.append(session)
        return session


@pytest.fixture
def counted() -> CountedSessions:
    return CountedSessions()


@pytest.fixture
def engine(counted: CountedSessions) -> SceneLogic:
    return SceneLogic(make_method=counted.method, make_session=counted.session)


@pytest.mark.parametrize("policy", ["expected-gain", "confidence", "keep-n", "random", "histogram"])
def test_a_policy_names_slices_that_are_no_anchors(cone: Any, engine: SceneLogic, policy: str) -> None:
    engine.propagate(cone.volume, cone.segmentation)
    before = cone.mask("A")
    found = engine.recommend(cone.volume, cone.segmentation, policy=policy, count=3)
    assert 1 <= len(found) <= 3
    assert len({r.slice_index for r in found}) == len(found)
    for each in found:
        assert each.axis == 0
        assert each.slice_index != 12
        assert 0 <= each.slice_index < SHAPE[0]
        assert each.reason
        assert each.segment_id in ("A", None)
    assert np.array_equal(cone.mask("A"), before)


def test_what_was_propagated_is_not_computed_again(cone: Any, engine: SceneLogic, counted: CountedSessions) -> None:
    engine.propagate(cone.volume, cone.segmentation, method="anything", device="cpu")
    engine.recommend(cone.volume, cone.segmentation)
    engine.recommend(cone.volume, cone.segmentation, policy="confidence", all_axes=True)
    engine.estimate_quality(cone.volume, cone.segmentation)
    engine.write_confidence(cone.volume, cone.segmentation)
    assert len(counted.made) == 1
    assert counted.steps[0] > 0
    assert counted.steps[1:] == [0, 0, 0, 0]


def test_a_recommendation_before_propagate_computes_what_propagate_then_needs(
    cone: Any, engine: SceneLogic, counted: CountedSessions
) -> None:
    engine.recommend(cone.volume, cone.segmentation)
    result = engine.propagate(cone.volume, cone.segmentation)
    assert counted.steps[0] > 0
    assert result.propagation.slices_propagated == 0
    assert result.report.changed


def test_a_slice_that_was_rehearsed_and_accepted_as_it_is_needs_no_computing(
    cone: Any, engine: SceneLogic, counted: CountedSessions
) -> None:
    engine.propagate(cone.volume, cone.segmentation)
    before = cone.mask("A").copy()
    engine.rehearse(cone.volume, cone.segmentation, 14)
    assert np.array_equal(cone.mask("A"), before), "nothing is changed"
    engine.accept(cone.volume, cone.segmentation, "A", 14)
    engine.propagate(cone.volume, cone.segmentation)
    assert counted.steps[-1] == 0
    with pytest.raises(AnnotationError, match="no slice 24"):
        engine.rehearse(cone.volume, cone.segmentation, 24)


def test_before_anything_is_painted_slices_are_chosen_by_the_volume(cone: Any, engine: SceneLogic) -> None:
    cone.segmentation.GetSegmentation().RemoveSegment("A")
    for segmentation in (cone.segmentation, None):
        found = engine.recommend(cone.volume, segmentation, policy="keep-n", count=3)
        assert [r.slice_index for r in found] == [4, 12, 20]
        assert {(r.axis, r.segment_id) for r in found} == {(0, None)}
    assert engine.recommend(cone.volume, None, policy="keep-n", axis=2)[0].axis == 2
    with pytest.raises(RecommendationError, match="nothing is drawn yet"):
        engine.recommend(cone.volume, cone.segmentation)


def test_the_network_of_the_method_describes_slices_before_and_after_drawing(
    cone: Any, engine: SceneLogic, counted: CountedSessions
) -> None:
    with pytest.raises(RecommendationError, match="perceptual"):
        engine.recommend(cone.volume, None, policy="perceptual")
    counted.method_name = "random-weights"
    assert engine.recommend(cone.volume, None, policy="perceptual")[0].segment_id is None
    disc = cone.mask("A")
    disc[15] = disc[12]
    cone.paint("A", disc)
    (best,) = engine.recommend(cone.volume, cone.segmentation, policy="perceptual")
    assert best.slice_index not in (12, 15)
    assert best.segment_id == "A"


def test_slices_beyond_the_limits_are_not_named(cone: Any, engine: SceneLogic) -> None:
    engine.limit_range(cone.volume, cone.segmentation, "A", first=9, last=15)
    for policy in ("expected-gain", "confidence", "keep-n", "random"):
        found = engine.recommend(cone.volume, cone.segmentation, policy=policy, count=20)
        assert {r.slice_index for r in found} <= set(range(9, 16)) - {12}


def test_one_segment_of_two_is_recommended_for_by_its_id(cone: Any, engine: SceneLogic) -> None:
    other = np.zeros(SHAPE, dtype=bool)
    other[12, 12:18, 14:20] = True
    cone.add("B", other)
    found = engine.recommend(cone.volume, cone.segmentation, ["B"])
    assert {r.segment_id for r in found} <= {"B", None}
    assert set(engine.estimate_quality(cone.volume, cone.segmentation)) == {"A", "B"}


def test_an_unknown_policy_is_refused(cone: Any, engine: SceneLogic) -> None:
    with pytest.raises(RecommendationError, match="'astrology'"):
        engine.recommend(cone.volume, cone.segmentation, policy="astrology")


def test_what_keeps_propagate_from_working_keeps_recommend_too(cone: Any, engine: SceneLogic) -> None:
    engine.propagate(cone.volume, cone.segmentation)
    cone.paint_slice("A", 12)
    with pytest.raises(AnnotationError, match="draw it on one slice again"):
        engine.recommend(cone.volume, cone.segmentation)


def test_following_the_recommendations_makes_the_segment_better(cone: Any, copying: SceneLogic) -> None:
    def dice() -> float:
        now = cone.mask("A")
        return 2 * float((now & cone.inside).sum()) / float(now.sum() + cone.inside.sum())

    copying.propagate(cone.volume, cone.segmentation)
    seen = [dice()]
    for _ in range(3):
        (best,) = copying.recommend(cone.volume, cone.segmentation)
        cone.paint_slice("A", best.slice_index, cone.inside[best.slice_index])
        copying.propagate(cone.volume, cone.segmentation)
        seen.append(dice())
    assert seen[-1] > seen[0] + 0.1


def test_the_module_file_needs_no_torch_to_be_imported(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "for name in ('torch', 'safetensors', 'skimage'): sys.modules[name] = None\n"
        "import Sli2VolSlicerLib.scene.logic, Sli2VolSlicerLib.scene.recommend, Sli2VolSlicerLib.scene.confidence\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
