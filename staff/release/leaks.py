"""Search a finished tree for anything that a release must not hold.

Whatever is looked at, blanks do not count: lines are compared with all white space, backslashes
and NUL bytes taken out and quotes of one kind, so that a line is found inside strings, JSON and
UTF-16, and when it was wrapped in another way.

What counts as a solution line, and what is too small to give anything away:

- A line of code counts if it computes something: it calls, it has an arithmetic or comparison
  operator, or a number other than 0 and 1. An option by itself, such as ``batch_size=200,``, does
  not. Lines that only move names about, such as ``return dx, dw, db``, do not either, unless one
  is all there is to a solution.
- A line of prose (a comment, a docstring, a written answer) counts from 40 characters on.
- Lines that given code holds on purpose are listed in `PUBLIC`, with the reason.
"""

from __future__ import annotations

import base64
import binascii
import bisect
import contextlib
import io
import itertools
import json
import re
import struct
import tokenize
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from cs682.checks import ANSWER_PROMPT
from staff.notebooks import CELL_METADATA
from staff.release.books import is_answer, read_book
from staff.release.files import GENERATED, released_paths
from staff.release.regions import Region, ReleaseError, find_regions
from staff.release.values import TABLE, modules

PUBLIC = {
    "a, fc_cache = affine_forward(x, w, b)": "the given sandwich of affine and ReLU begins so",
    "solver = Solver(": "given cells build solvers",
    "solver.train()": "and train them",
    "with legacy_seed(231):": "as every published experiment",
    "solver = found.solver()": "as docs/search.md shows",
}
_PROSE = 40  # characters from which a line of prose gives something away
_PUNCTUATION = {*"()[]{},:.=;", "->", ":=", "..."}  # all other operators compute
_NOISE = re.compile(r"[\s\\\0]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/\n]{24,}={0,2}")
_PNG, _PNG_CHUNKS = b"\x89PNG\r\n\x1a\n", {b"IHDR", b"PLTE", b"tRNS", b"pHYs", b"IDAT", b"IEND"}


def plain(text: str) -> str:
    """Return a text without what does not count in a comparison.

    Returns
    -------
    text : str, without white space, backslashes and NULs, with one kind of quotes
    """
    return _NOISE.sub("", text).replace("'", '"')


def secrets(regions: Iterable[Region], answers: Iterable[str]) -> dict[str, str]:
    """Return the lines that nothing in a release may hold.

    Parameters
    ----------
    regions : iterable of Region, those whose solutions stay at home
    answers : iterable of str, the written answers

    Returns
    -------
    lines : dict of str to str, in the form of `plain`; for each what to call it in a fault
    """
    public = {plain(line) for line in PUBLIC}
    found: dict[str, str] = {}
    for region in regions:
        for line in _telling_lines(region.solution):
            found.setdefault(plain(line), f"a solution line of {region.exercise}: {line}")
    for answer in answers:
        for line in answer.splitlines():
            if len(plain(line)) >= _PROSE:
                found.setdefault(plain(line), f"a line of a written answer: {line.strip()}")
    return {line: name for line, name in found.items() if line not in public}


def _telling_lines(solution: str) -> Iterator[str]:
    """Yield the lines of a solution that give something away: code and prose, each by its own."""
    opener = "if True:" if solution[:1].isspace() else ""  # an indented text does not tokenize
    source = f"{opener}\n{solution}"
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.string.strip()]
    lines, only_line = source.splitlines(), len(solution.split("\n")) == 2
    for number, group in itertools.groupby(tokens, key=lambda token: token.start[0]):
        code: list[tokenize.TokenInfo] = []
        prose: list[tokenize.TokenInfo] = []
        for token in group:
            is_prose = token.type == tokenize.COMMENT or token.string.startswith('"""')
            (prose if is_prose else code).append(token)
        for part in (part for token in prose for part in token.string.splitlines()):
            if len(plain(part)) >= _PROSE:
                yield part.strip()
        if number > 1 and code and (only_line or _computes(code)):
            yield lines[number - 1][: prose[0].start[1] if prose else None].strip()


def _computes(tokens: list[tokenize.TokenInfo]) -> bool:
    """Tell whether a line of code does more than to move names about."""
    kinds = [tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.OP]
    if [t.type for t in tokens] == kinds and (tokens[1].string, tokens[3].string) == ("=", ","):
        return False  # one option, alone on its line
    calls = any(a.type == tokenize.NAME and b.string == "(" for a, b in itertools.pairwise(tokens))
    numbers = (token.string for token in tokens if token.type == tokenize.NUMBER)
    operators = any(t.type == tokenize.OP and t.string not in _PUNCTUATION for t in tokens)
    return calls or operators or any(number not in ("0", "1") for number in numbers)


