"""Memory and time to bring in an assessment roll of 27 MB, in a process of its own.

python bench/roll_import.py
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
MEGABYTES = 27
# What a real unit also carries, and the import passes over.
REST = "".join(
    f"<RL0{group}{item:02}A>{group * item * 7919}</RL0{group}{item:02}A>"
    for group in (301, 401, 501)
    for item in range(1, 9)
)


def write_roll(path: Path, megabytes: int) -> int:
    """Write a roll of about this size; answer its units."""
    from bench.address_search import plausible

    chance = random.Random(70052)
    kinds = {"rue": "RU", "avenue": "AV", "chemin": "CH", "boulevard": "BO", "rang": "RG",
             "place": "PL", "croissant": "CR", "route": "RO", "impasse": "IM"}  # fmt: skip
    units = 0
    with path.open("w") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<RL><VERSION>2.9</VERSION>')
        file.write("<RLM01A>70052</RLM01A><RLM02A>2026</RLM02A>\n")
        for number, street, unit in plausible(30_000, chance):
            kind, _space, name = street.partition(" ")
            place = {"A": number.rstrip("A"), "B": "A" if number.endswith("A") else "",
                     "E": kinds.get(kind, ""), "G": name if kind in kinds else street,
                     "I": unit}  # fmt: skip
            inner = "".join(
                f"<RL0101{tag}x>{text}</RL0101{tag}x>" for tag, text in place.items() if text
            )
            file.write(
                f"<RLUEx><RL0101><RL0101x>{inner}</RL0101x></RL0101>"
                "<RL0103><RL0103x><RL0103Ax>4 516 947</RL0103Ax></RL0103x></RL0103>"
                f"<RL0104><RL0104A>{chance.randrange(10**4):04}</RL0104A>"
                f"<RL0104B>{chance.randrange(100):02}</RL0104B>"
                f"<RL0104C>{chance.randrange(10**4):04}</RL0104C></RL0104>"
                f"<RL0105A>1000</RL0105A><RL0311A>1</RL0311A>{REST}</RLUEx>\n"
            )
            units += 1
            if file.tell() > megabytes << 20:
                break
        file.write("</RL>\n")
    return units


def peak_kilobytes() -> int:
    """The most memory this process ever held. (ru_maxrss would begin at the parent's.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def bring_in(path: str) -> dict[str, Any]:
    """In the process that is measured: bring the file in, and say what it took."""
    import django

    django.setup()
    from django.conf import settings
    from django.utils import timezone

    settings.DEBUG = False
    from parvis.core.db import as_town
    from parvis.municipalities.models import Municipality
    from parvis.territory.actions import import_roll

    before = peak_kilobytes()
    town = Municipality.objects.get(slug="bench")
    begin = time.perf_counter()
    with as_town(town.pk):
        report = import_roll(municipality=town, file=Path(path), actor=None, now=timezone.now())
    return {
        "seconds": round(time.perf_counter() - begin, 1),
        "peak_mb": round(peak_kilobytes() / 1024, 1),
        "start_mb": round(before / 1024, 1),
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "refused": report.refused,
    }


def run() -> dict[str, Any]:
    """Bring the roll in twice; the second time nothing may change."""
    from bench.scratch import scratch_database

    with scratch_database("bench_roll_import"), tempfile.TemporaryDirectory() as folder:
        from django.utils import timezone

        from parvis.municipalities.actions import open_town

        open_town(
            slug="bench", name="Ville d’Essai", host="bench.localhost", code="70052",
            now=timezone.now(),
        )  # fmt: skip
        path = Path(folder) / "RL70052_2026.xml"
        units = write_roll(path, MEGABYTES)
        size = path.stat().st_size
        times = []
        for _time in range(2):
            done = subprocess.run(
                [sys.executable, __file__, "--measured", str(path)],
                capture_output=True,
                text=True,
                check=True,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
            times.append(json.loads(done.stdout.splitlines()[-1]))
    first, second = times
    return {
        "file_mb": round(size / (1 << 20), 1),
        "units": units,
        "first": first,
        "second": second,
        "target": "peak < 150 MB",
        "met": first["peak_mb"] < 150 and second["peak_mb"] < 150 and not second["new"],
    }


if __name__ == "__main__":
    if "--measured" in sys.argv:
        print(json.dumps(bring_in(sys.argv[-1])))
    else:
        print(json.dumps(run(), ensure_ascii=False, indent=2))
