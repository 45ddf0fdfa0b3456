"""The French of templates, of strings to translate and of the command line, as Québec writes it.

No-break spaces before : ; ? ! » $ % and after «; ’ and never '; a civil servant's words. Given a
folder, checks that one: `tests/test_house.py` shows it a planted fault of each kind.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from parvis.core.typography import french  # noqa: E402
from tools.messages import CALLS, in_template  # noqa: E402

NBSP, THIN = "\u00a0", "\u202f"
FAULTS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("space", re.compile(rf"(?<![{NBSP}{THIN}\s<&#/=:;?!.\[({{]);(?=\s|$)"), "U+202F before ;"),
    ("space", re.compile(r"(?<=[^\s]) ;"), "U+202F, not a space, before ;"),
    ("space", re.compile(r"(?<=[\w»)\]’}]) ?[?!](?=[\s».…<)]|$)"), "U+202F before ? and !"),
    ("space", re.compile(r"(?<=[\wÀ-ÿ»)\]}]) ?:(?=\s|$)"), "U+00A0 before :"),
    ("space", re.compile(rf"[^{NBSP}{THIN}]»"), "U+00A0 before »"),
    ("space", re.compile(rf"«[^{NBSP}{THIN}]"), "U+00A0 after «"),
    ("space", re.compile(r"\d ?[$%](?![\w(])"), "U+00A0 before $ and %"),
    ("apostrophe", re.compile(r"(?<=[A-Za-zÀ-ÿ])'(?=[A-Za-zÀ-ÿ«])"), "’ instead of '"),
    ("dots", re.compile(r"(?<![./])\.\.\.(?![./])"), "… instead of ..."),
    ("quotes", re.compile(r"[“”]"), "« » instead of “ ”"),
)
WORDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"(?<![\w@./-])(?:{pattern})(?![\w@/-])", re.IGNORECASE), better)
    for pattern, better in (
        (r"e-?mails?|mails?|mél", "courriel"),
        (r"sms|textes? messages?", "texto"),
        (r"cookies?", "témoin"),
        (r"newsletters?", "infolettre"),
        (r"login|se logg?er", "connexion, se connecter"),
        (r"mot de passe oublié", "«\u00a0Vous avez oublié votre mot de passe\u202f?\u00a0»"),
        (r"cliquez(?:-vous)? ici|cliquer ici", "dire où mène le lien"),
        (r"week-?ends?", "fin de semaine"),
        (r"parkings?", "stationnement"),
        (r"podcasts?", "balado"),
        (r"hashtags?", "mot-clic"),
        (r"spams?", "pourriel"),
        (r"chat en ligne", "clavardage"),
        (r"smartphones?", "téléphone intelligent"),
        (r"feedbacks?", "rétroaction, commentaires"),
        (r"bug|bugs", "bogue"),
        (r"update|upload|download", "mise à jour, téléversement, téléchargement"),
        (r"svp", "s’il vous plaît"),
        (r"tu|ton|tes|toi", "vous"),
    )
)
# Words that look French enough to be judged; identifiers, e-mail addresses and URLs are not.
URL = re.compile(
    r"https?://\S+|chown -R \S+ \S+|\S+@\S+|%\([a-z_0-9]+\)[sd]|\{[^}]*\}|&[a-z]+;|&#\d+;"
)
TAG = re.compile(r"""<(?:"[^"]*"|'[^']*'|[^'">])*>""")

EXACT = ("Parvis est prêt : http",)
"""Lines that programs read, spelled as they expect."""


def faults_of(text: str) -> Iterator[str]:
    """What is wrong with one French text."""
    if text.startswith(EXACT):
        return
    text = text.replace("%%", "%")
    bare = TAG.sub(" ", URL.sub("X", text)) if "<" in text else URL.sub("X", text)
    for _kind, pattern, better in FAULTS:
        match = pattern.search(bare)
        if match:
            around = bare[max(0, match.start() - 20) : match.end() + 10]
            yield f"{better}: …{around.strip()}…"
    for pattern, better in WORDS:
        match = pattern.search(bare)
        if match:
            yield f"«{match[0]}»: {better}"


def french_strings(source: str) -> Iterator[tuple[int, str]]:
    """Strings of a Python file that someone will read: to translate, or with a French letter."""
    tree = ast.parse(source)
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    loose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    seen: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in CALLS:
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        seen.add(id(argument))
                        yield argument.lineno, argument.value
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "X" for part in node.values]
            seen.update(id(part) for part in node.values)
            text = "".join(str(part) for part in parts)
            if is_sentence(text):
                yield node.lineno, text
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in seen | documentation | loose
            and is_sentence(node.value)
        ):
            yield node.lineno, node.value


def is_sentence(text: str) -> bool:
    """Several words, one of them with an accent or an apostrophe as French writes them."""
    return (
        bool(re.search(r"[àâçéèêëîïôùûœ’«»]", text)) and text.count(" ") >= 2 and "\\" not in text
    )


def files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if not {"tests", "migrations", "vendor", "__pycache__", "node_modules"} & set(parts):
            yield path


def faults_in(path: Path) -> Iterator[str]:
    if path.suffix == ".py":
        # Patterns and tables of typography hold faults on purpose.
        if path.name not in {"typography.py", "check_french.py"}:
            for line, text in french_strings(path.read_text()):
                if path.name in {"texts.py", "ask.py"}:
                    text = french(text)  # As it is when the words are written down.
                yield from (f"{line}: {fault}" for fault in faults_of(text))
    elif "templates" in path.parts and path.suffix in {".html", ".txt"}:
        for _context, text, plural, where in in_template(path.read_text(), path.name):
            line = where.rsplit(":", 1)[1]
            for one in (text, plural or ""):
                yield from (f"{line}: {fault}" for fault in faults_of(one))


def main(root: Path) -> int:
    count = 0
    for path in files(root):
        if path.is_file():
            for fault in faults_in(path):
                print(f"{path.relative_to(root.parent)}:{fault}")
                count += 1
    print(f"{count} faults of French" if count else "no fault of French")
    return 1 if count else 0


if __name__ == "__main__":
    import django
    from django.conf import settings

    settings.configure(USE_I18N=True)
    django.setup()
    sys.exit(main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "parvis"))
