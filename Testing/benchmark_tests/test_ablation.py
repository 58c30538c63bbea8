"""The default without one of its parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from sli2vol_benchmark.ablation import ABLATIONS, WeightFiles, ablated
from sli2vol_benchmark.ablation_report import ablation_section, write_ablation_report
from sli2vol_benchmark.cases import BenchmarkError
from sli2vol_benchmark.cli import main
from sli2vol_benchmark.records import to_json
from sli2vol_benchmark.rows import ALL_ROWS, row_specs
from Sli2VolSlicerLib.engine.ends.known_ends import EndedRefinement
from Sli2VolSlicerLib.engine.methods import DEFAULT_RULES, REFINED_RULES
from Sli2VolSlicerLib.engine.methods.correspondence import Correspondence
from Sli2VolSlicerLib.engine.refinement.network_refinement import NetworkRefinement
from Sli2VolSlicerLib.engine.weights_file import load_network
from Sli2VolSlicerLib.weights import find_weights

from .results import result

_FILES = WeightFiles(find_weights("sli2vol"), find_weights("sli2vol-refinement"), find_weights("sli2vol-ends"))


def without(name: str) -> Correspondence:
    method = ablated(name, _FILES, "cpu")
    assert isinstance(method, Correspondence)
    return method


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("without-verification", "verification"),
        ("without-soft-masks", "soft"),
        ("without-half-size", "rescale"),
        ("without-magnified-slices", "magnify"),
    ],
)
def test_one_rule_is_otherwise_and_all_others_are_the_defaults(name: str, changed: str) -> None:
    rules = without(name).rules
    assert [each for each in vars(rules) if getattr(rules, each) != getattr(REFINED_RULES, each)] == [changed]


def test_without_refinement_passes_stand_as_they_come() -> None:
    method = without("without-refinement")
    assert method.refinement is None
    assert method.rules == DEFAULT_RULES


def test_without_training_the_features_are_others_and_always_the_same() -> None:
    picture = torch.rand(64, 64, generator=torch.Generator().manual_seed(0)).numpy()
    untrained = without("without-training").describe(picture)
    assert (untrained == without("without-training").describe(picture)).all()
    assert (untrained != without("without-clean-up").describe(picture)).any()
    assert load_network(find_weights("sli2vol")).settings.architecture == "pyramid"


def test_ablations_take_the_defaults_weights_and_are_no_rows_of_the_other_tables() -> None:
    specs = row_specs(list(ABLATIONS), {}, "cpu")
    assert {spec.weights for spec in specs} == {find_weights("sli2vol")}
    assert {spec.refinement for spec in specs} == {find_weights("sli2vol-refinement")}
    assert {spec.ends for spec in specs} == {find_weights("sli2vol-ends")}
    assert not set(ABLATIONS) & set(ALL_ROWS)


def test_without_known_ends_passes_are_refined_and_no_more() -> None:
    assert isinstance(without("without-known-ends").refinement, NetworkRefinement)
    assert isinstance(without("without-sending-on").refinement, EndedRefinement)


FACTS = {"command": "c", "date": "d", "machine": "m"}


def test_the_table_tells_what_is_lost_and_what_it_costs() -> None:
    whole = result(row="sli2vol", dice=0.75, cpu_seconds=2.0)
    less = result(row="without-clean-up", dice=0.5, cpu_seconds=1.5)
    *_, default, without_it = ablation_section(FACTS, [less, whole]).strip().splitlines()
    assert "| 0.750 [0.750, 0.750] |  | 2.00 | 0.750 |" in default
    assert "| 0.500 [0.500, 0.500] | 0.250 [0.250, 0.250] | 1.50 | 0.500 |" in without_it


def test_without_ablations_there_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="run with --ablation"):
        ablation_section(FACTS, [result(row="sli2vol")])
    output, document = tmp_path / "r.json", tmp_path / "d.md"
    results = [result(row="sli2vol"), result(row="without-training")]
    output.write_text(json.dumps({"facts": FACTS, "results": [to_json(each) for each in results]}))
    document.write_text("# Results\n\nother words\n")
    write_ablation_report(output, document)
    assert "other words" in document.read_text()
    assert "## What each part is worth" in document.read_text()


@pytest.mark.slow
def test_the_command_runs_the_default_and_every_ablation(small_data: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "ablation.json", tmp_path / "results.md"
    arguments = ["--ablation", "--limit-volumes-per-structure", "1", "--families", "hnCT", "--device", "cpu", "--quiet"]
    assert main([str(small_data), "--output", str(output), "--report", str(report), *arguments]) == 0
    assert report.read_text().count("\n| ") == 2 + 1 + len(ABLATIONS)
