"""Benchmarks are run by hand: here they are only asked whether they would start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
NOT_ASKED = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SECRET_KEY")
START = """
import importlib, sys
sys.path.insert(0, ".")
from bench.run import benchmarks, module_wants_database
for name, module in benchmarks().items():
    if not module_wants_database(module):
        importlib.import_module(module)
    print(name)
"""


def test_every_benchmark_starts_without_a_setting():
    bare = {name: value for name, value in os.environ.items() if name not in NOT_ASKED}
    done = subprocess.run(
        [sys.executable, "-c", START], cwd=ROOT, env=bare, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {"pages", "lighthouse", "publish", "push"} <= set(done.stdout.split())
