"""`make check`: everything that can be said without running the product. Goes on after a fault."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# Settings must be readable to analyse the code; nothing connects to this address.
PLACEHOLDER = {
    "DATABASE_URL": "postgresql://nobody@localhost/nothing",
    "SECRET_KEY": "only-to-read-the-settings",
    "PARVIS_DEBUG": "1",
}
CHECKS: dict[str, list[str]] = {
    "style": [str(BIN / "ruff"), "check", "--quiet", "."],
    "format": [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
    "house plan": [str(BIN / "lint-imports"), "--no-cache"],
    "types": [str(BIN / "mypy"), "parvis"],
    "migrations": [sys.executable, "tools/check_migrations.py"],
    "French": [sys.executable, "tools/check_french.py"],
    "translations": [sys.executable, "tools/messages.py", "check"],
    "promises": [sys.executable, "tools/check_promises.py"],
}


def main() -> int:
    wanted = sys.argv[1:] or list(CHECKS)
    failed = []
    for name in wanted:
        began = time.monotonic()
        done = subprocess.run(
            CHECKS[name],
            cwd=ROOT,
            env={**PLACEHOLDER, **os.environ},
            capture_output=True,
            text=True,
        )
        said = (done.stdout + done.stderr).rstrip()
        good = done.returncode == 0
        print(f"{'ok  ' if good else 'FAIL'} {name} ({time.monotonic() - began:.1f} s)", flush=True)
        if not good:
            failed.append(name)
            print("\n".join(f"     {line}" for line in said.splitlines()[-60:]), flush=True)
        elif said:
            print(f"     {said.splitlines()[-1]}", flush=True)
    if failed:
        print(f"\n{len(failed)} of {len(wanted)} checks failed: {', '.join(failed)}")
        return 1
    print(f"\nAll {len(wanted)} checks passed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
