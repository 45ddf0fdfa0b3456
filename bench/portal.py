"""A whole demonstration on a free port, and a browser: for what is measured from outside."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 240.0
PACKAGES = ROOT / "node_modules"


def find_chromium() -> str:
    """Path of Chromium; installed through apt-get when it is missing and we may."""
    names = ("chromium", "chromium-browser", "google-chrome")
    if not any(map(shutil.which, names)) and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "check": False}
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]
        for command in (["apt-get", "update", "-qq"], install):
            subprocess.run(command, env=environment, **quiet)  # type: ignore[call-overload]
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise RuntimeError("Chromium is missing: apt-get install chromium")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def portal() -> Iterator[str]:
    """`parvis demo` as it is shipped, on data of its own; answers its address."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="parvis-bench-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        with open(log, "w") as written:
            process = subprocess.Popen(
                [sys.executable, "-m", "parvis.cli", "demo", "--port", str(port)]
                + ["--data", f"{folder}/data"],
                cwd=ROOT,
                stdout=written,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            )
        try:
            limit = time.monotonic() + PATIENCE
            while "Parvis est prêt" not in log.read_text():
                if process.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError(f"the demonstration does not start:\n{log.read_text()}")
                time.sleep(0.2)
            yield f"http://alma.localhost:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
