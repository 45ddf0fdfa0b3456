"""Pushes handed over per second, against the plain `pywebpush` loop, in the same run."""

from __future__ import annotations

from typing import Any

from bench.scratch import scratch_database

NAME = "push"


def run() -> dict[str, Any]:
    # The channels stand beside the models: Django must be set up before they are imported.
    with scratch_database("bench_push"):
        from bench.push_nginx import run_push_bench

        return run_push_bench(20_000)
