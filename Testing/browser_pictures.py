"""Pictures of the page for the documents: `.venv-browser/bin/python Testing/browser_pictures.py DATA OUTPUT`.

A sarcoma in CT (stsGTV_CT_014 of the data folder; Soft-tissue-Sarcoma, TCIA, CC BY 3.0), worked by mouse and keys.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from browser.story import told
from PIL import Image

VOLUME, LABEL = "stsGTV_CT_014", 1
KEPT = {"4-propagated": "propagated", "5-next": "next"}
"""Step of the story -> what its picture is called."""


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the volumes, as for sli2vol benchmark")
    parser.add_argument("output", type=Path, help="folder for the pictures")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        story = Path(folder) / "story"
        story.mkdir()
        told(arguments.data / "eval" / f"{VOLUME}_img.nii.gz", LABEL, story, pictures, "sarcoma")
        for step, name in KEPT.items():
            with Image.open(pictures / f"{step}.png") as picture:
                picture.convert("RGB").save(arguments.output / f"browser-{name}.jpg", quality=88, subsampling=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
