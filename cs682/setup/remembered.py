"""What releases remember of what they gave out: that of this folder, and those before it.

A file may have gone back to an older release: an editor saved what it had read before an update, or
half of an update was committed. Seen from the newest release, old lines then look as if the student
had written them. So all releases are asked that updates have put aside here.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cs682.setup.assignment import GIVEN
from cs682.setup.merging import RAISES, book_sources
from cs682.setup.new_release import Manifest, hash_of, require_version

_NO_VERSION = "0"
_STUB = re.compile(rf"# TODO\(.*|{RAISES}")  # is the student's to remove, and tells nothing


@dataclass(frozen=True)
class Given:
    """What a release remembers of itself, in the package: it comes with the package's files.

    So it is true of these even where Git has brought the manifest of another release.

    Attributes
    ----------
    texts : dict of str by path, the files that students write in
    hashes : dict of str by path, the SHA-256 of all files
    version : str; 0 where it remembers none
    """

    texts: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    version: str = _NO_VERSION

    @property
    def label(self) -> str:
        """Return what to call the release."""
        return self.version if self.version != _NO_VERSION else "an older release"

    @property
    def order(self) -> tuple[int, ...]:
        """Return what a newer version has more of."""
        return Manifest("", self.version, {}).order


def read_given(path: Path) -> Given:
    """Return what a release remembers of itself; nothing if that is gone or damaged.

    Parameters
    ----------
    path : Path of its file
    """
    try:
        said = json.loads(path.read_bytes())
        texts, hashes = (
            {name: str(value) for name, value in dict(said[key]).items()}
            for key in ("texts", "hashes")
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Given()
    hashes |= {name: hash_of(text.encode()) for name, text in texts.items()}
    try:
        return Given(texts, hashes, require_version(str(said.get("version"))))
    except ValueError:
        return Given(texts, hashes)


def read_older(kept: Path, newer: Manifest) -> list[Given]:
    """Return what releases remember that updates have put aside, the newest first.

    Parameters
    ----------
    kept : Path of the folder that holds what was put aside
    newer : Manifest; releases that are not older than this one are left out
    """
    found = [read_given(path) for path in kept.glob(f"*/before/{GIVEN}")]
    older = [given for given in found if given.order < newer.order]
    return sorted(older, key=lambda given: given.order, reverse=True)


def find_origin(name: str, mine: bytes, releases: Sequence[Given]) -> Given:
    """Return the release that a student's file comes from: the fewest of its lines are gone.

    Of a file that has gone back, nothing is left that the older release had not: one in which the
    student's lines stayed at an update holds other new ones.

    Parameters
    ----------
    name : str, of the file
    mine : bytes, what stands in it
    releases : sequence of Given; this folder's first, which is returned where others are no better,
        or where the file cannot be read
    """
    found = releases[0]
    try:
        own, now = _lines_of(name, mine.decode("utf-8-sig")), _lines_of(name, found.texts[name])
    except ValueError:
        return found
    fewest = (now - own).total()
    for older in releases[1:]:
        with contextlib.suppress(KeyError, ValueError):  # it lacks the file, or is damaged there
            lines = _lines_of(name, older.texts[name])
            gone, is_newer = (lines - own).total(), (now.keys() - lines.keys()) & own.keys()
            if gone < fewest and not is_newer:
                found, fewest = older, gone
    return found


def _lines_of(name: str, text: str) -> Counter[str]:
    """Return the lines of a file, but for stubs and a notebook's answers."""
    source = "\n".join(book_sources(text)) if name.endswith(".ipynb") else text
    lines = (line.strip() for line in _STUB.sub("", source).split("\n"))
    return Counter(line for line in lines if line)
