"""Which structures are measured and where each is painted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sli2vol_benchmark.cases import (
    FEASIBILITY_STRUCTURES,
    TUNING_FAMILIES,
    TUNING_SPLIT,
    BenchmarkError,
    list_cases,
    load_volume,
    seed_slice,
)


@pytest.fixture
def small_index(tmp_path: Path) -> Path:
    def entry(name: str, split: str, structures: dict[str, tuple[str, int]]) -> dict:
        (tmp_path / split).mkdir(exist_ok=True)
        (tmp_path / split / f"{name}_label.nii.gz").touch()
        return {
            "split": split,
            "file": f"{split}/{name}_img.nii.gz",
            "label": f"{split}/{name}_label.nii.gz",
            "licence": "MIT",
            "structures": {k: {"name": n, "slices": s} for k, (n, s) in structures.items()},
        }

    index = {
        "bratsMR_1": entry("bratsMR_1", "eval", {"2": ("edema", 9), "1": ("necrosis", 5)}),
        "hnCT_pt_2": entry("hnCT_pt_2", "eval", {"1": ("Brainstem", 6), "2": ("SpinalCord", 5)}),
        "headneckCT_3": entry("headneckCT_3", "train", {"1": ("Brainstem", 20)}),
    }
    (tmp_path / "index.json").write_text(json.dumps(index))
    return tmp_path


def test_structures_under_six_slices_are_left_out_and_the_whole_tumour_is_added(small_index: Path) -> None:
    cases = [(case.name, case.family, case.labels) for case in list_cases(small_index)]
    assert cases == [
        ("bratsMR_1/edema", "bratsMR", (2,)),
        ("bratsMR_1/whole tumour", "bratsMR", (1, 2)),
        ("hnCT_pt_2/Brainstem", "hnCT", (1,)),
    ]


def test_the_split_folder_may_be_named_instead_of_its_parent(small_index: Path) -> None:
    assert [case.name for case in list_cases(small_index / "train")] == ["headneckCT_3/Brainstem"]
    assert list_cases(small_index / "eval") == list_cases(small_index, "eval")


def test_an_unknown_family_is_named_with_those_there_are(small_index: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"Unknown families nonsense; .* bratsMR, hnCT"):
        list_cases(small_index, families=["nonsense"])


def test_a_folder_without_an_index_says_so(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"No index\.json"):
        list_cases(tmp_path / "nowhere")


@given(st.integers(0, 50), st.integers(0, 2**32 - 1))
def test_the_painted_slice_is_near_the_largest_and_never_empty(seed: int, areas_seed: int) -> None:
    areas = np.random.default_rng(areas_seed).integers(0, 4, size=15)
    areas[7] = 5
    truth = np.arange(5)[None, None, :] < areas[:, None, None]
    index = seed_slice(truth, "volume/structure", seed)
    assert abs(index - 7) <= 3
    assert truth[index].any()


def test_the_painted_slice_depends_on_seed_and_name_alone() -> None:
    truth = np.ones((20, 2, 2), bool)
    assert seed_slice(truth, "a/b", 1) == seed_slice(truth, "a/b", 1)
    assert len({seed_slice(truth, "a/b", seed) for seed in range(40)}) > 1
    assert len({seed_slice(truth, f"a/{name}", 0) for name in range(40)}) > 1


def test_seeds_paint_different_slices_until_there_are_none_left() -> None:
    truth = np.zeros((20, 2, 2), bool)
    truth[4:9] = True
    painted = [seed_slice(truth, "a/b", seed) for seed in range(8)]
    assert sorted(painted[:4]) == [4, 5, 6, 7]
    assert sorted(painted[4:]) == [4, 5, 6, 7]


def test_an_empty_structure_cannot_be_painted() -> None:
    with pytest.raises(BenchmarkError, match="a/b: the structure is empty"):
        seed_slice(np.zeros((3, 2, 2), bool), "a/b")


def test_tuning_never_touches_the_evaluation_split(data_folder: Path) -> None:
    evaluation = {case.family for case in list_cases(data_folder, "eval")}
    assert not evaluation & set(TUNING_FAMILIES)
    assert {case.family for case in list_cases(data_folder, TUNING_SPLIT)} == set(TUNING_FAMILIES)


def test_the_real_data_has_every_feasibility_structure(data_folder: Path) -> None:
    there = {(case.family, case.structure) for case in list_cases(data_folder)}
    assert set(FEASIBILITY_STRUCTURES) <= there


def test_the_index_counts_the_slices_that_the_labels_have(data_folder: Path) -> None:
    case = next(case for case in list_cases(data_folder) if case.family == "hippoMR")
    volume = load_volume(case)
    entry = json.loads((data_folder / "index.json").read_text())[case.volume]
    assert volume.image.shape == tuple(entry["size"][::-1])
    np.testing.assert_allclose(volume.spacing_mm, entry["spacing_mm"][::-1], atol=1e-3)
    counted = int(volume.truth(case).any(axis=(1, 2)).sum())
    assert counted == entry["structures"][str(case.labels[0])]["slices"]
