"""Small releases of an assignment, and a student's folder, for tests of updates."""

from __future__ import annotations

import json
import zipfile

from cs682.setup.assignment import GIVEN
from cs682.setup.new_release import hash_of

LAYERS, BOOK = "cs682/layers.py", "notebooks/A.ipynb"
CODE = (
    '"""Layers."""\n\n\ndef f(x):\n    """Give f."""\n    # TODO(fc-1.1): f\n'
    '    raise NotImplementedError("f: see A")\n    return out\n'
)
MINE = CODE.replace('    raise NotImplementedError("f: see A")\n', "    out = 2 * x\n")
CHANGES = (
    "# Changelog\n\n## 1.1.0 (2027)\n\n- code: f. Run it.\n\n## 1.0.0 (2026)\n\n- code: all.\n"
)


def book_of(**sources):
    """Give the text of a notebook whose cells were run, from their names and sources."""
    cells = [
        {"cell_type": "code", "id": key, "metadata": {}, "source": text.splitlines(True)}
        | {"outputs": [{"text": "seen"}], "execution_count": 1}
        for key, text in sources.items()
    ]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def release(version, /, name="a2", **changed):
    """Give the files of a release; a file that is None is none of it."""
    texts = {LAYERS: CODE, BOOK: book_of(look="x = 1"), "solver.py": "a\n", "old.md": "old\n"}
    texts |= {"CHANGELOG.md": CHANGES} | changed
    texts = {path: text for path, text in texts.items() if text is not None}
    own = {path: texts[path] for path in (LAYERS, BOOK) if path in texts}
    rest = {path: hash_of(text.encode()) for path, text in texts.items() if path not in own}
    texts[GIVEN] = json.dumps({"version": version, "texts": own, "hashes": rest})
    files = {path: text.encode() for path, text in texts.items()}
    hashes = {path: hash_of(data) for path, data in files.items()}
    said = {"name": name, "version": version, "commit": "", "files": hashes}
    return files | {"MANIFEST.json": json.dumps(said).encode()}


def zip_of(path, files):
    """Pack the files of a release; give the path of the zip, as one types it."""
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in files.items():
            packed.writestr(f"a2-1/{name}", data)
    return str(path)


def look(root):
    """Give all files of a folder but those that were kept."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name[:5] != "kept/"}


def sources(text):
    """Give the sources of a notebook's cells by their names."""
    return {c["id"]: "".join(c["source"]) for c in json.loads(text)["cells"]}
