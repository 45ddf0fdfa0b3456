"""kill -9 of who publishes, of dispatchers and of the database: one outcome each, none lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PEOPLE = int(os.environ.get("PARVIS_CRASH_PEOPLE", "5000"))


@pytest.mark.crash
def test_every_recipient_ends_with_one_outcome_whatever_was_killed(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "tests.crash.send", str(tmp_path), str(PEOPLE), "6"],
        capture_output=True, text=True, timeout=700, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_", "PARVIS_"))},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    told = json.loads(run.stdout.splitlines()[-1])
    assert told["web"]["published"] >= 3 and told["web"]["halves"] == 0, told
    by_channel: dict[str, int] = {}
    for key, count in told["ends"].items():
        by_channel[key.split(":")[0]] = by_channel.get(key.split(":")[0], 0) + count
    # The constraint keeps a second final outcome out; the count shows that none is missing.
    assert by_channel == dict.fromkeys(("inapp", "email", "push", "text"), PEOPLE), told
    assert told["killed"]["worker"] >= 2 and told["killed"]["database"] >= 1, told
    assert told["ends"]["push:handed"] == PEOPLE == told["pushed"], told
    # Nor is a text: a group at most is in doubt after each crash.
    doubtful = told["ends"].get("text:unsure", 0)
    assert told["texts_twice"] == 0, told
    assert told["ends"]["text:handed"] <= told["texts"] <= told["ends"]["text:handed"] + doubtful
    assert doubtful <= 20 * sum(told["killed"].values()), told
    # A letter is never sent twice: what a crash left in doubt is said to be so.
    unsure = told["ends"].get("email:unsure", 0)
    assert told["letters_twice"] == 0, told
    assert told["ends"]["email:handed"] <= told["letters"] <= told["ends"]["email:handed"] + unsure
    assert unsure <= 20 * sum(told["killed"].values()), told
