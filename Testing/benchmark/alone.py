"""Calls in a process of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")


def alone(function: Callable[..., _Result], *arguments: object) -> _Result:
    """Call in a fresh process, so that what is measured is this work's."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()
