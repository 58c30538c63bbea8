"""`sli2vol average`: files of weights in, their mean out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.engine.refinement.network import RefinementNetwork, RefinementSettings
from Sli2VolSlicerLib.engine.weights_file import facts_of, load_refinement, save_network
from Sli2VolSlicerLib.weights import sha256_of

SMALL = RefinementSettings(widths=(8, 8, 8, 8))


def weights_full_of(value: float, path: Path, settings: RefinementSettings = SMALL, **facts: str) -> Path:
    """A refinement's weights that are all the same."""
    network = RefinementNetwork(settings)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
    save_network(network, path, facts)
    return path


def average(*paths: Path) -> int:
    *weights, output = map(str, paths)
    return main(["average", *weights, "--output", output])


def test_every_weight_is_the_mean_of_the_files(tmp_path: Path) -> None:
    files = [weights_full_of(value, tmp_path / f"{value}.safetensors") for value in (1.0, 2.0, 6.0)]
    assert average(*files, tmp_path / "mean.safetensors") == 0
    mean = load_refinement(tmp_path / "mean.safetensors")
    assert mean.settings == SMALL
    assert all(bool((parameter == 3.0).all()) for parameter in mean.parameters())


def test_the_mean_tells_what_it_is_of_and_what_all_of_them_tell(tmp_path: Path) -> None:
    one = weights_full_of(1, tmp_path / "1.safetensors", method="sli2vol-refinement", volumes="3")
    two = weights_full_of(2, tmp_path / "2.safetensors", method="sli2vol-refinement", volumes="4")
    assert average(one, two, tmp_path / "mean.safetensors") == 0
    told = facts_of(tmp_path / "mean.safetensors")
    assert told["mean_of_sha256"] == f"{sha256_of(one)} {sha256_of(two)}"
    assert told["method"] == "sli2vol-refinement" and "volumes" not in told


def test_what_has_no_mean_is_refused_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = weights_full_of(1, tmp_path / "one.safetensors")
    larger = weights_full_of(1, tmp_path / "larger.safetensors", RefinementSettings(widths=(8, 8, 8, 16)))
    output = tmp_path / "mean.safetensors"
    for paths, message in (
        ([one], "2 files of weights or more"),
        ([one, larger], f"{larger} holds another network than {one}"),
        ([one, tmp_path / "none.safetensors"], "no weights file"),
        ([one, output], "is an input"),
    ):
        assert average(*paths, output) == 2
        assert message in capsys.readouterr().err
        assert {file.name for file in tmp_path.iterdir()} == {"one.safetensors", "larger.safetensors"}
