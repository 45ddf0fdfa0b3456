"""docs/promises.md: each promise names the test or the bench that shows it, and that one exists.

A row is `| promise | proof |`. A proof is `path/to/test.py::test_name`, `bench/name.py`, several of
them apart by spaces, or «pas encore».
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "promises.md"
PROOF = re.compile(r"`([^`]+)`")
NOT_YET = "pas encore"


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def fault(proof: str) -> str:
    """What is wrong with a proof, or nothing."""
    path, _mark, name = proof.partition("::")
    file = ROOT / path
    if not file.is_file():
        return f"{path} does not exist"
    if name and name.split("[")[0] not in functions(file):
        return f"{path} has no {name}"
    if not name and not path.startswith("bench/"):
        return f"{path}: name the test"
    return ""


def main(page: Path = PAGE) -> int:
    faults, shown, waiting = [], 0, 0
    for number, line in enumerate(page.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) < 2 or set(cells[0]) <= {"-", " ", ":"}:
            continue
        if cells[1] in {"Shown by", NOT_YET}:
            waiting += cells[1] == NOT_YET
            continue
        proofs = PROOF.findall(cells[1])
        if not proofs:
            faults.append(f"{number}: no proof, and not «{NOT_YET}»: {cells[0]}")
        faults += [f"{number}: {said}" for proof in proofs if (said := fault(proof))]
        shown += 1
    print("\n".join(faults) if faults else f"{shown} promises shown, {waiting} not yet")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE))
