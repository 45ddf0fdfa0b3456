"""Pushes handed over per second, against the plain `pywebpush` loop, in the same run."""

from __future__ import annotations

from typing import Any

from bench.push_nginx import run_push_bench

NAME = "push"


def run() -> dict[str, Any]:
    return run_push_bench(20_000)
