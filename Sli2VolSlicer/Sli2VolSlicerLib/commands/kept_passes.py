"""The passes that the refinement learns from: run volume by volume, and kept in files to go on from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine.protocol import CarryingMethod
    from ..training.refinement import LabelledVolume, PassExample


@dataclass(frozen=True)
class KeptPasses:
    """Runs passes, but for those that its folder has already.

    Attributes:
        method: whose passes; with the refinement that sends them on in a second round.
        correspondence: checksum of the method's weights.
        earlier: checksum of the refinement's weights; None in a first round.
        seed: of every random choice.
        folder: made when it is needed.
    """

    method: CarryingMethod
    correspondence: str
    earlier: str | None
    seed: int
    folder: Path

    def of(self, volume: LabelledVolume, labelled_volumes: int, is_held_out: bool) -> Iterator[list[PassExample]]:
        """A volume's examples: the first round's, then in a second round those of passes that are sent on.

        Args:
            volume: with labels or without.
            labelled_volumes: those of its group; the fewer, the more passes of each.
            is_held_out: noted in the examples.

        Raises:
            VolumeError: the volume cannot be propagated through.
        """
        from ..training.refinement import ExampleSettings, SendingOn, identity_of, pass_examples, sent_on_examples

        settings, sending = ExampleSettings().in_group_of(labelled_volumes), SendingOn()
        identity = identity_of(volume, self.correspondence, settings, self.seed, is_held_out)
        yield self._kept_or_made(
            self.folder / f"{volume.name}.passes",
            identity,
            lambda: pass_examples(volume, self.method, settings, self.seed, is_held_out),
        )
        if self.earlier is None:
            return
        more = (self.earlier, sending)
        identity = identity_of(volume, self.correspondence, settings, self.seed, is_held_out, *more)
        yield self._kept_or_made(
            self.folder / f"{volume.name}.sent-on.passes",
            identity,
            lambda: sent_on_examples(volume, self.method, settings, sending, self.seed, is_held_out),
        )

    def _kept_or_made(self, file: Path, identity: str, make: Callable[[], list[PassExample]]) -> list[PassExample]:
        from tqdm import tqdm

        from ..training.refinement import keep_examples, kept_examples

        found = kept_examples(file, identity)
        if found is None:
            if file.is_file():
                reason = "they are of other volumes, weights or settings, or of an earlier version"
                tqdm.write(f"{file}: the passes kept here are not taken but made anew: {reason}.", sys.stderr)
            made = make()
            self.folder.mkdir(exist_ok=True)
            keep_examples(file, identity, made)
            found = kept_examples(file, identity)
            assert found is not None, f"{file} was written a moment ago."
        return found
