"""The demo in the browser: `Testing/demo --browser`. The page opens on the demo volume; Ctrl+C ends it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from demo_volumes import find_volume

from Sli2VolSlicerLib.commands import main as command_line
from Sli2VolSlicerLib.engine.errors import Sli2VolError
from Sli2VolSlicerLib.files.volume_files import write_image

ROOT = Path(__file__).resolve().parents[1]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The demo's arguments."""
    parser = argparse.ArgumentParser(prog="Testing/demo --browser", description=__doc__)
    parser.add_argument("--volume", type=Path, metavar="IMAGE", help="your volume (NIfTI, NRRD, MHA, DICOM folder)")
    parser.add_argument("--port", default="8080", help="default: 8080; 0: any free one")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or mps")
    parser.add_argument("--offline", action="store_true", help="fetch nothing")
    parser.add_argument("--output", type=Path, default=ROOT / "demo-output", metavar="FOLDER")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Put the demo volume into a folder of its own and serve it."""
    arguments = parse(argv)
    try:
        demo = find_volume(arguments.volume, None, None, arguments.offline)
    except Sli2VolError as error:
        print(f"Testing/demo: {error}", file=sys.stderr)
        return 1
    folder = arguments.output / "browser"
    folder.mkdir(parents=True, exist_ok=True)
    write_image(folder / "demo.nrrd", demo.image.array, demo.image.grid)
    print(f"Volume: {demo.words}", flush=True)
    serve = ["serve", "--folder", str(folder), "--port", arguments.port, "--device", arguments.device, "--open"]
    return command_line.main(serve)


if __name__ == "__main__":
    sys.exit(main())
