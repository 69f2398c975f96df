"""What people who learn alone get beside a course's release: model answers and solutions."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

from cs682._files import SOLUTIONS
from cs682.checks.solutions import Solutions, pack_solutions
from staff.release.books import dump, fold_answers, read_book
from staff.release.reference import Reference
from staff.release.variant import Variant

FILE = f"cs682/{SOLUTIONS.name}"
_FOR_TOOLS = re.compile(r"  # (?:type: ignore\[[^]]*\]|noqa: \w+)")


def self_study_files(
    files: Mapping[str, bytes], reference: Reference, variant: Variant
) -> dict[str, bytes]:
    """Return the notebooks with model answers folded in, and the file of all solutions.

    Parameters
    ----------
    files : mapping of str to bytes, the release's own, which have been searched for leaks
    reference : Reference that it was cut from
    variant : Variant

    Returns
    -------
    files : dict of str to bytes, by path; empty unless the variant is for self-study
    """
    if not variant.self_study:
        return {}
    found = {}
    for path in reference.books.keys() & files.keys():
        book = read_book(files[path], path)
        fold_answers(book, reference.books[path])
        found[path] = dump(book)
    return found | {FILE: pack_solutions(_find_solutions(reference, variant))}


def _find_solutions(reference: Reference, variant: Variant) -> Solutions:
    """Return the solutions of the exercises that are to be done."""
    found: Solutions = {}
    for path, cells in reference.regions.items():
        for region in (region for part in cells.values() for region in part):
            text = _FOR_TOOLS.sub("", textwrap.dedent(region.solution))
            piece = {"file": path, "name": region.name, "text": text}
            found.setdefault(region.exercise, []).append(piece)
    return {key: pieces for key, pieces in found.items() if key not in variant.without_stub}
