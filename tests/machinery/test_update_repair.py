"""A folder that is not as its last update left it: lost files, files gone back."""

from __future__ import annotations

import json

import pytest

from cs682.setup.assignment import GIVEN
from cs682.setup.new_release import UpdateError
from tests.machinery.small_releases import BOOK, CODE, LAYERS, MINE, book_of, look, release, sources


@pytest.mark.parametrize("name", [LAYERS, BOOK])
def test_same_release_brings_back_a_file_that_is_gone(begun, take, name):
    (begun / name).unlink()

    said = take("1.0.0")

    assert (begun / name).read_bytes() == release("1.0.0")[name]
    assert f"Gone, and back as given out: {name}." in said
    assert "where they were" not in said


CORRECTED = {LAYERS: CODE.replace("Give", "Return"), "solver.py": "b\n", "new.md": "n\n"}


PARTS = {  # what Git may have left out of a commit, and what an update with the same zip says
    "all but the manifest": (["MANIFEST.json"], []),
    "all but what is new": (["new.md"], []),
    "the package": (["MANIFEST.json", "new.md"], []),
    "the manifest alone": ([LAYERS, GIVEN, "new.md"], []),
    "given code": (["solver.py"], ["solver.py had gone back to 1.0.0; it is brought up to date"]),
}


@pytest.mark.parametrize("version", ["1.1.0", "1.2.0"])
@pytest.mark.parametrize("left_out", PARTS)
def test_update_of_which_a_part_came_is_made_whole(begun, take, left_out, version):
    before = look(begun)
    take(**CORRECTED)
    whole = look(begun)
    names, told = PARTS[left_out]
    for name in names:
        (begun / name).unlink()
        if name in before:
            (begun / name).write_bytes(before[name])

    said = take(version, **CORRECTED)

    assert f"the assignment is {version}" in said
    assert all(words in said for words in told)
    assert "not as it was given out" not in said
    machines = {"MANIFEST.json", GIVEN} if version != "1.1.0" else set()
    for name in whole.keys() - machines:
        assert (begun / name).read_bytes() == whole[name], name


FIXED = (("Give", "Return"), ('"""Layers', '"""All layers'))


def fixed(text):
    for old, new in FIXED:
        text = text.replace(old, new)
    return text


BACK = {LAYERS: fixed(CODE), BOOK: book_of(look="x = 2"), "solver.py": "b\n"}


def go_back(begun, take):
    """Take up 1.1.0, then have an editor save what it had read before, or Git bring it."""
    (begun / BOOK).write_text(book_of(look="x = 1", own="mine"), encoding="utf-8")
    before = look(begun)
    take(**BACK)
    for name in BACK:
        (begun / name).write_bytes(before[name])


@pytest.mark.parametrize("version", ["1.1.0", "1.2.0"])
def test_file_that_went_back_to_an_older_release_is_brought_up_to_date(begun, take, version):
    go_back(begun, take)

    said = take(version, **BACK)

    assert (begun / LAYERS).read_text("utf-8") == fixed(MINE)
    assert sources((begun / BOOK).read_text("utf-8")) == {"look": "x = 2", "own": "mine"}
    assert (begun / "solver.py").read_bytes() == b"b\n"
    assert "Not taken up" not in said
    for name in BACK:
        assert f"{name} had gone back to 1.0.0; it is brought up to date." in said
    with pytest.raises(UpdateError, match="that release is the same"):
        take(version, **BACK)


def test_file_that_went_back_collides_where_the_student_changed_it(begun, take):
    go_back(begun, take)
    (begun / LAYERS).write_text(MINE.replace("Give", "My") + "# m\n", encoding="utf-8")

    said = take("1.2.0", **BACK)

    assert (begun / LAYERS).read_text("utf-8").startswith('"""All layers')
    assert f"{LAYERS} had gone back to 1.0.0; it is brought up to date but for" in said
    assert "Return f." in said


def test_file_in_which_the_students_lines_stayed_has_not_gone_back(begun, take):
    """Then most lines are those of 1.0.0, and yet 1.1.0 is what the rest comes from."""
    (begun / LAYERS).write_text(MINE.replace("f.", "my f."), encoding="utf-8")
    longer = CODE.replace("Give f.", "Return f,\n\n    of x\n    and of y,\n    both.")
    assert "Not taken up" in take(**{LAYERS: longer.replace('"""Layers', '"""The layers')})

    said = take("1.2.0", **{LAYERS: longer.replace('"""Layers', '"""All layers')})

    assert "All layers" in (begun / LAYERS).read_text("utf-8")
    assert "Not taken up" not in said
    assert "gone back" not in said


@pytest.mark.parametrize(
    ("change", "label"),
    [
        (lambda given: given.pop("version"), "an older release"),
        (lambda given: given.update(texts={BOOK: "{", LAYERS: CODE}), "1.0.0"),
        (lambda given: given.pop("texts"), None),
        (lambda given: given.update(version="1.1.0"), None),  # as new, so nothing to go back to
    ],
)
def test_release_that_remembers_little_of_itself_is_borne_with(begun, take, change, label):
    go_back(begun, take)
    (path,) = begun.glob(f"kept/*/before/{GIVEN}")
    given = json.loads(path.read_bytes())
    change(given)
    path.write_text(json.dumps(given), encoding="utf-8")
    (begun / "kept" / "other" / "before" / GIVEN).parent.mkdir(parents=True)
    (begun / "kept" / "other" / "before" / GIVEN).write_bytes(b"[")

    said = take(**BACK)

    assert ((begun / LAYERS).read_text("utf-8") == fixed(MINE)) == bool(label)
    assert (f"{LAYERS} had gone back to {label};" in said) == bool(label)


def test_given_lines_that_the_student_changed_are_told_of_by_the_same_release(begun, take):
    take(**BACK)
    own = {LAYERS: fixed(MINE).replace("Return f", "Mine"), BOOK: book_of(look="x = 3")}
    for name, text in own.items():
        (begun / name).write_text(text, encoding="utf-8")

    said = take(**BACK)

    assert "nothing was changed" in said
    assert f"- {LAYERS}: not as 1.1.0 gives it out" in said
    assert f"- {BOOK}, the cell that begins with x = 2: not as" in said
    assert "Return f." in said
    assert "TODO" not in said  # the stub is the student's to change
    assert [*begun.glob(f"kept/*/new/{LAYERS}")] != []


def test_release_older_than_the_package_takes_nothing_back(begun, take):
    older = (begun / "MANIFEST.json").read_bytes()
    take(**CORRECTED)
    (begun / "MANIFEST.json").write_bytes(older)  # of a commit that lacked the new one

    with pytest.raises(UpdateError, match=r"is older: 1\.0\.0, and this folder is 1\.1\.0"):
        take("1.0.0")


def test_package_that_remembers_no_version_is_brought_up_to_date(begun, take):
    given = json.loads((begun / GIVEN).read_bytes())
    (begun / GIVEN).write_text(json.dumps(given | {"version": "one"}), encoding="utf-8")

    assert "the assignment is 1.1.0 now, it was 1.0.0" in take(**CORRECTED)
