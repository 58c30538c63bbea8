"""Parts of a document that one command writes and the others keep, between comment lines."""

from __future__ import annotations

from dataclasses import dataclass

NOTES_BEGIN = "<!-- notes: what is between these two lines is written by hand and kept -->"
NOTES_END = "<!-- end of notes -->"


@dataclass(frozen=True)
class Part:
    """The comment lines that a part lies between."""

    begin: str
    end: str


INTERACTIVE = Part(
    "<!-- drawing more slices: made by `sli2vol benchmark --interactive --report` -->",
    "<!-- end of drawing more slices -->",
)

INTERFACE = Part(
    "<!-- how the panel answers: made by `sli2vol benchmark --interface --report` -->",
    "<!-- end of how the panel answers -->",
)

ABLATION = Part(
    "<!-- what each part is worth: made by `sli2vol benchmark --ablation --report` -->",
    "<!-- end of what each part is worth -->",
)


def part_of(text: str, part: Part) -> str:
    """What is between the lines; empty if they are not there."""
    _, found, rest = text.partition(part.begin)
    inner, closed, _ = rest.partition(part.end)
    return inner if found and closed else ""


def with_part(text: str, part: Part, content: str) -> str:
    """The document with the part replaced, or put before the hand-written notes, or at the end."""
    block = f"{part.begin}\n{content.strip()}\n{part.end}"
    before, found, rest = text.partition(part.begin)
    _, closed, after = rest.partition(part.end)
    if found and closed:
        return before + block + after
    before, found, after = text.partition(NOTES_BEGIN)
    return f"{before}{block}\n\n{found}{after}" if found else f"{text.rstrip()}\n\n{block}\n"
