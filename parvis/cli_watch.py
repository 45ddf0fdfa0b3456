"""`parvis doctor --watch`: looks again and again, and calls somebody when a lane of work stalls."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime

from parvis.cli_doctor import database, disk, jobs, lanes, look, mail, seals
from parvis.cli_telephony import telephony

WATCHED = (database, disk, mail, telephony, lanes, jobs, seals)


def watch(*, every: float, alarm: str, rounds: int = 0) -> int:
    """Look again and again; say what begins and what ends, and run the alarm command at each."""
    standing: set[str] = set()
    done = 0
    while not rounds or done < rounds:
        found = look(WATCHED)
        wrong = {_kind(f.said): f.said for f in found if not f.good and f.grave}
        for kind, said in wrong.items():
            if kind not in standing:
                call(f"ALARME {said}", alarm)
        for kind in standing - wrong.keys():
            call(f"RÉTABLI {kind}", alarm)
        standing = set(wrong)
        done += 1
        if not rounds or done < rounds:
            time.sleep(every)
    return 1 if standing else 0


def _kind(said: str) -> str:
    """The sentence without its figures: the same trouble, however long it lasts."""
    return "".join(letter for letter in said.split("\u00a0: ")[0] if not letter.isdigit())


def call(sentence: str, alarm: str) -> None:
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    print(f"{at} {sentence}", file=sys.stderr, flush=True)
    if alarm:
        # The operator's own command; the sentence goes by its input, never through the shell.
        done = subprocess.run(alarm, shell=True, input=sentence, text=True)
        if done.returncode != 0:
            print(f"la commande d’alarme a répondu {done.returncode}", file=sys.stderr, flush=True)
