"""A made-up class, and code that was copied and changed so that it should not look it."""

from __future__ import annotations

import ast
import builtins
import random
from collections import defaultdict

from staff.bank.judge import BANK
from staff.grading.intake.package import CODE, ROOT


def write_code(rng: random.Random) -> dict[str, str]:
    """Return a hand-in's modules: for each exercise the reference's answer or one of the bank's."""
    by_exercise = defaultdict(list)
    for answer in BANK:
        if answer.file in CODE:  # not in what is given
            by_exercise[answer.exercise].append(answer)
    files = {name: (ROOT / name).read_text(encoding="utf-8") for name in CODE}
    for answers in by_exercise.values():
        answer = rng.choice([None, *answers])
        if answer is not None:
            try:
                files[answer.file] = answer.apply(files[answer.file])
                ast.parse(files[answer.file])
            except (ValueError, IndexError, SyntaxError):
                continue  # it goes together with another that was there first
    return files


def disguise(files: dict[str, str], rng: random.Random) -> dict[str, str]:
    """Rename variables, turn loops, put functions into another order, change comments."""
    return {name: _disguised(text, rng) for name, text in files.items()}


def _disguised(text: str, rng: random.Random) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            _rename(node, rng)
            node.body = [*_turned(node.body)]
    imports = [n for n in tree.body if not isinstance(n, ast.FunctionDef)]
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    rng.shuffle(functions)
    first = [n for n in imports if not isinstance(n, ast.ClassDef)]
    tree.body = [*first, *functions, *(n for n in imports if isinstance(n, ast.ClassDef))]
    lines = ast.unparse(ast.fix_missing_locations(tree)).split("\n")
    return "\n".join(f"{line}  # step {i}" if i % 7 == 3 and line.rstrip().endswith(")") else line
                     for i, line in enumerate(lines))  # fmt: skip


def _rename(function: ast.FunctionDef, rng: random.Random) -> None:
    """Give the variables that a function sets other names."""
    stored = {n.id for n in ast.walk(function)
              if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}  # fmt: skip
    inner = {n.name for n in ast.walk(function) if isinstance(n, ast.FunctionDef)}
    new = {name: f"{rng.choice(['my', 'the', 'tmp', 'val'])}_{name[::-1]}{rng.randrange(9)}"
           for name in sorted(stored - inner - set(dir(builtins)))}  # fmt: skip
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in new:
            node.id = new[node.id]


def _turned(body: list[ast.stmt]) -> list[ast.stmt]:
    """Turn ``for i in range(n)`` at the top of a function into ``while``."""
    turned: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            source = ast.unparse(node.iter)
            if source.startswith("range(") and source.count(",") == 0:
                i = node.target.id
                loop = f"{i} = 0\nwhile {i} < {source[6:-1]}:\n    pass\n    {i} += 1"
                start, loop_node = ast.parse(loop).body
                loop_node.body = [*node.body, loop_node.body[1]]
                turned += [start, loop_node]
                continue
        turned.append(node)
    return turned
