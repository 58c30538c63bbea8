"""The samples that the module adds to Slicer's list; nothing is fetched."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import Any

import pytest
from demo_volumes import SAMPLE_SHA256

SOURCE_OF_SLICER = {
    "CTLiver": ("CTLiver.nrrd", "e16eae0ae6fefa858c5c11e58f0f1bb81834d81b7102e021571056324ef6f37e"),
    "CTChest": ("CT-chest.nrrd", SAMPLE_SHA256),
    "MRBrainTumor1": ("RegLib_C01_1.nrrd", "998cb522173839c78657f4bc0ea907cea09fd04e44601f17c82ea27927937b95"),
    "MRHead": ("MR-head.nrrd", "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93"),
}
"""File names and checksums in Slicer's Modules/Scripted/SampleData/SampleData.py, by node name."""


class SampleDataLogic:
    """Its one function that is called, with the names of its arguments."""

    registered: list[dict[str, Any]]

    @staticmethod
    def registerCustomSampleDataSource(  # noqa: N802
        category: str = "Custom",
        sampleName: str | None = None,  # noqa: N803
        uris: Any = None,
        fileNames: Any = None,  # noqa: N803
        nodeNames: Any = None,  # noqa: N803
        customDownloader: Any = None,  # noqa: N803
        thumbnailFileName: str | None = None,  # noqa: N803
        loadFileType: str = "VolumeFile",  # noqa: N803
        loadFiles: Any = None,  # noqa: N803
        loadFileProperties: Any = None,  # noqa: N803
        checksums: Any = None,
    ) -> None:
        SampleDataLogic.registered.append(
            {"category": category, "name": sampleName, "uri": uris, "file": fileNames, "node": nodeNames}
            | {"checksum": checksums}
        )


@pytest.fixture
def registered(desktop: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the module has registered once Slicer has started."""
    SampleDataLogic.registered = []
    module = ModuleType("SampleData")
    module.SampleDataLogic = SampleDataLogic  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "SampleData", module)
    desktop.load_module()
    assert SampleDataLogic.registered == [], "not while modules are being loaded: Sample Data may come later"
    desktop.app.complete_startup()
    return SampleDataLogic.registered


def test_ct_and_mr_samples_are_listed_under_the_modules_name(registered: list[dict[str, Any]]) -> None:
    assert {each["category"] for each in registered} == {"Sli2Vol"}
    assert {each["name"].split(":")[0] for each in registered} == {"CT", "MR"}


def test_every_sample_is_one_of_slicers_with_its_checksum(registered: list[dict[str, Any]]) -> None:
    found = {each["node"]: (each["file"], each["checksum"].removeprefix("SHA256:")) for each in registered}
    assert found == SOURCE_OF_SLICER


def test_the_address_of_a_sample_is_that_of_slicers_public_data(registered: list[dict[str, Any]]) -> None:
    for each in registered:
        digest = each["checksum"].removeprefix("SHA256:")
        assert re.fullmatch("[0-9a-f]{64}", digest)
        assert each["uri"] == f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{digest}"
