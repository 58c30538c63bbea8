"""The demo: one painted slice becomes a volume, through a real MRML scene.

Where the whole structure is known, it then plays the user: three rounds of drawing the recommended slice and
propagating again. It leaves in demo-output/ what came of it (result.seg.nrrd) and pictures, and prints what it did,
how good it is where that is known, and how long each stage took.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).resolve().parent))

from demo_rounds import Stage, look, play  # noqa: E402 (beside this file)
from demo_timelines import LEGEND, draw_timelines, text_timeline  # noqa: E402
from demo_volumes import DemoVolume, find_volume  # noqa: E402
from pictures import Upright, Volumes, draw_confidence, draw_montage  # noqa: E402

from Sli2VolSlicerLib.commands.report import peak_memory_mb  # noqa: E402
from Sli2VolSlicerLib.engine.errors import Sli2VolError  # noqa: E402

if TYPE_CHECKING:
    from demo_scene import DemoScene

    from Sli2VolSlicerLib.scene.logic import SceneResult


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
    parser.add_argument(
        "--rounds",
        type=_rounds,
        default=3,
        metavar="N",
        help="rounds of correction where the whole structure is known (default: 3; 0 for none)",
    )
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
    """Find a volume, propagate, correct, save, draw, tell."""
    clock = Clock()
    arguments.output.mkdir(parents=True, exist_ok=True)
    demo = find_volume(arguments.volume, arguments.annotation, arguments.label, arguments.offline)
    drawn_on = int(np.flatnonzero(_first(demo.painted, demo.axis).any(axis=(1, 2)))[0])
    tell_volume(demo, drawn_on)
    clock.lap("find and read the volume")

    from demo_scene import DemoScene

    scene = DemoScene.of(demo, arguments.method, arguments.device)
    clock.lap("make the MRML scene")
    result = scene.propagate()
    clock.lap("Propagate")
    truth = None if demo.truth is None else _first(demo.truth, demo.axis)
    outlines = _first(demo.painted, demo.axis) if truth is None else truth
    before = scene.mask()
    stages = [look(scene, result, (drawn_on,), outlines, truth)]
    tell_propagate(result, before, stages[0])
    clock.lap("look at it and recommend a slice")
    stages += correct(scene, truth, stages[0], arguments.rounds)
    if len(stages) > 1:
        clock.lap(f"{_counted(len(stages) - 1, 'round')} of correction")
    files = save_and_draw(demo, scene, before, stages, arguments.output)
    clock.lap("save and draw")
    tell_seconds(clock, result)
    print(f"Left in {arguments.output}: {', '.join(path.name for path in files)}")


def correct(scene: DemoScene, truth: np.ndarray | None, first: Stage, rounds: int) -> list[Stage]:
    """Play rounds of correction, and tell each; none where there is no truth to draw from."""
    if truth is None:
        print(
            "No rounds of correction: the structure is not known here, so nobody can draw the next slice. "
            "Give the whole structure with --volume and --annotation to see them."
        )
        return []
    stages = []
    for stage in play(scene, truth, first, rounds):
        tell_round(stage)
        stages.append(stage)
    if len(stages) < rounds:
        print(f"No round {len(stages) + 1}: {[first, *stages][-1].advice.reason}")
    return stages


def save_and_draw(
    demo: DemoVolume, scene: DemoScene, before: np.ndarray, stages: Sequence[Stage], folder: Path
) -> list[Path]:
    """The segmentation file and its surface as they are at the end, and the other pictures.

    Args:
        demo: the volume.
        scene: at the end.
        before: bool, the painted axis first: the segment after the first Propagate.
        stages: the first Propagate and the rounds.
        folder: where to.
    """
    from Sli2VolSlicerLib.scene.files import save_segmentation
    from Sli2VolSlicerLib.scene.picture import surface_picture

    first, last = stages[0], stages[-1]
    dice = None if first.score is None else first.score.per_slice
    title = f"One painted slice, carried through the volume: {demo.words}"
    files = [
        save_segmentation(scene.segmentation, folder / "result.seg.nrrd"),
        surface_picture(scene.segmentation, folder / "surface.png"),
        draw_montage(volumes_of(demo, before, first), folder / "montage.png", _fitting(title, demo.words)),
        draw_confidence(first.confidence, first.drawn, folder / "confidence.png", "Confidence along the slices", dice),
    ]
    later = [folder / "montage-final.png", folder / "rounds.png"]
    if len(stages) == 1:
        for left_over in later:
            left_over.unlink(missing_ok=True)
        return files
    title = f"After {_counted(last.number, 'round')} of correction: {demo.words}"
    draw_montage(volumes_of(demo, scene.mask(), last), later[0], _fitting(title, demo.words))
    draw_timelines(stages, later[1], _fitting(f"Rounds of correction: {demo.words}", demo.words))
    return files + later


def volumes_of(demo: DemoVolume, mask: np.ndarray, stage: Stage) -> Volumes:
    """What a montage of one stage shows."""
    truth = None if demo.truth is None else _first(demo.truth, demo.axis)
    upright = Upright.of(demo.image.grid.direction, demo.image.grid.spacing, demo.axis)
    return Volumes(_first(demo.image.array, demo.axis), mask, truth, stage.drawn, upright)


def tell_volume(demo: DemoVolume, drawn_on: int) -> None:
    """Print what is worked on."""
    size = " x ".join(map(str, demo.image.grid.size))
    spacing = " x ".join(f"{s:.3g}" for s in demo.image.grid.spacing)
    print(f"Volume: {demo.words}")
    print(f"        {size} voxels of {spacing} mm; drawn: slice {drawn_on} along axis {demo.axis}", flush=True)


def tell_propagate(result: SceneResult, mask: np.ndarray, stage: Stage) -> None:
    """Print what came of the first Propagate."""
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
    if stage.score is not None:
        print(
            f"Dice against the known truth: {stage.score.dice:.3f} "
            f"({stage.score.dice_undrawn:.3f} without the painted slice)"
        )
    print(f"Timeline: {LEGEND}")
    tell_timeline(stage)


def tell_round(stage: Stage) -> None:
    """Print what came of one round."""
    assert stage.score is not None
    anew = _counted(stage.slices_propagated, "slice")
    print(
        f"Round {stage.number}: slice {stage.drawn[-1]} drawn, {anew} propagated anew in {stage.seconds:.2f} s; the "
        f"{len(stage.drawn)} drawn slices are as they were drawn"
    )
    print(f"        Dice {stage.score.dice:.3f} ({stage.score.dice_undrawn:.3f} without the drawn slices)")
    tell_timeline(stage)


def tell_timeline(stage: Stage) -> None:
    """Print a stage's timeline and the slice to draw next."""
    print(f"        {text_timeline(stage)}")
    slice_index, reason = stage.advice.slice_index, stage.advice.reason
    which = "no slice" if slice_index is None else f"slice {slice_index}"
    print(f"        next: {which}: {reason} ({stage.advice.seconds:.2f} s)", flush=True)


def tell_seconds(clock: Clock, result: SceneResult) -> None:
    """Print where the time went, and the memory."""
    print("Seconds:")
    for stage, seconds in [*clock.seconds, ("in all", sum(s for _, s in clock.seconds))]:
        print(f"  {seconds:8.2f}  {stage}")
        if stage == "Propagate":
            for part in ("capture", "engine", "write"):
                print(f"  {result.seconds[part]:12.2f}  {part}")
    if (peak := peak_memory_mb()) is not None:
        print(f"Peak memory: {peak:.0f} MB")


def _fitting(title: str, words: str) -> str:
    return title if len(title) < 110 else words[:110]


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _rounds(text: str) -> int:
    """The value of --rounds."""
    if not text.isdecimal() or not text.isascii():
        msg = f"a whole number, 0 or more, is needed, not '{text}'"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _first(array: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(array, axis, 0)


if __name__ == "__main__":
    sys.exit(main())
