"""A foreground process that starts others, starts them again, and ends them in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from parvis.cli_place import say

# The child asks the kernel to be ended with its parent, then becomes the program. Done in a fresh
# interpreter and not between fork and exec, where a parent with threads may lock itself up.
LEASH = (
    "import ctypes,os,sys\n"
    "if sys.platform=='linux': ctypes.CDLL(None).prctl(1,15)\n"
    "os.getppid()==int(sys.argv[1]) or sys.exit(143)\n"
    "os.execv(sys.argv[2],sys.argv[2:])"
)
MARK = "PARVIS_RUN"
MOST_PATIENCE = 20.0


@dataclass
class Child:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    inherits: Sequence[int] = ()
    """File descriptors that it takes over."""
    needed: bool = False
    """Without it the whole makes no sense: when it ends by itself, everything ends."""
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    not_before: float = 0.0

    def start(self, mark: str) -> None:
        argv = [sys.executable, "-I", "-S", "-c", LEASH, str(os.getpid()), *self.command]
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            argv,
            env={**os.environ, **self.environment, MARK: mark},
            stdin=subprocess.DEVNULL,
            pass_fds=tuple(self.inherits),
            # A terminal's Ctrl-C reaches us alone: we end the children, in order.
            start_new_session=True,
        )

    def end(self, patience: float = MOST_PATIENCE) -> None:
        """Ask it to end, wait, then end its whole group."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        kill_group(self.process.pid)
        self.process.wait()
        self.process = None


def kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


class Supervisor:
    """Keeps children running until a signal comes, or until one that is needed gives up."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.children: list[Child] = []
        self.stopping = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def add(self, *children: Child) -> None:
        for child in children:
            self.children.append(child)
            if not self.stopping:
                child.start(self.mark)

    def wait_until(self, ready: Callable[[], bool], *, patience: float) -> bool:
        """Watch over the children until this is true; false when time, a signal or death came."""
        limit = time.monotonic() + patience
        while time.monotonic() < limit and not self.stopping:
            if self.look() is not None:
                return False
            if ready():
                return True
            time.sleep(0.3)
        return False

    def look(self) -> Child | None:
        """Start again who ended; answer the needed one that ended, if any."""
        for child in self.children:
            if child.process is None:
                if time.monotonic() >= child.not_before and not self.stopping:
                    child.start(self.mark)
                continue
            code = child.process.poll()
            if code is None:
                if child.failures and time.monotonic() - child.started > 60:
                    child.failures = 0
                continue
            # Its own children must not live on beside the next one's.
            kill_group(child.process.pid)
            child.process = None
            if child.needed:
                return child
            pause = min(30.0, 0.5 * 2**child.failures)
            child.failures += 1
            child.not_before = time.monotonic() + pause
            say(
                f"«\u00a0{child.name}\u00a0» s’est arrêté (code {code})\u202f; "
                f"nouveau départ dans {pause:g}\u00a0s."
            )
        return None

    def watch(self) -> int:
        """Stay until a signal (0) or the end of a needed child (1)."""
        while not self.stopping:
            gone = self.look()
            if gone is not None:
                say(f"«\u00a0{gone.name}\u00a0» s’est arrêté de lui-même\u202f; tout s’arrête.")
                return 1
            time.sleep(0.2)
        return 0

    def end(self) -> None:
        """End all in the reverse order; a second signal does not shorten it."""
        self.stopping = True
        for child in reversed(self.children):
            child.end()


def end_leftovers(mark_file: Path) -> None:
    """End what an earlier run left behind when it was killed, known by its mark."""
    if not mark_file.exists():
        return
    wanted = f"{MARK}={mark_file.read_text().strip()}".encode()
    for number in (signal.SIGTERM, signal.SIGKILL):
        limit = time.monotonic() + 5
        while left := list(_marked(wanted)):
            for pid in left:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            if time.monotonic() > limit:
                break
            time.sleep(0.2)
    mark_file.unlink(missing_ok=True)


def _marked(wanted: bytes) -> list[int]:
    proc = Path("/proc")
    found = []
    for entry in proc.iterdir() if proc.exists() else ():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found
