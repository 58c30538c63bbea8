"""Volumes to try the module on: Slicer's own public samples, listed once more where they are looked for."""

from __future__ import annotations

from dataclasses import dataclass

import slicer

CATEGORY = "Sli2Vol"


@dataclass(frozen=True)
class Sample:
    """One of Slicer's samples; nothing is fetched before the user clicks it.

    Attributes:
        name: what the button says.
        node_name: of the volume in the scene; the picture on the button goes by it.
        file_name: as Slicer itself calls it, so that it is fetched once only.
        sha256: of the file, which is also its address.
    """

    name: str
    node_name: str
    file_name: str
    sha256: str


# From Modules/Scripted/SampleData/SampleData.py of Slicer, which tells their sources and licences too.
SAMPLES = (
    Sample(
        "CT: liver, kidneys, spleen",
        "CTLiver",
        "CTLiver.nrrd",
        "e16eae0ae6fefa858c5c11e58f0f1bb81834d81b7102e021571056324ef6f37e",
    ),
    Sample(
        "CT: lungs, heart",
        "CTChest",
        "CT-chest.nrrd",
        "4507b664690840abb6cb9af2d919377ffc4ef75b167cb6fd0f747befdb12e38e",
    ),
    Sample(
        "MR: tumour",
        "MRBrainTumor1",
        "RegLib_C01_1.nrrd",
        "998cb522173839c78657f4bc0ea907cea09fd04e44601f17c82ea27927937b95",
    ),
    Sample(
        "MR: head",
        "MRHead",
        "MR-head.nrrd",
        "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93",
    ),
)


def register_sample_data() -> None:
    """Put them into the module "Sample Data"; a second time does nothing."""
    import SampleData

    for each in SAMPLES:
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=each.name,
            uris=f"{slicer.util.TESTING_DATA_URL}SHA256/{each.sha256}",
            fileNames=each.file_name,
            nodeNames=each.node_name,
            checksums=f"SHA256:{each.sha256}",
        )
