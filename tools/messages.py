"""Words for translation: `update` writes locale/en, `check` compares, `compile` makes .mo files.

In Python only, so that no gettext has to be installed.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po"
# Function → places of (context, singular, plural) among its arguments.
CALLS: dict[str, tuple[int | None, int, int | None]] = {
    "_": (None, 0, None),
    "_lazy": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
}
CALL = re.compile(r"(?<![\w.])(_|n?p?gettext)\(")
Found = tuple[str | None, str, str | None, str]


def literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def of_call(call: ast.Call, where: str) -> Iterator[Found]:
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name not in CALLS:
        return
    context_at, one_at, many_at = CALLS[name]
    texts = [literal(argument) for argument in call.args]
    if len(texts) <= one_at or texts[one_at] is None:
        return
    context = texts[context_at] if context_at is not None else None
    plural = texts[many_at] if many_at is not None and len(texts) > many_at else None
    text = texts[one_at]
    if text:
        yield context, text, plural, where


def in_python(source: str, where: str) -> Iterator[Found]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield from of_call(node, f"{where}:{node.lineno}")


def in_template(source: str, where: str) -> Iterator[Found]:
    from django.utils.translation.template import templatize

    # Django turns a template into something that looks like Python, with calls in it.
    text = templatize(source, origin=where)
    for match in CALL.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        call = whole_call(text, match.start())
        if call is not None:
            yield from of_call(call, f"{where}:{line}")


def whole_call(text: str, start: int) -> ast.Call | None:
    """The shortest text from here that is a Python call."""
    end = text.find(")", start)
    while end != -1:
        try:
            node = ast.parse(text[start : end + 1], mode="eval").body
        except SyntaxError:
            end = text.find(")", end + 1)
            continue
        return node if isinstance(node, ast.Call) else None
    return None


def found_in_sources() -> list[Found]:
    found: list[Found] = []
    for path in sorted((ROOT / "parvis").rglob("*")):
        parts = path.relative_to(ROOT).parts
        if "tests" in parts or "migrations" in parts or "vendor" in parts or "demo" in parts:
            continue
        where = "/".join(parts)
        if path.suffix == ".py":
            # The command line and the embedded server speak French alone.
            if not path.name.startswith(("cli", "embedded")):
                found += in_python(path.read_text(), where)
        elif "templates" in parts and path.is_file():
            found += in_template(path.read_text(), where)
    return found


def catalogue() -> polib.POFile:
    """What the sources say, without translations."""
    fresh = polib.POFile(wrapwidth=99)
    entries: dict[tuple[str | None, str], polib.POEntry] = {}
    for context, text, plural, where in found_in_sources():
        entry = entries.get((context, text))
        file, line = where.rsplit(":", 1)
        if entry is None:
            entry = polib.POEntry(msgid=text, msgctxt=context, occurrences=[])
            entries[context, text] = entry
            fresh.append(entry)
        if plural and not entry.msgid_plural:
            entry.msgid_plural, entry.msgstr_plural = plural, {0: "", 1: ""}
        if (file, "") not in entry.occurrences:
            # Without line numbers, so that a file's edit does not change the catalogue.
            entry.occurrences.append((file, ""))
    fresh.sort(key=lambda entry: (entry.occurrences[0], entry.msgid))
    return fresh


def known() -> polib.POFile:
    if PO.exists():
        return polib.pofile(str(PO), wrapwidth=99)
    made = polib.POFile(wrapwidth=99)
    made.metadata = {
        "Project-Id-Version": "parvis",
        "Language": "en",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    return made


def update() -> int:
    fresh, old = catalogue(), known()
    translated = {(entry.msgctxt, entry.msgid): entry for entry in old}
    for entry in fresh:
        before = translated.get((entry.msgctxt, entry.msgid))
        if before is not None:
            entry.msgstr = before.msgstr
            if entry.msgid_plural:
                entry.msgstr_plural = before.msgstr_plural or {0: "", 1: ""}
    fresh.metadata = old.metadata
    PO.parent.mkdir(parents=True, exist_ok=True)
    fresh.save(str(PO))
    print(f"{len(fresh)} texts, {len(missing(fresh))} without English ({PO.relative_to(ROOT)})")
    return 0


def missing(po: polib.POFile) -> list[polib.POEntry]:
    return [entry for entry in po if not entry.translated()]


def check() -> int:
    if not PO.exists():
        print("locale/en is missing: make messages")
        return 1
    ours = {(entry.msgctxt, entry.msgid, entry.msgid_plural or "") for entry in catalogue()}
    old = known()
    theirs = {(e.msgctxt, e.msgid, e.msgid_plural or "") for e in old if not e.obsolete}
    stale = sorted(text for _context, text, _plural in ours ^ theirs)
    for text in stale[:10]:
        print(f"not the same in the sources and in locale/en: {text!r}")
    if stale:
        print(f"{len(stale)} differences: make messages")
        return 1
    for entry in missing(old)[:10]:
        print(f"no English yet: {entry.msgid!r}")
    print(f"{len(ours)} texts, {len(missing(old))} without English (they show in French)")
    return 0


def compile_all() -> int:
    for path in sorted((ROOT / "locale").glob("*/LC_MESSAGES/*.po")):
        polib.pofile(str(path)).save_as_mofile(str(path.with_suffix(".mo")))
        print(f"{path.relative_to(ROOT)} compiled")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    import django
    from django.conf import settings

    settings.configure(USE_I18N=True)
    django.setup()
    sys.exit({"update": update, "check": check, "compile": compile_all}[sys.argv[1]]())
