"""What settings are chosen on, and how it is summed up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from sli2vol_benchmark.cases import SEEN_FAMILIES, TUNED_FAMILIES, BenchmarkError, list_cases
from sli2vol_benchmark.cli import main
from sli2vol_benchmark.run import Options, chosen_cases, run_benchmark, split_of
from sli2vol_benchmark.tuning import GROUPS, HELD_OUT, compared_with_earlier, tuning_cases, tuning_summary

from .results import result

REPOSITORY = Path(__file__).resolve().parents[2]


def test_tuning_takes_held_out_patients_and_two_evaluation_families_alone(data_folder: Path) -> None:
    cases = tuning_cases(data_folder)
    families = {case.family for case in cases}
    assert families == {family for group in GROUPS.values() for family in group}
    assert not families & set(SEEN_FAMILIES)
    of_train = {case.volume for case in cases if case.family not in TUNED_FAMILIES}
    assert {volume.rsplit("_", 1)[1] for volume in of_train} == {each for held in HELD_OUT.values() for each in held}


def test_the_model_card_names_the_same_patients() -> None:
    card = (REPOSITORY / "Resources" / "weights" / "sli2vol-refinement-5.md").read_text()
    held = next(line for line in card.splitlines() if line.startswith("HELD="))
    assert held == f'HELD="{" ".join(f"{group}_{each}" for group, those in HELD_OUT.items() for each in those)}"'


def test_labels_of_our_own_are_added_when_they_are_asked_for(data_folder: Path) -> None:
    labels = REPOSITORY / "Resources" / "training-labels"
    added = [case for case in tuning_cases(data_folder, labels) if case not in tuning_cases(data_folder)]
    assert {case.family for case in added} == {"abdomenCT", "abdomenMRT2"}
    assert len(added) == 49
    assert all(case.truth.parent == labels for case in added)


def test_a_structure_of_five_slices_is_left_out_of_labels_of_our_own(data_folder: Path, tmp_path: Path) -> None:
    image = next(case for case in list_cases(data_folder, "train")).image.parent / "abdomenCT_1004_img.nii.gz"
    labels = np.zeros(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(image))).shape, np.uint8)
    labels[3:8, 5, 5], labels[3:9, 9, 9] = 1, 2
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(labels), str(tmp_path / "abdomenCT_1004_label.nii.gz"))
    names = [case.name for case in tuning_cases(data_folder, tmp_path) if case.truth.parent == tmp_path]
    assert names == ["abdomenCT_1004/label 2"]


def test_labels_go_with_tuning_only(data_folder: Path) -> None:
    with pytest.raises(BenchmarkError, match="--labels here goes with --split tuning only"):
        chosen_cases(data_folder, Options(labels=Path("here")))


def test_no_report_is_written_of_cases_that_settings_were_chosen_on(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "results.md"
    output = tmp_path / "results.json"
    asked = [str(data_folder), "--output", str(output), "--split", "tuning", "--report", str(report)]
    assert main(asked) == 2
    assert f"--report {report} is for cases that nothing was chosen on" in capsys.readouterr().err
    assert not report.exists()
    assert not output.exists()


def test_the_folder_of_a_split_does_not_turn_tuning_into_it(data_folder: Path) -> None:
    assert split_of(data_folder / "train", Options(split="tuning")) == "tuning"
    assert split_of(data_folder / "train", Options()) == "train"


def test_groups_count_alike_and_labels_of_our_own_stand_apart() -> None:
    results = [
        result(family="chaosT2MR", structure="liver", dice=0.9),
        result(family="sarcomaCT", structure="GTV", dice=0.6),
        result(family="sarcomaMRT1", structure="GTV", dice=0.8),
        result(family="headneckCT", structure="Brainstem", dice=0.5),
        result(family="laMR", structure="left atrium", dice=0.8),
        result(family="abdomenCT", structure="label 7", dice=0.1),
    ]
    figures = tuning_summary({"sli2vol": results}).splitlines()[1].split()
    assert figures == ["sli2vol", "0.9000", "0.7000", "0.5000", "0.8000", "0.7250", "0.1000"]


def test_two_runs_are_compared_without_the_results_that_changed_most() -> None:
    before = [result(family="laMR", volume=f"laMR_{n}", dice=0.5) for n in range(20)]
    changes = [-0.4, 0.3, *[0.01] * 9, *[-0.02] * 6, *[0.0] * 3]
    now = [replace(each, dice=each.dice + change) for each, change in zip(before, changes, strict=True)]
    line = compared_with_earlier({"sli2vol": now}, {"sli2vol": before, "copy": before}).splitlines()[1]
    assert line.split() == ["sli2vol", "-", "-", "-", "-0.0017", "(0.59)", "-"]
    assert compared_with_earlier({"sli2vol": now}, {"copy": before}).count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--against none.json goes with --split tuning only"),
        (("--split", "tuning"), "no file none.json to compare"),
    ],
)
def test_only_a_tuning_run_is_compared_with_one_that_is_there(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    asked = [str(data_folder), "--output", str(tmp_path / "results.json"), "--against", "none.json", *options]
    assert main(asked) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "results.json").exists()


@pytest.mark.slow
def test_a_tuning_run_ends_with_its_own_summary(data_folder: Path, tmp_path: Path) -> None:
    options = Options(rows=("copy",), families=["sarcomaCT"], split="tuning")
    results = run_benchmark(data_folder, tmp_path / "results.json", options, lambda line: None)
    assert {each.volume for each in results} == {"sarcomaCT_004", "sarcomaCT_012", "sarcomaCT_044"}
