"""A file of which two versions differ costs nothing until a person has said which counts."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from cs682.checks import EXERCISES
from cs682.checks.run import CHECKS, MODELS
from staff.grading import single
from staff.grading.intake.package import CODE
from staff.grading.judging.outcome import Outcome
from staff.tests.grading.classes import ALL, add_answers, grade, read_book

LAYERS = "cs682/layers.py"


def zip_of(folder, *versions):
    """Return a hand-in as a zip, once for each version: what stands at the end of some files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, version in enumerate(versions):
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                inner = path.relative_to(folder).as_posix()
                name = f"{number}/{inner}" if len(versions) > 1 else inner
                archive.writestr(name, path.read_bytes() + version.get(path.stem, b""))
    return buffer.getvalue()


@pytest.fixture
def late(place, out):
    """Return a class and a further zip that is ada's, which nobody can tell to be newer."""
    path = place / "late.zip"
    path.write_bytes(zip_of(place / "ada", {"layers": b"# again\n"}))
    out.mkdir()
    (out / "students.csv").write_text("upload,student\nlate.zip,ada\n")
    return path


def points_of(row, file):
    return {row[key] for key in CHECKS if EXERCISES[key].file == file and EXERCISES[key].points}


def test_exercises_of_a_doubled_file_are_not_graded(place, late, out, quick, capsys):
    assert grade(place, out, "--export", "moodle") == 1

    row, said = read_book(out)["ada"], capsys.readouterr().out
    assert (row["points"], points_of(row, LAYERS)) == ("", {""})
    assert not points_of(row, "cs682/optim.py") & {"", "0"}
    why = f"two versions differ, and nobody can tell which counts: {LAYERS}; exercises: "
    assert f"NOT GRADED: {why}" in row["remarks"]
    assert f"NOT GRADED ada: {why}" in said
    assert "To have one graded, give: ada,- or late.zip,- in students.csv (ada)" in said
    assert "OPEN in moodle.csv: NOT GRADED, without a grade, hand-ins: 1: ada (fc-1.1, " in said
    assert "Participant ada" not in (out / "moodle.csv").read_text()
    for name in ("warnings.html", "students/ada/report.html"):
        assert why in (out / name).read_text()
    assert "ada,- or late.zip,- in students.csv" in (out / "warnings.html").read_text()


def test_upload_that_is_passed_over_leaves_the_other(place, late, out, quick):
    grade(place, out)
    with (out / "students.csv").open("a") as file:
        file.write("ada,-\n")

    assert grade(place, out) == 0
    assert read_book(out)["ada"]["points"] == ALL


def test_hand_in_of_which_all_is_doubled_lacks_nothing(place, out, quick):
    changed = {Path(file).stem: b"# again\n" for file in CODE}
    (place / "zoe.zip").write_bytes(zip_of(place / "ada", {}, changed))

    assert grade(place, out) == 1

    page = (out / "warnings.html").read_text()
    assert "No code is handed in: none" in page
    assert "Nothing could be taken: 1" in page  # the hostile one's
    assert "a folder with the one that counts in place of zoe.zip" in page
    row = read_book(out)["zoe"]
    assert {row[key] for key in CHECKS if EXERCISES[key].points} == {""}


def test_answers_and_models_of_a_doubled_file_are_not_graded(place, out, quick):
    add_answers(place / "ada")
    model = MODELS["fc-5.1"]
    (place / "ada/notebooks" / model).write_bytes(b"x")
    changed = {"FullyConnectedNets": b" ", model.removesuffix(".npz"): b"y"}
    (place / "zoe.zip").write_bytes(zip_of(place / "ada", {}, changed))

    assert grade(place, out) == 1

    row = read_book(out)["zoe"]
    assert (row["fc-q1"], row["fc-5.1"], row["fc-1.1"]) == ("", "", "2")
    assert row["fc-2.4"] == "0"
    assert "6 trained models are missing" in row["remarks"]


def test_what_fails_without_a_doubled_file_that_it_imports_is_not_graded(
    place, late, out, quick, monkeypatch
):
    def fail(package, *, seed, rung, only):
        for key in only:
            yield Outcome(key, 0, EXERCISES[key].points, "no answer", "it cannot be imported")

    monkeypatch.setattr(single, "grade_code", fail)

    assert grade(place, out) == 1

    row = read_book(out)["ada"]
    assert points_of(row, "cs682/classifiers/fc_net.py") == {""}
    assert points_of(row, "cs682/optim.py") == {"0"}


def test_file_that_was_missing_and_then_is_there_twice_is_not_graded(place, late, out, quick):
    content = (place / "ada" / LAYERS).read_bytes()
    (place / "ada" / LAYERS).unlink()
    late.unlink()
    (out / "students.csv").unlink()
    assert grade(place, out) == 0
    for folder in "ab":
        (place / "ada" / folder).mkdir()
        (place / "ada" / folder / "layers.py").write_bytes(content + folder.encode())

    assert grade(place, out) == 1
    assert read_book(out)["ada"]["points"] == ""
