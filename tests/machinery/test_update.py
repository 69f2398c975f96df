"""What an update does with the files of a folder: merges, keeps, tells and puts back."""

from __future__ import annotations

import json

import pytest

from cs682.setup import swapping
from cs682.setup.new_release import UpdateError
from cs682.setup.update import undo, update
from tests.machinery.small_releases import BOOK, CODE, LAYERS, MINE, book_of, look, release, zip_of


def test_all_that_is_untouched_becomes_new_and_the_rest_stays(begun, take):
    take(**{LAYERS: CODE.replace("Give", "Return"), "new/n.md": "n\n", "old.md": None})

    assert (begun / LAYERS).read_text("utf-8") == MINE.replace("Give", "Return")
    assert (begun / "new" / "n.md").read_bytes() == b"n\n"
    assert not (begun / "old.md").exists()


def test_new_lines_are_told_of_where_something_of_the_students_stands(begun, take):
    said = take(**{LAYERS: CODE.replace("Give", "Return"), BOOK: book_of(look="x = 2")})

    assert f"New around what you wrote: {LAYERS}.\n" in said

    (begun / LAYERS).write_bytes(
        release("1.1.0", **{LAYERS: CODE.replace("Give", "Return")})[LAYERS]
    )
    assert "what you wrote" not in take("1.2.0")


def test_undo_is_exact_also_of_two_updates(begun, take):
    states = [look(begun)]
    (begun / "solver.py").chmod(0o700)
    take(**{LAYERS: CODE.replace("Give", "Return"), "new/n.md": "n\n", "old.md": None})
    states.append(look(begun))
    take("1.2.0", **{LAYERS: CODE.replace("Give", "Yield"), "new/n.md": "m\n", "solver.py": "b\n"})

    assert (begun / "solver.py").stat().st_mode & 0o777 == 0o700
    for state in reversed(states):
        undo(begun)
        assert look(begun) == state
    assert not (begun / "new").exists()
    with pytest.raises(UpdateError, match="no update to undo"):
        undo(begun)


def test_work_done_after_an_update_is_kept_by_undo(begun, take):
    take(**{LAYERS: CODE.replace("Give", "Return")})
    (begun / LAYERS).write_text("later = 1\n", encoding="utf-8")

    said = undo(begun)

    (later,) = begun.glob(f"kept/*/since/{LAYERS}")
    assert later.read_text("utf-8") == "later = 1\n"
    assert (begun / LAYERS).read_text("utf-8") == MINE
    assert f"what you changed in {LAYERS} after the update is in kept/" in said


@pytest.mark.parametrize(
    ("own", "changed", "told"),
    [
        ({"solver.py": "mine\n"}, {"solver.py": "b\n"}, "and the new release changed"),
        ({"solver.py": "mine\n"}, {"solver.py": None}, "the new release has it no more"),
        ({"n.md": "mine\n"}, {"n.md": "n\n"}, "the new release gives out a file of that name"),
        ({LAYERS: None}, {LAYERS: CODE + "# n\n"}, "it is gone, or has another name now"),
        ({LAYERS: None}, {LAYERS: CODE}, "it is gone, or has another name now"),
        ({LAYERS: MINE + "# m\n"}, {LAYERS: CODE + "# n\n"}, "the new release changed them, too"),
    ],
)
def test_what_both_have_changed_stays_and_the_new_one_lies_aside(begun, take, own, changed, told):
    for name, text in own.items():
        (begun / name).unlink(missing_ok=True)
        if text is not None:
            (begun / name).write_text(text, encoding="utf-8")
    before = look(begun)

    said = take(**changed)

    (name,) = own
    assert f"- {name}: " in said
    assert told in said
    assert look(begun).get(name) == before.get(name)
    aside = [path.read_text("utf-8") for path in begun.glob(f"kept/*/new/{name}")]
    assert aside == [text for text in changed.values() if text]


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({BOOK: b"<<<<<<< a\n"}, f"{BOOK} line 1: Git has left a conflict here"),
        ({BOOK: b"<<<"}, f"{BOOK} is no notebook"),
        ({LAYERS: b"<<<<<<< a\n"}, f"{LAYERS} line 1: Git has left a conflict here"),
        ({LAYERS: MINE.encode("utf-16")}, f"{LAYERS} is saved as UTF-16"),
    ],
)
def test_file_that_cannot_be_merged_is_mended_before_anything_changes(begun, take, own, told):
    for name, data in own.items():
        (begun / name).write_bytes(data)
    before = look(begun)
    corrected = {LAYERS: CODE + "# n\n", BOOK: book_of(look="2"), "solver.py": "b\n"}

    with pytest.raises(UpdateError) as caught:
        take(**corrected)

    assert str(caught.value).startswith(told)
    assert "Nothing was changed. Mend this file, then update again" in str(caught.value)
    assert look(begun) == before
    for name in own:  # or, as it says
        (begun / name).rename(begun / f"{name}.old")
    assert "the assignment is 1.1.0 now" in take(**corrected)


