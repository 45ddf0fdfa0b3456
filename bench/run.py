"""`make bench`: runs each benchmark in a process of its own, prints a table, writes results.json.

A benchmark is a module of this folder with `run()`, which answers figures by name; `NAME` where
the module's own name is not the one to show. `python bench/run.py NAME` runs one of them and keeps
the others' last figures.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bench"
RESULTS = FOLDER / "results.json"
PATIENCE = 1800


def benchmarks() -> dict[str, str]:
    """Name → module, found without importing: importing may set an environment."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        if path.name == Path(__file__).name:
            continue
        name = ""
        runs = False
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name == "run" and not node.args.args:
                runs = True
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Constant)
                and any(isinstance(t, ast.Name) and t.id == "NAME" for t in node.targets)
            ):
                name = str(node.value.value)
        if runs:
            found[name or path.stem] = f"bench.{path.stem}"
    return found


def machine() -> dict[str, Any]:
    cpu = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        cpu = models[0].split(":", 1)[1].strip() if models else cpu
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": cpu, "cores": usable, "system": platform.platform(), "python": sys.version[:6]}


def run_one(module: str) -> dict[str, Any]:
    """The figures of one benchmark, or what went wrong with it."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as answer:
        done = subprocess.run(
            [sys.executable, str(Path(__file__)), "--into", answer.name, module],
            cwd=ROOT,
            timeout=PATIENCE,
        )
        text = answer.read()
    if done.returncode != 0 or not text:
        return {"failed": f"ended with {done.returncode}"}
    figures: dict[str, Any] = json.loads(text)
    return figures


def into(path: str, module: str) -> None:
    """In the child: run the benchmark on a database of its own."""
    sys.path.insert(0, str(ROOT))
    if module_wants_database(module):
        from bench.scratch import scratch_database

        with scratch_database(f"bench_{module.rsplit('.', 1)[1]}"):
            figures = importlib.import_module(module).run()
    else:
        figures = importlib.import_module(module).run()
    Path(path).write_text(json.dumps(figures, ensure_ascii=False))


def module_wants_database(module: str) -> bool:
    """Whether it uses the ORM without making a database itself."""
    source = (ROOT / f"{module.replace('.', '/')}.py").read_text()
    return "scratch_database" not in source and "django" in source


def table(results: dict[str, Any]) -> str:
    lines = []
    for name, figures in results.items():
        lines.append(name)
        for key, value in flat(figures):
            lines.append(f"  {key:<44} {value}")
    return "\n".join(lines)


def flat(figures: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in figures.items():
        if isinstance(value, dict):
            rows += flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", value))
    return rows


def main(wanted: list[str]) -> int:
    all_of_them = benchmarks()
    unknown = set(wanted) - set(all_of_them)
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(all_of_them)}")
        return 1
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results = kept if wanted else {}
    results.pop("machine", None), results.pop("date", None)
    failed = False
    for name in wanted or all_of_them:
        print(f"— {name} …", flush=True)
        began = time.monotonic()
        try:
            figures = run_one(all_of_them[name])
        except subprocess.TimeoutExpired:
            figures = {"failed": f"not done after {PATIENCE} s"}
        figures["took_s"] = round(time.monotonic() - began, 1)
        failed |= "failed" in figures
        results[name] = figures
        print(table({name: figures}), flush=True)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        whole = {"machine": machine(), "date": now, **results}
        RESULTS.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    print(f"\n{table(results)}\n\nwritten: {RESULTS.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--into"]:
        into(sys.argv[2], sys.argv[3])
    else:
        sys.exit(main(sys.argv[1:]))
