"""How true Expected Dice of refined slices is, and what would fit: `Testing/fit_expected_dice.py DATA`.

Every tuning case is propagated from one painted slice. Of each slice that refinement has mended, the measures are set
against the true Dice; the fit is the engine's `REFINED_FIT`. Structures count alike.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from sli2vol_benchmark.cases import Case, load_volume, seed_slice
from sli2vol_benchmark.confidence_metrics import rank_correlation
from sli2vol_benchmark.metrics import dice
from sli2vol_benchmark.run import thread_limit
from sli2vol_benchmark.tuning import tuning_cases
from Sli2VolSlicerLib.engine.devices import choose_device
from Sli2VolSlicerLib.engine.ends.known_ends import EndedRefinement, KnownEnds
from Sli2VolSlicerLib.engine.expected_dice import REFINED_FIT
from Sli2VolSlicerLib.engine.methods import REFINED_RULES
from Sli2VolSlicerLib.engine.methods.correspondence import Correspondence
from Sli2VolSlicerLib.engine.passes import Pass, SliceResult
from Sli2VolSlicerLib.engine.protocol import Refinement
from Sli2VolSlicerLib.engine.records import Anchor
from Sli2VolSlicerLib.engine.refinement.network_refinement import NetworkRefinement
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.weights_file import load_ends, load_network, load_refinement
from Sli2VolSlicerLib.weights import find_weights

_SAID = (0.0, 0.3, 0.5, 0.7, 0.85, 1.0)


@dataclass(frozen=True)
class Seen:
    """One refined slice.

    Attributes:
        family, structure: what it is of; all painted slices of a structure's volumes together.
        measures: as `RefinedSlice.measures`.
        said: what the engine expects.
        true: its Dice.
    """

    family: str
    structure: str
    measures: tuple[float, ...]
    said: float
    true: float

    @property
    def name(self) -> str:
        return f"{self.family}/{self.structure}"


@dataclass(eq=False)
class Watching:
    """A refinement that keeps what it made of each pass last."""

    watched: Refinement
    last: dict[tuple[int, int], tuple[Pass, list[SliceResult]]] = field(default_factory=dict)

    @property
    def beyond(self) -> int:
        return self.watched.beyond

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        made = self.watched.refined(run, length)
        self.last[run.anchor_slice, run.step] = run, made
        return made


@dataclass(frozen=True)
class Job:
    """All structures of a volume, by these weights (the catalogue's where None)."""

    cases: tuple[Case, ...]
    seeds: int
    refinement: Path | None


def seen_in(job: Job) -> list[Seen]:
    """The refined slices of one volume's structures."""
    device = choose_device("cpu")
    network = load_refinement(job.refinement or find_weights("sli2vol-refinement"))
    ends = KnownEnds(load_ends(find_weights("sli2vol-ends")))
    watching = Watching(EndedRefinement(NetworkRefinement(network, device), ends))
    carrying = load_network(find_weights("sli2vol"))
    method = Correspondence("sli2vol", carrying, device, REFINED_RULES, refinement=watching)
    volume = load_volume(job.cases[0])
    stack = SliceStack(volume.image, volume.spacing_mm, axis=0)
    session = PropagationSession(stack, method)
    seen: list[Seen] = []
    for case in job.cases:
        truth = volume.truth(case)
        for seed in range(job.seeds):
            index = seed_slice(truth, case.name, seed)
            watching.last.clear()
            session.propagate([Anchor(index, 1, truth[index])])
            for run, made in watching.last.values():
                seen.extend(_seen(case, truth, run, made))
    return seen


def _seen(case: Case, truth: np.ndarray, run: Pass, made: Sequence[SliceResult]) -> Iterable[Seen]:
    for position, result in enumerate(made):
        found = result.placed(run.grid.shape) > 0.5
        if result.refined is None or not found.any():
            continue
        true = run.grid.soft_from_mask(truth[run.anchor_slice + run.step * (position + 1)]) > 0.5
        measures = result.refined.measures(result.journey)
        yield Seen(case.family, case.structure, measures, result.expected_dice, dice(found, true))


def fitted(seen: Sequence[Seen]) -> np.ndarray:
    """The least squares of the true Dice over the measures, structures counting alike; float64 (measures,)."""
    root = np.sqrt(_shares(seen))
    measures, true = np.array([each.measures for each in seen]), np.array([each.true for each in seen])
    found: np.ndarray = np.linalg.lstsq(measures * root[:, None], true * root, rcond=None)[0]
    return found


def explained(seen: Sequence[Seen], said: np.ndarray) -> float:
    """The share of the true Dice's variance that what was said explains, 1 at most; NaN where it does not vary."""
    shares, true = _shares(seen), np.array([each.true for each in seen])
    variance = float((shares * (true - (shares * true).sum()) ** 2).sum())
    return 1 - float((shares * (true - said) ** 2).sum()) / variance if variance else float("nan")


def by_others(seen: Sequence[Seen]) -> np.ndarray:
    """What a fit to all other families says of each family's slices, within 0..1."""
    said = np.zeros(len(seen))
    for family in {each.family for each in seen}:
        own = np.array([each.family == family for each in seen])
        if own.all():
            return np.full(len(seen), np.nan)
        fit = fitted([each for each, is_own in zip(seen, own, strict=True) if not is_own])
        said[own] = np.array([each.measures for each in seen])[own] @ fit
    return np.clip(said, 0, 1)


def mean_rank_correlation(seen: Sequence[Seen], said: np.ndarray) -> float:
    """Spearman's, the mean over structures that have one; NaN if none has."""
    names, true = np.array([each.name for each in seen]), np.array([each.true for each in seen])
    found = [rank_correlation(said[own], true[own]) for own in (names == name for name in sorted(set(names)))]
    known = [each for each in found if np.isfinite(each)]
    return float(np.mean(known)) if known else float("nan")


def _shares(seen: Sequence[Seen]) -> np.ndarray:
    """How much each slice counts; they sum to 1."""
    counts = Counter(each.name for each in seen)
    return np.array([1 / counts[each.name] / len(counts) for each in seen])


def told(seen: Sequence[Seen]) -> str:
    """The whole answer, in lines."""
    now, others, fit = np.array([each.said for each in seen]), by_others(seen), fitted(seen)
    true = np.array([each.true for each in seen])
    lines = [
        f"{len(seen)} refined slices of {len({each.name for each in seen})} structures",
        f"engine's fit  {'  '.join(f'{each:+.2f}' for each in REFINED_FIT)}",
        f"best fit here {'  '.join(f'{each:+.2f}' for each in fit)}",
        f"{'':24s} {'explained':>9s} {'rank correlation':>17s}",
    ]
    for words, said in (("as the engine says", now), ("fitted, other families", others)):
        lines.append(f"{words:24s} {explained(seen, said):9.3f} {mean_rank_correlation(seen, said):17.3f}")
    for words, said in (("engine", now), ("fitted", others)):
        for low, high in pairwise(_SAID):
            within = (said >= low) & ((said < high) | (high == 1))
            if within.any():
                figures = f"{said[within].mean():.2f} said, {true[within].mean():.2f} true"
                lines.append(f"{words} {low:.2f}..{high:.2f}: {figures} ({int(within.sum())} slices)")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Propagate, fit, and say so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with index.json")
    parser.add_argument("--labels", type=Path, metavar="FOLDER", help="labels of training volumes that have none")
    parser.add_argument("--refinement", type=Path, metavar="FILE", help="weights (the catalogue's)")
    parser.add_argument("--seeds", type=int, default=1, help="painted slices per structure (default 1)")
    parser.add_argument("--workers", type=int, default=1, help="processes at once, of one thread each (default 1)")
    arguments = parser.parse_args(argv)
    cases: dict[str, list[Case]] = {}
    for case in tuning_cases(arguments.data, arguments.labels):
        cases.setdefault(case.volume, []).append(case)
    jobs = [Job(tuple(each), arguments.seeds, arguments.refinement) for each in cases.values()]
    context = multiprocessing.get_context("spawn")
    with thread_limit(1), ProcessPoolExecutor(arguments.workers, mp_context=context) as pool:
        seen = [each for found in pool.map(seen_in, jobs) for each in found]
    sys.stdout.write(told(seen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