def find_leaks(tree: Mapping[str, bytes], lines: Mapping[str, str]) -> list[str]:
    """List what a finished tree must not hold, each with file and line.

    Parameters
    ----------
    tree : mapping of str to bytes, each file of the release by its path
    lines : mapping of str to str, from `secrets`

    Returns
    -------
    faults : list of str; empty if the tree is clean
    """
    faults, listed = [], released_paths() | {*GENERATED, TABLE, *modules()}
    for path, data in tree.items():
        if path not in listed:
            faults.append(f"{path}:1: is not on the list of what students get")
        faults += _form_faults(path, data)
        for where, text in _texts(path, data):
            faults += _line_faults(where, text, lines)
    return faults


def _form_faults(path: str, data: bytes) -> list[str]:
    """List what is wrong with the form of a file: only source, notebooks, text and pictures."""
    if path.endswith(".ipynb"):
        return _book_faults(path, data)
    if path.endswith(".png"):
        return _png_faults(path, data)
    if path == TABLE:
        return _table_faults(path, data)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return [f"{path}:{line}: neither text nor a picture: a compiled file?"]
    if "\0" in text:
        return [f"{path}:{text[: text.index(chr(0))].count(chr(10)) + 1}: holds NUL bytes"]
    return _source_faults(text, path) if path.endswith(".py") else []


def _source_faults(text: str, path: str, cell: str = "") -> list[str]:
    """List markers that were left in a source, or the line at which it does not parse."""
    where = f"{path}, cell {cell}" if cell else path
    try:
        left = find_regions(text, path, cell)
    except ReleaseError as error:
        return list(error.faults)
    return [f"{where}:{region.begin}: a marked region was left" for region in left]


def _book_faults(path: str, data: bytes) -> list[str]:
    """List what a released notebook must not have."""
    try:
        cells = read_book(data, path)["cells"]
    except ReleaseError as error:
        return list(error.faults)
    faults = []
    for cell in cells:
        where = f"{path}, cell {cell['id']}:1"
        if cell.get("outputs") or cell.get("execution_count"):
            faults.append(f"{where}: has outputs or an execution count")
        if extra := sorted(set(cell["metadata"]) - CELL_METADATA):
            faults.append(f"{where}: has metadata {extra}")
        if cell.get("attachments"):
            faults.append(f"{where}: has attachments {sorted(cell['attachments'])}")
        if is_answer(cell) and cell["source"] != ANSWER_PROMPT:
            faults.append(f"{where}: an answer is filled in")
        if cell["cell_type"] == "code":
            faults += _source_faults(cell["source"], path, cell["id"])
    return faults


def _table_faults(path: str, data: bytes) -> list[str]:
    """List what is wrong with the table of values: it holds two arrays and nothing else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as table:
            kinds = {name: table[name].dtype.str for name in table.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return [f"{path}:1: is no table of values: {error}"]
    wanted = {"numbers": "<f8", "rows": "|u1"}
    return [] if kinds == wanted else [f"{path}:1: holds {kinds}, expected {wanted}"]


def _png_faults(path: str, data: bytes) -> list[str]:
    """List what a picture holds beside its pixels."""
    if not data.startswith(_PNG):
        return [f"{path}:1: is no PNG picture"]
    place, kind = len(_PNG), b""
    while kind != b"IEND" and place + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        if kind not in _PNG_CHUNKS:
            return [f"{path}:1: has a part {kind!r} that shows nothing"]
        place += size + 12
    return [] if kind == b"IEND" and place == len(data) else [f"{path}:1: has bytes behind its end"]


def _texts(path: str, data: bytes) -> Iterator[tuple[str, str]]:
    """Yield every text that a file holds, each with where it stands, as far as one can say."""
    text = data.decode("utf-8", errors="replace")
    try:
        strings = list(_strings(json.loads(text), path)) if _is_json(path) else [(path, text)]
    except ValueError:  # which the form complains of
        strings = [(path, text)]
    for where, string in strings:
        yield where, string
        for found in _BASE64.findall(string):
            with contextlib.suppress(binascii.Error):
                yield where, base64.b64decode(found).decode("utf-8", errors="replace")


def _is_json(path: str) -> bool:
    """Tell whether a file holds its texts as JSON strings."""
    return path.endswith((".ipynb", ".json", ".jupyterlab-workspace"))


def _strings(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Yield all strings inside a JSON value, keys too; cells are named by their id."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            yield where, "".join(value)  # a notebook keeps texts as lists of lines
        for item in value:
            yield from _strings(item, where)
    elif isinstance(value, dict):
        if "cell_type" in value:
            where = f"{where}, cell {value.get('id')}"
        for key, item in value.items():
            yield where, key
            yield from _strings(item, where)


def _line_faults(where: str, text: str, lines: Mapping[str, str]) -> list[str]:
    """List the secret lines that a text holds."""
    parts = [plain(line) for line in text.splitlines()]
    whole = "".join(parts)
    starts = list(itertools.accumulate((len(part) for part in parts), initial=0))
    return [
        f"{where}:{bisect.bisect(starts, whole.index(line))}: {name}"
        for line, name in lines.items()
        if line in whole
    ]
