"""Speed and memory on one machine in one go: ours, the paper's the plain way, first and second call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import memory
from .alone import alone
from .cases import BenchmarkError, Case, list_cases, load_volume, seed_slice
from .plain_paper import plain_step
from .rows import OURS, RowSpec, method_of, row_specs

if TYPE_CHECKING:
    from .run import Options

CASE = "sabsCT_01/liver"
PLAIN_SIDE = 256
PLAIN_STEPS = 3
RUNS = 3


@dataclass(frozen=True)
class PropagateSpeed:
    """Propagate on one structure, in a process that does nothing else, on the CPU.

    Attributes:
        case: volume and structure.
        device: where it ran.
        prepare_seconds: imports and reading the weights.
        first_seconds: the first Propagate of the session.
        again_seconds: the same call once more.
        corrected_seconds: a call with one more drawn slice: the recommended one, drawn from the truth, after the
            session has rehearsed it.
        slices: slices propagated by the first call.
        dice: of the first call's result.
        peak_mb: the whole process', from its start to its end; `image_mb` of it is the volume as read.
        corrected_slice: the recommended slice.
        corrected_slices: slices propagated by the call after the correction.
        corrected_dice: of its result.
        rehearsal_seconds: of rehearsing, which the session does while the user draws.
        unrehearsed_seconds: the same call in another session that has not rehearsed.
    """

    case: str
    device: str
    prepare_seconds: float
    first_seconds: float
    again_seconds: float
    corrected_seconds: float
    slices: int
    dice: float
    peak_mb: float
    image_mb: float
    corrected_slice: int = -1
    corrected_slices: int = 0
    corrected_dice: float = 0.0
    rehearsal_seconds: float = float("nan")
    unrehearsed_seconds: float = float("nan")

    @property
    def seconds_per_slice(self) -> float:
        return self.first_seconds / max(self.slices, 1)


@dataclass(frozen=True)
class PlainSpeed:
    """One step of the paper's network and affinity the plain way, on a 256x256 slice, float32, CPU."""

    seconds_per_slice: float
    peak_mb: float
    steps: int


@dataclass(frozen=True)
class Speed:
    """Both, measured one after the other on one machine."""

    ours: PropagateSpeed
    plain: PlainSpeed

    @property
    def times_faster(self) -> float:
        return self.plain.seconds_per_slice / self.ours.seconds_per_slice


