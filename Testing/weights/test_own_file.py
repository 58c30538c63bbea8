"""A weights file of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from Sli2VolSlicerLib.engine.errors import WeightsError
from Sli2VolSlicerLib.weights import Catalogue, describe_own_file


@pytest.fixture
def whole() -> bytes:
    catalogue = Catalogue.open()
    return catalogue.verify(catalogue.find("sli2vol")).read_bytes()


@pytest.mark.parametrize("method", ["sli2vol", "sli2vol-paper", "sli2vol-plus", "mask-prior"])
def test_a_file_says_which_method_it_is_for(method: str) -> None:
    catalogue = Catalogue.open()
    path = catalogue.verify(catalogue.find(method))
    assert describe_own_file(path).method == method


def test_weights_of_the_refinement_are_not_a_method() -> None:
    catalogue = Catalogue.open()
    path = catalogue.verify(catalogue.find("sli2vol-refinement"))
    with pytest.raises(WeightsError, match="'sli2vol-refinement-1', not a network"):
        describe_own_file(path)


@pytest.mark.parametrize("missing", [1, 100_000])
def test_a_file_that_is_cut_short_is_refused(whole: bytes, tmp_path: Path, missing: int) -> None:
    path = tmp_path / "half.safetensors"
    path.write_bytes(whole[:-missing])
    with pytest.raises(WeightsError, match=f"cut short: {len(whole) - missing} bytes of {len(whole)}"):
        describe_own_file(path)


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0[]", b"a page of text" * 30])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="is not a weights file"):
        describe_own_file(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        describe_own_file(tmp_path / "nowhere")
