"""The reference as a whole: all its regions and answers, cut out and put back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import nbformat

from cs682.checks import EXERCISES
from staff.release.books import (
    dump,
    find_book_regions,
    is_answer,
    read_book,
    restore_book,
    restore_outputs,
    strip_book,
)
from staff.release.files import Source
from staff.release.left_out import (
    not_needed,
    say_agents,
    say_for_whom,
    say_hints,
    say_notebooks,
    say_policy,
)
from staff.release.regions import Region, ReleaseError, decode, find_regions, restore, strip
from staff.release.variant import Variant

Cells = dict[str, list[Region]]  # the regions of each cell by its id; a module is one cell, ""


@dataclass(frozen=True)
class Reference:
    """The source with everything that the release is about.

    Attributes
    ----------
    source : Source
    books : dict of str to notebook, by path
    regions : dict of str to dict; for each Python file and notebook the regions of its cells
    """

    source: Source
    books: dict[str, nbformat.NotebookNode]
    regions: dict[str, Cells]

    def all_regions(self) -> Iterator[Region]:
        """Yield each region once."""
        for cells in self.regions.values():
            for part in cells.values():
                yield from part

    def answers(self) -> list[str]:
        """Return the written answers."""
        cells = (cell for book in self.books.values() for cell in book["cells"])
        return [cell["source"] for cell in cells if is_answer(cell)]


def read_reference(source: Source) -> Reference:
    """Read all regions of a source.

    Raises
    ------
    ReleaseError
        With every fault of every file, and each function of an exercise that has no region.
    """
    books: dict[str, nbformat.NotebookNode] = {}
    regions: dict[str, Cells] = {}
    faults: list[str] = []
    for path, data in source.files.items():
        try:
            if path.endswith(".py"):
                regions[path] = {"": find_regions(decode(data, path), path)}
            elif path.endswith(".ipynb"):
                books[path] = read_book(data, path)
                regions[path] = find_book_regions(books[path], path)
        except ReleaseError as error:
            faults += error.faults
    reference = Reference(source, books, regions)
    if not faults:  # else what is missing may only be unreadable
        faults = _missing(reference)
    if faults:
        raise ReleaseError(faults)
    return reference


def _missing(reference: Reference) -> list[str]:
    """Name the functions of the exercise table that own no region."""
    owned = {(region.exercise, region.name) for region in reference.all_regions()}
    return [
        f"{row.file}:1: {row.id} has no region in {name}"
        for row in EXERCISES.values()
        for name in row.functions
        if not row.is_given and (row.id, name) not in owned
    ]


def strip_files(reference: Reference, variant: Variant) -> dict[str, bytes]:
    """Return the files of the source as students get them.

    Returns
    -------
    files : dict of str to bytes, by path
    """
    files = dict(reference.source.files)
    for path in files.keys() & not_needed(files, variant):
        del files[path]
    left_out = variant.left_out
    for path, cells in reference.regions.items():
        if path not in files:
            continue
        if path in reference.books:
            book = read_book(files[path], path)
            strip_book(book, cells, variant.given, variant.edit)
            files[path] = dump(book)
        else:
            text = files[path].decode()
            files[path] = strip(text, cells[""], variant.given, left_out).encode()
    for say in (say_agents, say_policy, say_for_whom, say_hints, say_notebooks):
        files = say(files, variant)
    return files


def restore_files(
    files: Mapping[str, bytes],
    reference: Reference,
    only: Collection[str] | None = None,
    given: Collection[str] = (),
) -> dict[str, bytes]:
    """Return the files of a release in which solutions are back in their places.

    Parameters
    ----------
    files : mapping of str to bytes, a release
    only : collection of str, optional; exercises and questions to restore, the others stay open.
        Default: all, and then the notebooks get their stored outputs back as well
    given : collection of str, optional; exercises that the release hands out, without stubs

    Returns
    -------
    files : dict of str to bytes; all solutions of a plain release give the reference's files, byte
        for byte, but for the marks in its pages of what is for whom

    Raises
    ------
    ValueError
        If a stub is not in its place.
    """
    restored = dict(files)
    for path, found in reference.regions.items():
        if path not in files:  # of a notebook that the course leaves out
            continue
        cells = {
            cell: [region for region in regions if region.exercise not in given]
            for cell, regions in found.items()
        }
        if path in reference.books:
            book = read_book(files[path], path)
            restore_book(book, reference.books[path], cells, only)
            if only is None:
                restore_outputs(book, reference.books[path])
            restored[path] = dump(book)
        else:
            restored[path] = restore(files[path].decode(), cells[""], only).encode()
    return restored
