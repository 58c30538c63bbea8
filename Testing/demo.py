"""The demo: one painted slice becomes a volume, through a real MRML scene.

It leaves in demo-output/ what came of it (result.seg.nrrd) and three pictures, and prints what it did,
how good it is where that is known, and how long each stage took.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).resolve().parent))

from demo_volumes import DemoVolume, find_volume  # noqa: E402 (beside this file)
from pictures import Upright, Volumes, dice_of, dice_per_slice, draw_confidence, draw_montage  # noqa: E402

from Sli2VolSlicerLib.commands.progress_bar import slice_bar  # noqa: E402
from Sli2VolSlicerLib.commands.report import peak_memory_mb  # noqa: E402
from Sli2VolSlicerLib.commands.volume_files import Grid  # noqa: E402
from Sli2VolSlicerLib.engine.errors import Sli2VolError  # noqa: E402

SEGMENT = "Structure"
COLOUR = (0.95, 0.62, 0.11)


class Clock:
    """Seconds per stage."""

    def __init__(self) -> None:
        self.seconds: list[tuple[str, float]] = []
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds.append((stage, now - self._last))
        self._last = now


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The demo's arguments."""
    parser = argparse.ArgumentParser(prog="Testing/demo", description=__doc__)
    parser.add_argument("--volume", type=Path, metavar="IMAGE", help="your volume (NIfTI, NRRD, MHA, DICOM folder)")
    parser.add_argument(
        "--annotation",
        type=Path,
        metavar="LABELS",
        help="label map on its grid: one drawn slice, or a whole structure, of which the largest slice is drawn",
    )
    parser.add_argument("--label", type=int, help="which label of it (default: the largest)")
    parser.add_argument("--method", default="sli2vol", help="default: sli2vol")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or mps")
    parser.add_argument("--offline", action="store_true", help="fetch nothing")
    parser.add_argument("--output", type=Path, default=ROOT / "demo-output", metavar="FOLDER")
    arguments = parser.parse_args(argv)
    if arguments.annotation is not None and arguments.volume is None:
        parser.error("--annotation needs --volume")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; 0 when all went well, 2 after an error."""
    arguments = parse(argv)
    try:
        run(arguments)
    except Sli2VolError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    return 0


def run(arguments: argparse.Namespace) -> None:
    """Find a volume, propagate, save, draw, tell."""
    clock = Clock()
    arguments.output.mkdir(parents=True, exist_ok=True)
    demo = find_volume(arguments.volume, arguments.annotation, arguments.label, arguments.offline)
    drawn_on = int(np.flatnonzero(_first(demo.painted, demo.axis).any(axis=(1, 2)))[0])
    print(f"Volume: {demo.words}")
    size = " x ".join(map(str, demo.image.grid.size))
    spacing = " x ".join(f"{s:.3g}" for s in demo.image.grid.spacing)
    print(f"        {size} voxels of {spacing} mm; drawn: slice {drawn_on} along axis {demo.axis}")
    clock.lap("find and read the volume")

    segmentation, result, scene = propagate_in_scene(demo, arguments.method, arguments.device, clock)
    propagation = result.propagation
    (label,) = propagation.masks
    mask = propagation.masks[label]
    files = save_and_draw(demo, segmentation, mask, propagation.slice_confidence[label], drawn_on, arguments.output)
    clock.lap("save and draw")
    del scene
    tell(demo, result, mask, drawn_on, clock)
    print(f"Left in {arguments.output}: {', '.join(path.name for path in files)}")


def propagate_in_scene(demo: DemoVolume, method: str, device: str, clock: Clock) -> tuple[Any, Any, Any]:
    """The segmentation node, what Propagate returned, and the scene that holds the nodes."""
    from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation, add_volume, make_scene
    from Sli2VolSlicerLib.scene.logic import SceneLogic

    scene = make_scene()
    matrix = ijk_to_ras(demo.image.grid)
    volume = add_volume(scene.scene, demo.image.array, matrix, "Volume")
    segmentation = add_segmentation(scene.scene, volume, "Segmentation")
    add_segment(segmentation, SEGMENT, demo.painted, matrix, COLOUR)
    clock.lap("make the MRML scene")
    with slice_bar(sys.stderr.isatty()) as progress:
        result = SceneLogic().propagate(
            volume, segmentation, [SEGMENT], method=method, device=device, axis=demo.axis, progress=progress
        )
    clock.lap("Propagate")
    return segmentation, result, scene


def save_and_draw(
    demo: DemoVolume, segmentation: Any, mask: np.ndarray, confidence: np.ndarray, drawn_on: int, folder: Path
) -> list[Path]:
    """The segmentation file and the three pictures."""
    from Sli2VolSlicerLib.scene.files import save_segmentation
    from Sli2VolSlicerLib.scene.picture import surface_picture

    grid = demo.image.grid
    truth = None if demo.truth is None else _first(demo.truth, demo.axis)
    upright = Upright.of(grid.direction, grid.spacing, demo.axis)
    volumes = Volumes(_first(demo.image.array, demo.axis), mask, truth, (drawn_on,), upright)
    dice = None if truth is None else dice_per_slice(mask, truth)
    title = f"One painted slice, carried through the volume: {demo.words}"
    return [
        save_segmentation(segmentation, folder / "result.seg.nrrd"),
        draw_montage(volumes, folder / "montage.png", title if len(title) < 110 else demo.words[:110]),
        surface_picture(segmentation, folder / "surface.png"),
        draw_confidence(confidence, [drawn_on], folder / "confidence.png", "Confidence along the slices", dice),
    ]


def tell(demo: DemoVolume, result: Any, mask: np.ndarray, drawn_on: int, clock: Clock) -> None:
    """Print what came of it."""
    propagation = result.propagation
    filled = np.flatnonzero(mask.any(axis=(1, 2)))
    engine = propagation.seconds["total"]
    print(
        f"Propagate: {propagation.slices_propagated} slices in {engine:.2f} s "
        f"({propagation.slices_propagated / max(engine, 1e-9):.1f} per second) on {propagation.device}; "
        f"the structure spans slices {filled[0]} to {filled[-1]}"
    )
    for one in propagation.passes:
        print(f"        {'up' if one.step > 0 else 'down'} to slice {one.last_slice}: {one.reason.value}")
    for note in propagation.notes:
        print(f"        note: {note}")
    if demo.truth is not None:
        truth = _first(demo.truth, demo.axis)
        others = np.arange(len(mask)) != drawn_on
        print(
            f"Dice against the known truth: {dice_of(mask, truth):.3f} "
            f"({dice_of(mask[others], truth[others]):.3f} without the painted slice)"
        )
    print("Seconds:")
    for stage, seconds in [*clock.seconds, ("in all", sum(s for _, s in clock.seconds))]:
        print(f"  {seconds:8.2f}  {stage}")
        if stage == "Propagate":
            for part in ("capture", "engine", "write"):
                print(f"  {result.seconds[part]:12.2f}  {part}")
    if (peak := peak_memory_mb()) is not None:
        print(f"Peak memory: {peak:.0f} MB")


def ijk_to_ras(grid: Grid) -> np.ndarray:
    """SimpleITK's LPS geometry as Slicer's 4x4 matrix."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(grid.direction).reshape(3, 3) * np.array(grid.spacing)
    matrix[:3, 3] = grid.origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def _first(array: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(array, axis, 0)


if __name__ == "__main__":
    sys.exit(main())
