"""What a release remembers of its stubs puts each exercise back, and no other."""

from __future__ import annotations

import json
import re

import pytest

from cs682.checks import EXERCISES
from cs682.setup.assignment import GIVEN
from cs682.setup.cells import is_answer
from cs682.setup.reset import ORIGINALS, reset
from staff.release.build import cut
from staff.release.originals import original_files
from staff.release.reference import restore_files, strip_files
from staff.release.regions import restore
from staff.release.variant import Variant

WRITTEN = [row for row in EXERCISES.values() if not (row.is_given or row.is_question)]
CODE = [row for row in WRITTEN if row.file.endswith(".py")]
TRAININGS = [row for row in WRITTEN if row not in CODE]


def lay_out(folder, files):
    """Write what resetting reads and writes."""
    for path in {ORIGINALS, *(row.file for row in WRITTEN)}:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(files[path])
    return folder


@pytest.mark.parametrize("row", CODE, ids=lambda row: row.id)
def test_solved_exercise_is_put_back_and_all_others_stay(row, release, reference, tmp_path):
    regions, stubs = reference.regions[row.file][""], release.files[row.file].decode()
    solved = {row.file: restore(stubs, regions).encode()}

    reset(row.id, lay_out(tmp_path, {**release.files, **solved}))

    others = {region.exercise for region in regions} - {row.id}
    assert (tmp_path / row.file).read_text(encoding="utf-8") == restore(stubs, regions, others)
    (kept,) = (tmp_path / "kept").iterdir()
    answers = [region.solution for region in regions if region.exercise == row.id]
    assert [answer for answer in answers if answer not in kept.read_text(encoding="utf-8")] == []


def test_trainings_are_put_back_and_no_longer_show_that_they_passed(release, reference, tmp_path):
    lay_out(tmp_path, restore_files(release.files, reference))

    for row in TRAININGS:
        reset(row.id, tmp_path)

    for path in {row.file for row in TRAININGS}:
        books = [json.loads(data) for data in (release.files[path], (tmp_path / path).read_bytes())]
        stubs, found = ({cell["id"]: cell for cell in book["cells"]} for book in books)
        ours = reference.regions[path]
        assert {key: found[key]["source"] for key in ours} == {
            key: stubs[key]["source"] for key in ours
        }
        assert [key for key in ours if found[key]["outputs"]] == []
        assert any(cell.get("outputs") for cell in found.values())


def test_cells_that_were_deleted_come_back_as_they_were_given_out(release, tmp_path):
    lay_out(tmp_path, release.files)
    (tmp_path / GIVEN).write_bytes(release.files[GIVEN])
    rows = [row for row in EXERCISES.values() if row in TRAININGS or row.is_question]
    books = {row.file: json.loads(release.files[row.file]) for row in rows}
    for path, book in books.items():
        cells = [cell for cell in book["cells"] if not is_answer(cell) or cell["id"] == "help"]
        cells = [cell for cell in cells if "# TODO(" not in "".join(cell["source"])]
        assert len(cells) < len(book["cells"])
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(json.dumps(book | {"cells": cells}), encoding="utf-8")

    for row in rows:
        reset(row.id, tmp_path)

    assert {path: json.loads((tmp_path / path).read_bytes()) for path in books} == books


def test_untouched_release_has_nothing_to_put_back(release, tmp_path):
    lay_out(tmp_path, release.files)

    said = {row.id: reset(row.id, tmp_path) for row in WRITTEN}

    assert [key for key, text in said.items() if not text.endswith("nothing to put back")] == []


def test_originals_are_those_of_what_a_course_asks(source, release):
    given = cut(source, Variant(("fc-4.3",), notebooks=("FullyConnectedNets",))).files

    whole, part = (json.loads(files[ORIGINALS]) for files in (release.files, given))

    assert list(whole) == sorted(row.id for row in WRITTEN)
    assert part.keys() == {key for key in whole if key.startswith("fc-")}


@pytest.mark.parametrize("key", [row.id for row in EXERCISES.values() if row.is_given])
def test_given_code_that_was_changed_is_put_back(key, release, tmp_path):
    row, folder = EXERCISES[key], lay_out(tmp_path, release.files)
    (folder / GIVEN).write_bytes(release.files[GIVEN])
    path, given = folder / row.file, release.files[row.file]
    path.parent.mkdir(parents=True, exist_ok=True)
    heads = re.findall(rf"^def (?:{'|'.join(row.functions)})\(", given.decode(), re.MULTILINE)
    changed = given.decode()
    for head in heads:
        changed = changed.replace(f"\n{head}", f"\n@str\n{head}")
    path.write_text(changed, encoding="utf-8")

    said = reset(key, folder)

    assert len(heads) == len(row.functions)
    assert said.startswith(f"{key} is as the course gives it")
    assert path.read_bytes() == given
    assert reset(key, folder).endswith("nothing to put back")


@pytest.mark.parametrize("key", ["bn-1.4", "bn-1.1", "bn-1.2", "do-1.1", "fc-2.2", "fc-3.5"])
def test_exercise_that_was_begun_before_it_is_given_is_put_in(key, release, reference, tmp_path):
    files = strip_files(reference, Variant((key,)))
    row = EXERCISES[key]
    begun = begin(row, release.files[row.file], reference)
    files |= original_files(files, reference)

    reset(key, lay_out(tmp_path, {**files, row.file: begun}))

    was, now = files[row.file], (tmp_path / row.file).read_bytes()
    assert written(row, now, reference) == written(row, was, reference)


def written(row, data, reference):
    """Give what stands where an exercise's file asks for something."""
    if row in CODE:
        return data
    ours = reference.regions[row.file]
    return {cell["id"]: cell["source"] for cell in json.loads(data)["cells"] if cell["id"] in ours}


def begin(row, data, reference):
    """Give a file as it is once a student has begun an exercise."""
    text = data.decode()
    for regions in reference.regions[row.file].values():
        for region in (region for region in regions if region.exercise == row.id):
            stub = region.stub if row in CODE else json.dumps(region.stub)[1:-1]
            assert text.count(stub) == 1
            text = text.replace(stub, stub.replace("raise NotImplementedError", "return str"))
    return text.encode()
