"""Lighthouse 12 with its mobile preset on the pages that a visitor meets first."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

from bench.portal import PACKAGES, find_chromium, portal

NAME = "lighthouse"
RUNS = 3
ATTEMPTS = 3
LEAST = {"performance": 95, "accessibility": 100, "best-practices": 100}
PATIENCE = 180
DUE = "parvis_work_due{"


def audit(url: str, chromium: str) -> dict[str, Any]:
    """One report; begun again when the browser's trace was cut, as a busy machine does."""
    for _ in range(ATTEMPTS):
        report = one_run(url, chromium)
        if all(category["score"] is not None for category in report["categories"].values()):
            return report
    raise RuntimeError(f"{url}: {report.get('runtimeError')}")


def one_run(url: str, chromium: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(
            [
                "node", str(PACKAGES / "lighthouse" / "cli" / "index.js"), url, "--quiet",
                "--output=json", f"--output-path={report}",
                f"--only-categories={','.join(LEAST)}",
                "--chrome-flags=--no-sandbox --headless=new --disable-gpu",
            ],
            env={**os.environ, "CHROME_PATH": chromium},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )  # fmt: skip
        if not report.exists():
            raise RuntimeError(f"{url}: {done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(report.read_text())
    return found


def lost(report: dict[str, Any]) -> list[str]:
    """Audits that cost points, by name."""
    names = []
    for category in report["categories"].values():
        for reference in category["auditRefs"]:
            score = report["audits"][reference["id"]]["score"]
            if reference["weight"] and score is not None and score < 0.9:
                names.append(reference["id"])
    return sorted(set(names))


def pages(base: str) -> dict[str, str]:
    """The addresses to look at; an announcement with a map is the heaviest of them."""
    asked = urllib.request.Request(
        f"{base.replace('alma.localhost', '127.0.0.1')}/avis/",
        headers={"Host": base.removeprefix("http://")},
    )
    with urllib.request.urlopen(asked) as answer:
        first = re.search(r'href="(/avis/\d+-[^"]+)"', answer.read().decode())
    if first is None:
        raise RuntimeError("the demonstration lists no announcement")
    return {
        "home": "/",
        "list": "/avis/",
        "announcement": first[1],
        "sign_in": "/compte/login/",
    }


def settle(base: str) -> None:
    """Wait until the demonstration's first letters are out: each delivery refreshes open pages."""
    asked = urllib.request.Request(f"{base.replace('alma.localhost', '127.0.0.1')}/metrics")
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        with urllib.request.urlopen(asked) as answer:
            lines = answer.read().decode().splitlines()
        if not any(float(line.split()[-1]) for line in lines if line.startswith(DUE)):
            time.sleep(2)
            return
        time.sleep(1)
    raise RuntimeError("the demonstration's deliveries do not end")


def run() -> dict[str, Any]:
    """Medians of three runs; a busy machine lowers the first figure, never the other two."""
    chromium = find_chromium()
    found: dict[str, Any] = {}
    kept = True
    with portal() as base:
        settle(base)
        for name, path in pages(base).items():
            reports = [audit(f"{base}{path}", chromium) for _ in range(RUNS)]
            scores = {
                category: round(
                    median(report["categories"][category]["score"] for report in reports) * 100
                )
                for category in LEAST
            }
            kept &= all(scores[category] >= least for category, least in LEAST.items())
            found[name] = {
                **scores,
                "blocking_ms": round(
                    median(
                        report["audits"]["total-blocking-time"]["numericValue"]
                        for report in reports
                    )
                ),
                "lcp_ms": round(
                    median(
                        report["audits"]["largest-contentful-paint"]["numericValue"]
                        for report in reports
                    )
                ),
                "lost": ", ".join(sorted({each for report in reports for each in lost(report)})),
            }
    return {
        "version": reports[0]["lighthouseVersion"],
        **found,
        "load": round(os.getloadavg()[0], 1),
        "promise": "performance >= 95, accessibility 100, best practices 100",
        "kept": kept,
    }