def test_student_keeps_what_the_course_has_not_changed_and_hears_of_it(begun, take):
    (begun / "solver.py").write_text("mine\n", encoding="utf-8")

    said = take()

    assert (begun / "solver.py").read_text("utf-8") == "mine\n"
    assert "Not taken up" not in said
    assert "Not as 1.1.0 gives them out, and left as they are: solver.py." in said
    assert [path.read_text("utf-8") for path in begun.glob("kept/*/new/solver.py")] == ["a\n"]


@pytest.mark.parametrize("changed", [True, False])
def test_file_whose_given_lines_the_student_changed_is_named(begun, take, changed):
    corrected = {LAYERS: CODE.replace("Give", "Return")}
    take(**corrected)
    if changed:  # in an old copy, say, the very line that was corrected
        text = (begun / LAYERS).read_text("utf-8")
        (begun / LAYERS).write_text(text.replace("Return f", "Give my f"), encoding="utf-8")

    said = take("1.2.0", **corrected)

    assert (f"Given lines are not as 1.2.0 gives them out in {LAYERS}." in said) == changed


def test_cell_that_does_the_same_keeps_what_it_printed(begun, take):
    (begun / BOOK).write_text(book_of(look="x = 1", own="mine"), encoding="utf-8")

    said = take(**{BOOK: book_of(look="# Look.\nx = 1")})
    assert json.loads((begun / BOOK).read_bytes())["cells"][0]["outputs"] == [{"text": "seen"}]
    assert "Run these again" not in said

    said = take("1.2.0", **{BOOK: book_of(look="# Look.\nx = 2")})
    assert json.loads((begun / BOOK).read_bytes())["cells"][0]["outputs"] == []
    assert f"- {BOOK}, the cell that begins with # Look." in said


def test_update_says_what_the_course_says_since_the_old_version(take):
    said = take()

    assert "the assignment is 1.1.0 now, it was 1.0.0" in said
    assert "## 1.1.0 (2027)\n\n- code: f. Run it." in said
    assert "code: all" not in said


@pytest.mark.parametrize(("needs", "says"), [("numpy", False), ("scipy", True)])
def test_update_speaks_of_packages_only_where_they_may_be_others(begun, tmp_path, needs, says):
    text = 'version = "{}"\ndependencies = ["{}"]\n'
    project = "pyproject.toml"
    for name, data in release("1.0.0", **{project: text.format("1.0.0", "numpy")}).items():
        (begun / name).write_bytes(data)

    new = release("1.1.0", **{project: text.format("1.1.0", needs)})
    said = update(zip_of(tmp_path / "new.zip", new), begun)

    assert ("pip install" in said) == says
    assert (begun / project).read_bytes() == new[project]


def test_nothing_is_half_written_where_a_file_cannot_be(begun, take, monkeypatch):
    before, put = look(begun), swapping._put

    def refuse(source, place):
        if place.name == "MANIFEST.json" and source and "after" in source.parts:
            raise PermissionError(13, "Permission denied", str(place))
        put(source, place)

    monkeypatch.setattr(swapping, "_put", refuse)
    with pytest.raises(UpdateError, match=r"MANIFEST\.json: Permission denied"):
        take(**{"solver.py": "b\n", "new/n.md": "n\n", "old.md": None})

    assert look(begun) == before
    assert list((begun / "kept").iterdir()) == []


def test_undo_mends_what_a_killed_update_left(begun, take, monkeypatch):
    before, put, left = look(begun), swapping._put, [1, 1]

    def put_two(*args):
        if not left:
            raise KeyboardInterrupt  # and whatever would put things right is stopped as well
        put(*args)
        left.pop()

    monkeypatch.setattr(swapping, "_put", put_two)
    with pytest.raises(KeyboardInterrupt):
        take(**{"solver.py": "b\n", "CHANGELOG.md": "new\n"})
    monkeypatch.undo()
    assert look(begun) != before

    said = undo(begun)

    assert look(begun) == before
    assert "what you changed" not in said  # files that the update had not come to