def measure_speed(data: Path, output: Path, options: Options, report: Callable[[str], None]) -> Speed:
    """Measure, and add the figures to `output`.

    Raises:
        BenchmarkError: the case is not in the data.
    """
    cases = [case for case in list_cases(data, "eval") if case.name == CASE]
    if not cases:
        msg = f"The speed is measured on {CASE}, which is not in {data}."
        raise BenchmarkError(msg)
    spec = row_specs([OURS], options.weights, "cpu")[0]
    # Machines are shared: of some runs the middle one by what is compared within a run.
    runs = [alone(propagate_speed, cases[0], spec) for _ in range(RUNS)]
    ours = sorted(runs, key=lambda run: run.first_seconds / run.corrected_seconds)[RUNS // 2]
    report(f"first {ours.first_seconds:.2f} s, again {ours.again_seconds:.2f} s, {ours.peak_mb:.0f} MB")
    report(f"corrected on slice {ours.corrected_slice} {ours.corrected_seconds:.2f} s, {ours.corrected_slices} slices")
    report(f"rehearsed in {ours.rehearsal_seconds:.2f} s; without, {ours.unrehearsed_seconds:.2f} s")
    plain = alone(plain_speed, cases[0])
    speed = Speed(ours, plain)
    report(f"the plain way {plain.seconds_per_slice:.2f} s per slice: {speed.times_faster:.0f} times slower")
    document = json.loads(output.read_text()) if output.is_file() else {}
    document["speed"] = asdict(speed)
    output.write_text(json.dumps(document, indent=1))
    return speed


def read_speed(document: dict) -> Speed | None:
    """What `measure_speed` added to the results, if it was run."""
    if "speed" not in document:
        return None
    return Speed(PropagateSpeed(**document["speed"]["ours"]), PlainSpeed(**document["speed"]["plain"]))


def propagate_speed(case: Case, spec: RowSpec) -> PropagateSpeed:
    """Time three calls of one session: the first, the same again, and one with a corrected slice more, rehearsed."""
    from .metrics import dice

    volume = load_volume(case)
    truth = volume.truth(case)
    index = seed_slice(truth, case.name)
    started = time.perf_counter()
    from Sli2VolSlicerLib.engine.recommendation import RecommendationRequest, recommend
    from Sli2VolSlicerLib.engine.records import Anchor
    from Sli2VolSlicerLib.engine.session import PropagationSession
    from Sli2VolSlicerLib.engine.slice_stack import SliceStack

    method = method_of(spec)
    stack = SliceStack(volume.image, volume.spacing_mm, axis=0)
    session = PropagationSession(stack, method)
    prepared = time.perf_counter()
    drawn = Anchor(index, 1, truth[index])
    first = session.propagate([drawn])
    after_first = time.perf_counter()
    session.propagate([drawn])
    after_again = time.perf_counter()
    (named,) = recommend(RecommendationRequest(stack, first, (drawn,)))
    correction = Anchor(named.slice_index, 1, truth[named.slice_index])
    recommended = time.perf_counter()
    session.rehearse(first, [drawn], named.slice_index)
    rehearsed = time.perf_counter()
    corrected = session.propagate([drawn, correction])
    after_corrected = time.perf_counter()
    other = PropagationSession(stack, method)
    other.propagate([drawn])
    before_other = time.perf_counter()
    other.propagate([drawn, correction])
    after_other = time.perf_counter()
    return PropagateSpeed(
        case=case.name,
        device=first.device,
        prepare_seconds=prepared - started,
        first_seconds=after_first - prepared,
        again_seconds=after_again - after_first,
        corrected_seconds=after_corrected - rehearsed,
        slices=first.slices_propagated,
        dice=dice(np.asarray(first.masks[1], bool), truth),
        peak_mb=memory.peak_mb(),
        image_mb=volume.image.nbytes / 1e6,
        corrected_slice=named.slice_index,
        corrected_slices=corrected.slices_propagated,
        corrected_dice=dice(np.asarray(corrected.masks[1], bool), truth),
        rehearsal_seconds=rehearsed - recommended,
        unrehearsed_seconds=after_other - before_other,
    )


def plain_speed(case: Case) -> PlainSpeed:
    """Time steps of the paper's network and affinity the plain way, from the painted slice upwards."""
    import torch

    from Sli2VolSlicerLib.engine.network import PAPER_SETTINGS, CorrespondenceNetwork
    from Sli2VolSlicerLib.engine.slice_stack import SliceStack

    volume = load_volume(case)
    truth = volume.truth(case)
    index = seed_slice(truth, case.name)
    stack = SliceStack(volume.image, volume.spacing_mm, axis=0)
    # The weights' values do not change the time.
    network = CorrespondenceNetwork(PAPER_SETTINGS).eval()
    values = torch.from_numpy(truth[index, :PLAIN_SIDE, :PLAIN_SIDE].astype(np.float32))[None]
    seconds = []
    for step in range(PLAIN_STEPS):
        slices = [torch.from_numpy(stack.intensity(index + step + i)[:PLAIN_SIDE, :PLAIN_SIDE]) for i in (0, 1)]
        started = time.perf_counter()
        values = plain_step(network, slices[0], slices[1], values, PAPER_SETTINGS.window_radius)
        seconds.append(time.perf_counter() - started)
    return PlainSpeed(float(np.median(seconds)), memory.peak_mb(), PLAIN_STEPS)
