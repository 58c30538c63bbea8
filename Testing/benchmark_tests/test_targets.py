"""Two lists of structures, and whether their targets are reached."""

from __future__ import annotations

import pytest

from sli2vol_benchmark.cases import counts_for_accuracy
from sli2vol_benchmark.records import CaseResult
from sli2vol_benchmark.targets import accuracy_structures, targets_section

from .results import result


def of(family: str, structure: str, dice: float) -> CaseResult:
    return result(row="sli2vol", volume=f"{family}_1", family=family, structure=structure, dice=dice)


@pytest.mark.parametrize(
    ("family", "structure", "counts"),
    [
        ("sabsCT", "liver", True),
        ("sabsCT", "left adrenal", False),
        ("sabsCT", "right adrenal", False),
        ("sabsCT", "gallbladder", False),
        ("chaosT2MR", "spleen", True),
        ("laMR", "left atrium", True),
        ("spleenCT", "spleen", True),
        ("bratsMR", "whole tumour", True),
        ("bratsMR", "edema", False),
        ("hnCT", "Larynx", False),
    ],
)
def test_the_second_list_is_of_organs_of_some_size(family: str, structure: str, counts: bool) -> None:
    assert counts_for_accuracy(family, structure) is counts


def test_each_target_is_reached_or_not() -> None:
    text = targets_section({"sli2vol": [of("sabsCT", "left kidney", 1.0), of("laMR", "left atrium", 0.75)]})
    assert "0.750 [0.750, 0.750] over 1 structure; 0.70 **reached**." in text
    assert "over 2 structures; 0.80 **reached**, 0.90 **not reached**." in text


def test_structures_are_listed_in_one_order_and_only_if_there_are_results() -> None:
    rows = {"sli2vol": [of("sabsCT", "liver", 0.5), of("hnCT", "Larynx", 0.5), of("laMR", "left atrium", 0.5)]}
    assert accuracy_structures(rows) == [("laMR", "left atrium"), ("sabsCT", "liver")]
    assert targets_section({"sli2vol": [of("hnCT", "Larynx", 0.5)]}) == ""
