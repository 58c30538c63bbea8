"""What processes take: memory and time, as Linux tells it."""

from __future__ import annotations

import os
import time
from pathlib import Path

_PROC = Path("/proc")


def children_of(process_id: int) -> list[int]:
    """Processes that a process has started and that still run."""
    found = []
    for folder in _PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == process_id and fields[0] != "Z":
            found.append(int(folder.name))
    return sorted(found)


def memory_mb(process_id: int) -> float:
    """What a process holds in the memory, in MB of 10^6 bytes; 0 if it has ended."""
    try:
        pages = int((_PROC / str(process_id) / "statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(process_id: int) -> float:
    """Processor time that a process has taken so far."""
    fields = (_PROC / str(process_id) / "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_at_rest_mb(process_id: int, children: int, within_s: float = 60.0) -> float:
    """What a process and its children hold together once there are so many children and none does anything.

    Raises:
        AssertionError: that never came.
    """
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        before = {each: cpu_seconds(each) for each in children_of(process_id)}
        time.sleep(1.5)
        now = children_of(process_id)
        if set(now) == set(before) and len(now) == children and all(cpu_seconds(e) - before[e] < 0.05 for e in now):
            return memory_mb(process_id) + sum(map(memory_mb, now))
    raise AssertionError(f"the server never came to rest with {children} processes; it has {children_of(process_id)}")
