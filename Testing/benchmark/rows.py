"""The rows of the tables: every method that is compared, and how each is set to work."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .ablation import ABLATIONS, WeightFiles, ablated
from .cases import BenchmarkError, Volume
from .work import GIVEN_ENDS, RowResult, RowSession, Work

if TYPE_CHECKING:
    from Sli2VolSlicerLib.engine.protocol import Method

ENGINE_ROWS = (
    "copy",
    "optical-flow",
    "voxelmorph",
    "random-weights",
    "sli2vol-paper-no-verification",
    "sli2vol-paper",
    "mask-prior",
    "sli2vol-plus",
    "sli2vol-plus-verified",
    "sli2vol-unrefined",
    "sli2vol",
    "overfit",
    "auto",
)
SLICER_ROWS = ("grow-from-seeds", "fill-between-slices")
INTERPOLATING_ROWS = ("interpolation",)
"""Rows of the engine that are also given the structure's true end slices; they cannot go on past what was drawn."""

ALL_ROWS = (*ENGINE_ROWS, *SLICER_ROWS, *INTERPOLATING_ROWS)
OURS = "sli2vol"
VARIANTS = ("overfit", "auto")
"""Rows that begin with ours and change some of it: mostly they tie with it."""

_WEIGHTS_OF = {
    "voxelmorph": "voxelmorph",
    "sli2vol": "sli2vol",
    "sli2vol-unrefined": "sli2vol",
    "mask-prior": "mask-prior",
    "overfit": "sli2vol",
    "auto": "sli2vol",
    "sli2vol-paper": "sli2vol-paper",
    "sli2vol-paper-no-verification": "sli2vol-paper",
    "sli2vol-plus": "sli2vol-plus",
    "sli2vol-plus-verified": "sli2vol-plus",
}


@dataclass(frozen=True)
class RowSpec:
    """A row, in words that can be sent to another process.

    Attributes:
        name: one of `ALL_ROWS`.
        weights: the weights file of rows that need one.
        device: for rows that run the engine.
        refinement: the weights file of the refinement, for rows that have one.
        ends: the same of the known ends.
    """

    name: str
    weights: Path | None = None
    device: str = "auto"
    refinement: Path | None = None
    ends: Path | None = None


def row_specs(names: Sequence[str], weights: dict[str, Path], device: str = "auto") -> list[RowSpec]:
    """One spec per name; weights not given are looked up in the catalogue.

    Raises:
        BenchmarkError: an unknown row.
    """
    unknown = [name for name in names if name not in (*ALL_ROWS, *ABLATIONS)]
    if unknown:
        msg = f"Unknown rows {', '.join(unknown)}; choose from {', '.join(ALL_ROWS)}."
        raise BenchmarkError(msg)
    from Sli2VolSlicerLib.engine.methods import ENDS_OF, REFINEMENT_OF

    specs = []
    for name in names:
        like = OURS if name in ABLATIONS else name
        kinds = (_WEIGHTS_OF.get(like), REFINEMENT_OF.get(like), ENDS_OF.get(like))
        own, refinement, ends = (_weights(kind, weights) if kind else None for kind in kinds)
        specs.append(RowSpec(name, own, device, refinement, ends))
    return specs


def _weights(kind: str, given: dict[str, Path]) -> Path:
    if kind in given:
        return given[kind]
    from Sli2VolSlicerLib.weights import find_weights

    return find_weights(kind)


def open_row(spec: RowSpec, volume: Volume) -> RowSession:
    """Bind a row to a volume."""
    if _is_of_the_engine(spec.name):
        return EngineSession(spec, volume)
    from .slicer_effects import FillBetweenSlices, GrowFromSeeds

    return GrowFromSeeds() if spec.name == "grow-from-seeds" else FillBetweenSlices()


def _is_of_the_engine(name: str) -> bool:
    return name in (*ENGINE_ROWS, *INTERPOLATING_ROWS, *ABLATIONS)


def method_of(spec: RowSpec) -> Method:
    """What a row of the engine propagates by."""
    from Sli2VolSlicerLib.engine.methods import create_method

    if spec.name in ABLATIONS:
        assert spec.weights is not None and spec.refinement is not None and spec.ends is not None, spec
        return ablated(spec.name, WeightFiles(spec.weights, spec.refinement, spec.ends), spec.device)
    return create_method(spec.name, spec.weights, spec.device, refinement=spec.refinement, ends=spec.ends)


class EngineSession:
    """A propagation session that serves all structures of one volume, as in Slicer."""

    def __init__(self, spec: RowSpec, volume: Volume) -> None:
        from Sli2VolSlicerLib.engine.session import PropagationSession
        from Sli2VolSlicerLib.engine.slice_stack import SliceStack

        stack = SliceStack(volume.image, volume.spacing_mm, axis=0)
        self._session = PropagationSession(stack, method_of(spec))
        self._is_given_ends = spec.name in INTERPOLATING_ROWS

    def segment(self, work: Work) -> RowResult:
        """Propagate the painted slice in both directions until the structure ends.

        Rows that interpolate get the structure's first and last slice too.
        """
        from Sli2VolSlicerLib.engine.records import Anchor

        ends = _ends(work) if self._is_given_ends else {}
        anchors = [Anchor(index, 1, mask) for index, mask in (ends | {work.seed_slice: work.painted}).items()]
        started = time.perf_counter()
        done = self._session.propagate(anchors)
        seconds = time.perf_counter() - started
        confidence = done.slice_confidence[1].copy()
        # What was given says nothing of how well the row knows itself.
        confidence[[index for index in ends if index != work.seed_slice]] = np.nan
        return RowResult(
            mask=np.asarray(done.masks[1], bool),
            seconds=seconds,
            slices=done.slices_propagated,
            slice_confidence=confidence,
            stops=tuple(f"{p.step:+d} {p.last_slice}: {p.reason.value}" for p in done.passes),
            notes=(*done.notes, GIVEN_ENDS) if ends else done.notes,
            device=done.device,
        )


def _ends(work: Work) -> dict[int, np.ndarray]:
    """The structure's true first and last slice: their index to their mask."""
    there = np.flatnonzero(work.truth.any(axis=(1, 2)))
    return {int(index): np.ascontiguousarray(work.truth[index]) for index in there[[0, -1]]}


def fingerprint(spec: RowSpec) -> str:
    """Changes whenever the code or the weights behind a row change: old results are then not reused."""
    digest = hashlib.sha256()
    folder = Path(__file__).resolve().parent
    sources = [folder / "cases.py", folder / "metrics.py", folder / "work.py"]
    if _is_of_the_engine(spec.name):
        import Sli2VolSlicerLib.engine

        sources.extend(sorted(Path(Sli2VolSlicerLib.engine.__file__ or "").parent.rglob("*.py")))
    else:
        sources.append(folder / "slicer_effects.py")
    for source in sources:
        digest.update(source.read_bytes())
    for weights in (spec.weights, spec.refinement, spec.ends):
        if weights is not None:
            digest.update(Path(weights).read_bytes())
    return digest.hexdigest()[:16]
