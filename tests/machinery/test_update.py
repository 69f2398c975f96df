"""Small releases and small folders: what an update merges, refuses, keeps and puts back."""

from __future__ import annotations

import json
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest
import requests

from cs682.__main__ import main
from cs682.setup import new_release, news, swapping
from cs682.setup import update as module
from cs682.setup.assignment import GIVEN
from cs682.setup.collision import side_by_side
from cs682.setup.given_text import compare
from cs682.setup.merging import merge_book, merge_code, merge_text
from cs682.setup.new_release import UpdateError, hash_of
from cs682.setup.update import undo, update

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
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in files.items():
            packed.writestr(f"a2-1/{name}", data)
    return str(path)


@pytest.fixture
def root(tmp_path):
    """Give the folder of a student who has written one function."""
    folder = tmp_path / "a2"
    for name, data in release("1.0.0").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / LAYERS).write_text(MINE, encoding="utf-8")
    return folder


@pytest.fixture
def take(root, tmp_path):
    """Give a function that has the folder take up a release with some files changed."""

    def run(version="1.1.0", **changed):
        return update(zip_of(tmp_path / "new.zip", release(version, **changed)), root)

    return run


def look(root):
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name[:5] != "kept/"}


# --- lines


@pytest.mark.parametrize(
    ("base", "mine", "new", "merged"),
    [
        ("a b c", "a B c", "a b C", "a B C"),  # side by side
        ("a b c", "a c", "A b c", "A c"),
        ("a b c", "a X c", "a X c", "a X c"),  # the same
        ("a b c", "a b c d", "0 a b c", "0 a b c d"),
        ("a b c d", "a c d", "a b c", "a c"),
    ],
)
def test_lines_that_only_one_has_changed_become_one_text(base, mine, new, merged):
    texts = (text.replace(" ", "\n") for text in (base, mine, new))

    assert merge_text(*texts) == (merged.replace(" ", "\n"), [])


@pytest.mark.parametrize(
    ("base", "mine", "new"),
    [
        ("a b c", "a X c", "a Y c"),
        ("a b c", "a c", "a Y c"),
        ("a b", "a X b", "a Y b"),  # both add at one place
        ("a b c", "a X Y c", "a b Z c"),  # added where the other's end
    ],
)
def test_lines_that_both_have_changed_stay_the_students(base, mine, new):
    base, mine, new = (text.replace(" ", "\n") for text in (base, mine, new))

    text, collisions = merge_text(base, mine, new)

    assert text == mine
    assert len(collisions) == 1


def test_stub_that_is_worded_anew_leaves_an_answer_alone_and_a_task_is_shown():
    mine = MINE.replace("    # TODO(fc-1.1): f\n", "")
    message = CODE.replace("see A", "see B")
    task = message.replace("fc-1.1): f", "fc-1.1): write f")

    assert merge_code(LAYERS, CODE, mine, message).text == mine
    assert merge_code(LAYERS, CODE, mine, message).collisions == []
    assert merge_code(LAYERS, CODE, mine, task).text == mine
    (collision,) = merge_code(LAYERS, CODE, mine, task).collisions
    assert "# TODO(fc-1.1): write f" in collision.new


def test_stub_that_is_handed_out_solved_collides_with_an_answer():
    new = MINE.replace("2 * x", "x + x")

    merged = merge_code(LAYERS, CODE, MINE, new)

    assert merged.text == MINE
    (collision,) = merged.collisions
    assert ("out = 2 * x" in collision.mine, "out = x + x" in collision.new) == (True, True)


def test_collision_holds_back_its_own_lines_alone():
    base = "a = 1\n\nb = 2\n\nc = 3\n"
    mine, new = base.replace("1", "11"), base.replace("1", "12").replace("3", "30")

    merged = merge_code(LAYERS, base, mine, new)

    assert merged.text == "a = 11\n\nb = 2\n\nc = 30\n"
    assert [(c.mine, c.new) for c in merged.collisions] == [("a = 11", "a = 12")]


def test_text_that_would_be_no_python_is_not_written():
    base, mine, new = "a = 1\n\nb = 2\n", "a = (1\n\n)\nb = 2\n", "a = 1\n\nb = 2\n)\n"

    merged = merge_code(LAYERS, base, mine, new)

    assert merged.text == mine
    assert "no Python" in merged.collisions[0].reason


def test_columns_show_what_differs_and_no_more_than_a_screen():
    text = side_by_side("a\nb\nc", "a\n" + "x" * 60 + "yz\nc")

    head, first, second = text.splitlines()
    assert (head.split(), first.split()[:2]) == (["yours", "|", "the", "new", "one"], ["b", "|"])
    assert first.count("x") + second.count("x") == 60
    assert second.split()[-1].endswith("xyz")
    assert side_by_side("", "n\n" * 99).endswith("(and more)")


# --- cells


def sources(text):
    return {c["id"]: "".join(c["source"]) for c in json.loads(text)["cells"]}


def test_new_cell_stands_below_what_was_added_to_the_one_above():
    base, mine = book_of(a="1", b="2"), book_of(a="1", mine1="my own", b="2", mine2="more")
    new = book_of(a="1", n="N", m="M", b="2", end="E")

    merged = merge_book(BOOK, base, mine, new)

    assert list(sources(merged.text)) == ["a", "mine1", "n", "m", "b", "mine2", "end"]


def test_cell_that_is_gone_from_the_release_goes_unless_it_was_written_in():
    base, mine = book_of(a="1", b="2", c="3"), book_of(a="1", b="mine", c="3")

    merged = merge_book(BOOK, base, mine, book_of(a="1"))

    assert sources(merged.text) == {"a": "1", "b": "mine"}
    assert [collision.place for collision in merged.collisions] == [
        f"{BOOK}, the cell that begins with 2"
    ]


def test_cell_both_have_changed_stays_and_the_others_become_new():
    merged = merge_book(
        BOOK, book_of(a="1", b="2"), book_of(a="mine", b="2"), book_of(a="new", b="new")
    )

    assert sources(merged.text) == {"a": "mine", "b": "new"}
    (collision,) = merged.collisions
    assert (collision.mine, collision.new) == ("mine", "new")
    outputs = [cell["outputs"] for cell in json.loads(merged.text)["cells"]]
    assert outputs == [[{"text": "seen"}], []]


def test_lines_of_a_cell_that_was_split_are_shown_from_the_one_beside():
    base, mine = book_of(a="x = 1\ny = 2\nz = 3"), book_of(a="x = 1", mine="y = 2\nz = 3\nown")

    merged = merge_book(BOOK, base, mine, book_of(a="x = 1\ny = 2\nz = 4"))

    (collision,) = merged.collisions
    assert merged.text == mine
    assert (collision.mine, collision.new) == ("y = 2\nz = 3", "y = 2\nz = 4")


# --- files


def test_all_that_is_untouched_becomes_new_and_the_rest_stays(root, take):
    take(**{LAYERS: CODE.replace("Give", "Return"), "new/n.md": "n\n", "old.md": None})

    assert (root / LAYERS).read_text("utf-8") == MINE.replace("Give", "Return")
    assert (root / "new" / "n.md").read_bytes() == b"n\n"
    assert not (root / "old.md").exists()


def test_new_lines_are_told_of_where_something_of_the_students_stands(root, take):
    said = take(**{LAYERS: CODE.replace("Give", "Return"), BOOK: book_of(look="x = 2")})

    assert f"New around what you wrote: {LAYERS}.\n" in said

    (root / LAYERS).write_bytes(
        release("1.1.0", **{LAYERS: CODE.replace("Give", "Return")})[LAYERS]
    )
    assert "what you wrote" not in take("1.2.0")


def test_undo_is_exact_also_of_two_updates(root, take):
    states = [look(root)]
    (root / "solver.py").chmod(0o700)
    take(**{LAYERS: CODE.replace("Give", "Return"), "new/n.md": "n\n", "old.md": None})
    states.append(look(root))
    take("1.2.0", **{LAYERS: CODE.replace("Give", "Yield"), "new/n.md": "m\n", "solver.py": "b\n"})

    assert (root / "solver.py").stat().st_mode & 0o777 == 0o700
    for state in reversed(states):
        undo(root)
        assert look(root) == state
    assert not (root / "new").exists()
    with pytest.raises(UpdateError, match="no update to undo"):
        undo(root)


def test_work_done_after_an_update_is_kept_by_undo(root, take):
    take(**{LAYERS: CODE.replace("Give", "Return")})
    (root / LAYERS).write_text("later = 1\n", encoding="utf-8")

    said = undo(root)

    (later,) = root.glob(f"kept/*/since/{LAYERS}")
    assert later.read_text("utf-8") == "later = 1\n"
    assert (root / LAYERS).read_text("utf-8") == MINE
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
def test_what_both_have_changed_stays_and_the_new_one_lies_aside(root, take, own, changed, told):
    for name, text in own.items():
        (root / name).unlink(missing_ok=True)
        if text is not None:
            (root / name).write_text(text, encoding="utf-8")
    before = look(root)

    said = take(**changed)

    (name,) = own
    assert f"- {name}: " in said
    assert told in said
    assert look(root).get(name) == before.get(name)
    aside = [path.read_text("utf-8") for path in root.glob(f"kept/*/new/{name}")]
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
def test_file_that_cannot_be_merged_is_mended_before_anything_changes(root, take, own, told):
    for name, data in own.items():
        (root / name).write_bytes(data)
    before = look(root)
    corrected = {LAYERS: CODE + "# n\n", BOOK: book_of(look="2"), "solver.py": "b\n"}

    with pytest.raises(UpdateError) as caught:
        take(**corrected)

    assert str(caught.value).startswith(told)
    assert "Nothing was changed. Mend this file, then update again" in str(caught.value)
    assert look(root) == before
    for name in own:  # or, as it says
        (root / name).rename(root / f"{name}.old")
    assert "the assignment is 1.1.0 now" in take(**corrected)


def test_student_keeps_what_the_course_has_not_changed_and_hears_of_it(root, take):
    (root / "solver.py").write_text("mine\n", encoding="utf-8")

    said = take()

    assert (root / "solver.py").read_text("utf-8") == "mine\n"
    assert "Not taken up" not in said
    assert "Not as 1.1.0 gives them out, and left as they are: solver.py." in said
    assert [path.read_text("utf-8") for path in root.glob("kept/*/new/solver.py")] == ["a\n"]


@pytest.mark.parametrize("changed", [True, False])
def test_file_whose_given_lines_the_student_changed_is_named(root, take, changed):
    corrected = {LAYERS: CODE.replace("Give", "Return")}
    take(**corrected)
    if changed:  # in an old copy, say, the very line that was corrected
        text = (root / LAYERS).read_text("utf-8")
        (root / LAYERS).write_text(text.replace("Return f", "Give my f"), encoding="utf-8")

    said = take("1.2.0", **corrected)

    assert (f"Given lines are not as 1.2.0 gives them out in {LAYERS}." in said) == changed


@pytest.mark.parametrize("name", [LAYERS, BOOK])
def test_same_release_brings_back_a_file_that_is_gone(root, take, name):
    (root / name).unlink()

    said = take("1.0.0")

    assert (root / name).read_bytes() == release("1.0.0")[name]
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
def test_update_of_which_a_part_came_is_made_whole(root, take, left_out, version):
    before = look(root)
    take(**CORRECTED)
    whole = look(root)
    names, told = PARTS[left_out]
    for name in names:
        (root / name).unlink()
        if name in before:
            (root / name).write_bytes(before[name])

    said = take(version, **CORRECTED)

    assert f"the assignment is {version}" in said
    assert all(words in said for words in told)
    assert "not as it was given out" not in said
    machines = {"MANIFEST.json", GIVEN} if version != "1.1.0" else set()
    for name in whole.keys() - machines:
        assert (root / name).read_bytes() == whole[name], name


FIXED = (("Give", "Return"), ('"""Layers', '"""All layers'))


def fixed(text):
    for old, new in FIXED:
        text = text.replace(old, new)
    return text


BACK = {LAYERS: fixed(CODE), BOOK: book_of(look="x = 2"), "solver.py": "b\n"}


def go_back(root, take):
    """Take up 1.1.0, then have an editor save what it had read before, or Git bring it."""
    (root / BOOK).write_text(book_of(look="x = 1", own="mine"), encoding="utf-8")
    before = look(root)
    take(**BACK)
    for name in BACK:
        (root / name).write_bytes(before[name])


@pytest.mark.parametrize("version", ["1.1.0", "1.2.0"])
def test_file_that_went_back_to_an_older_release_is_brought_up_to_date(root, take, version):
    go_back(root, take)

    said = take(version, **BACK)

    assert (root / LAYERS).read_text("utf-8") == fixed(MINE)
    assert sources((root / BOOK).read_text("utf-8")) == {"look": "x = 2", "own": "mine"}
    assert (root / "solver.py").read_bytes() == b"b\n"
    assert "Not taken up" not in said
    for name in BACK:
        assert f"{name} had gone back to 1.0.0; it is brought up to date." in said
    with pytest.raises(UpdateError, match="that release is the same"):
        take(version, **BACK)


def test_file_that_went_back_collides_where_the_student_changed_it(root, take):
    go_back(root, take)
    (root / LAYERS).write_text(MINE.replace("Give", "My") + "# m\n", encoding="utf-8")

    said = take("1.2.0", **BACK)

    assert (root / LAYERS).read_text("utf-8").startswith('"""All layers')
    assert f"{LAYERS} had gone back to 1.0.0; it is brought up to date but for" in said
    assert "Return f." in said


def test_file_in_which_the_students_lines_stayed_has_not_gone_back(root, take):
    """Then most lines are those of 1.0.0, and yet 1.1.0 is what the rest comes from."""
    (root / LAYERS).write_text(MINE.replace("f.", "my f."), encoding="utf-8")
    longer = CODE.replace("Give f.", "Return f,\n\n    of x\n    and of y,\n    both.")
    assert "Not taken up" in take(**{LAYERS: longer.replace('"""Layers', '"""The layers')})

    said = take("1.2.0", **{LAYERS: longer.replace('"""Layers', '"""All layers')})

    assert "All layers" in (root / LAYERS).read_text("utf-8")
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
def test_release_that_remembers_little_of_itself_is_borne_with(root, take, change, label):
    go_back(root, take)
    (path,) = root.glob(f"kept/*/before/{GIVEN}")
    given = json.loads(path.read_bytes())
    change(given)
    path.write_text(json.dumps(given), encoding="utf-8")
    (root / "kept" / "other" / "before" / GIVEN).parent.mkdir(parents=True)
    (root / "kept" / "other" / "before" / GIVEN).write_bytes(b"[")

    said = take(**BACK)

    assert ((root / LAYERS).read_text("utf-8") == fixed(MINE)) == bool(label)
    assert (f"{LAYERS} had gone back to {label};" in said) == bool(label)


def test_given_lines_that_the_student_changed_are_told_of_by_the_same_release(root, take):
    take(**BACK)
    own = {LAYERS: fixed(MINE).replace("Return f", "Mine"), BOOK: book_of(look="x = 3")}
    for name, text in own.items():
        (root / name).write_text(text, encoding="utf-8")

    said = take(**BACK)

    assert "nothing was changed" in said
    assert f"- {LAYERS}: not as 1.1.0 gives it out" in said
    assert f"- {BOOK}, the cell that begins with x = 2: not as" in said
    assert "Return f." in said
    assert "TODO" not in said  # the stub is the student's to change
    assert [*root.glob(f"kept/*/new/{LAYERS}")] != []


def test_given_line_is_missed_though_another_reads_like_it():
    given = CODE + "\n\ndef g(x):\n    return out\n"

    assert not compare(LAYERS, given, MINE + given[len(CODE) :], "1").collisions
    (found,) = compare(LAYERS, given, given.replace("return out", "return 1", 1), "1").collisions
    assert found.mine.endswith("\n    return 1")
    assert found.new.endswith("\n    return out")


def test_given_cell_that_is_gone_is_named():
    given, mine = book_of(look="x = 1", more="x = 2"), book_of(look="x = 1")

    assert ["x = 2" in c.place for c in compare(BOOK, given, mine, "1").collisions] == [True]


def test_release_older_than_the_package_takes_nothing_back(root, take):
    older = (root / "MANIFEST.json").read_bytes()
    take(**CORRECTED)
    (root / "MANIFEST.json").write_bytes(older)  # of a commit that lacked the new one

    with pytest.raises(UpdateError, match=r"is older: 1\.0\.0, and this folder is 1\.1\.0"):
        take("1.0.0")


def test_package_that_remembers_no_version_is_brought_up_to_date(root, take):
    given = json.loads((root / GIVEN).read_bytes())
    (root / GIVEN).write_text(json.dumps(given | {"version": "one"}), encoding="utf-8")

    assert "the assignment is 1.1.0 now, it was 1.0.0" in take(**CORRECTED)


def test_the_same_release_once_more_is_nothing_to_do(root, take):
    take(**CORRECTED)
    before = look(root)

    with pytest.raises(
        UpdateError, match=r"that release is the same: 1\.1\.0, .* all of its files"
    ):
        take(**CORRECTED)

    assert look(root) == before


def test_cell_that_does_the_same_keeps_what_it_printed(root, take):
    (root / BOOK).write_text(book_of(look="x = 1", own="mine"), encoding="utf-8")

    said = take(**{BOOK: book_of(look="# Look.\nx = 1")})
    assert json.loads((root / BOOK).read_bytes())["cells"][0]["outputs"] == [{"text": "seen"}]
    assert "Run these again" not in said

    said = take("1.2.0", **{BOOK: book_of(look="# Look.\nx = 2")})
    assert json.loads((root / BOOK).read_bytes())["cells"][0]["outputs"] == []
    assert f"- {BOOK}, the cell that begins with # Look." in said


def test_update_says_what_the_course_says_since_the_old_version(take):
    said = take()

    assert "the assignment is 1.1.0 now, it was 1.0.0" in said
    assert "## 1.1.0 (2027)\n\n- code: f. Run it." in said
    assert "code: all" not in said


@pytest.mark.parametrize(("needs", "says"), [("numpy", False), ("scipy", True)])
def test_update_speaks_of_packages_only_where_they_may_be_others(root, tmp_path, needs, says):
    text = 'version = "{}"\ndependencies = ["{}"]\n'
    project = "pyproject.toml"
    for name, data in release("1.0.0", **{project: text.format("1.0.0", "numpy")}).items():
        (root / name).write_bytes(data)

    new = release("1.1.0", **{project: text.format("1.1.0", needs)})
    said = update(zip_of(tmp_path / "new.zip", new), root)

    assert ("pip install" in said) == says
    assert (root / project).read_bytes() == new[project]


def test_nothing_is_half_written_where_a_file_cannot_be(root, take, monkeypatch):
    before, put = look(root), swapping._put

    def refuse(source, place):
        if place.name == "MANIFEST.json" and source and "after" in source.parts:
            raise PermissionError(13, "Permission denied", str(place))
        put(source, place)

    monkeypatch.setattr(swapping, "_put", refuse)
    with pytest.raises(UpdateError, match=r"MANIFEST\.json: Permission denied"):
        take(**{"solver.py": "b\n", "new/n.md": "n\n", "old.md": None})

    assert look(root) == before
    assert list((root / "kept").iterdir()) == []


def test_undo_mends_what_a_killed_update_left(root, take, monkeypatch):
    before, put, left = look(root), swapping._put, [1, 1]

    def put_two(*args):
        if not left:
            raise KeyboardInterrupt  # and whatever would put things right is stopped as well
        put(*args)
        left.pop()

    monkeypatch.setattr(swapping, "_put", put_two)
    with pytest.raises(KeyboardInterrupt):
        take(**{"solver.py": "b\n", "CHANGELOG.md": "new\n"})
    monkeypatch.undo()
    assert look(root) != before

    said = undo(root)

    assert look(root) == before
    assert "what you changed" not in said  # files that the update had not come to


# --- what is refused, before anything is touched


def packed(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def damaged(path):
    packed(path, {f"a2/{n}": d for n, d in release("1.1.0").items()} | {f"a2/{LAYERS}": b"other"})


BAD = {
    "missing": (lambda _: None, "there is no file"),
    "text": (lambda path: path.write_text("no zip"), "is not whole, or no zip: fetch it again"),
    "folder": (lambda path: path.mkdir(), "bad.zip is a folder: name the zip file itself"),
    "other": (lambda path: packed(path, {"a/b.txt": b""}), "it is no release of an assignment"),
    "damaged": (damaged, f"it is damaged, at {LAYERS}"),
    "manifest": (
        lambda path: packed(path, {"a2/MANIFEST.json": b"{}"}),
        "MANIFEST.json is damaged",
    ),
    "version": (lambda path: zip_of(path, release("newest")), "its version is 'newest'"),
    "older": (lambda path: zip_of(path, release("0.9")), "that release is older: 0.9, and"),
    "same": (lambda path: zip_of(path, release("1.0.0")), "that release is the same"),
    "name": (lambda path: zip_of(path, release("2.0", name="a3")), "that is 'a3', and this fol"),
    "edition": (
        lambda path: zip_of(path, release("1.1.0", **{"cs682/solutions.txt": "s"})),
        "that is the edition for people who learn alone, and this folder is a course's",
    ),
    "outside": (lambda path: zip_of(path, {"../../x": b""}), "lies outside"),
    "drive": (lambda path: zip_of(path, {"C:/x": b""}), "lies outside"),
}


@pytest.mark.parametrize("kind", BAD)
def test_zip_that_cannot_be_taken_up_changes_nothing(root, tmp_path, kind):
    make, said = BAD[kind]
    make(tmp_path / "bad.zip")
    before = look(root)

    with pytest.raises(UpdateError) as caught:
        update(str(tmp_path / "bad.zip"), root)

    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert look(root) == before
    assert not (root / "kept").exists()


def test_release_of_a_course_does_not_replace_the_edition_for_people_alone(root, take):
    alone = release("1.0.0", **{"cs682/solutions.txt": "s"})
    (root / "MANIFEST.json").write_bytes(alone["MANIFEST.json"])

    with pytest.raises(UpdateError, match="that is a course's release, and this folder is the"):
        take()


@pytest.mark.parametrize(
    "where", ["cs682.setup.new_release.LARGEST_ZIP", "cs682.setup.own_copy.MAX_BYTES"]
)
def test_zip_that_is_too_large_is_refused(take, monkeypatch, where):
    monkeypatch.setattr(where, 100)

    with pytest.raises(UpdateError, match="more than 0 MB"):
        take()


def test_source_is_no_release_to_update(root, take):
    (root / "MANIFEST.json").unlink()

    with pytest.raises(UpdateError, match="is no release"):
        take()


def test_command_says_what_is_wrong(root, monkeypatch, capsys):
    monkeypatch.setattr(update, "__defaults__", ("", root))

    assert main(["update", "nowhere.zip"]) == 1
    assert "there is no file nowhere.zip" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["update", "--undo", "x.zip"])


# --- the course's address


@pytest.fixture
def server(monkeypatch):
    """Serve files by name on loopback; those that are an Event keep the asker waiting."""
    files = {}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            data = files.get(self.path[1:])
            if isinstance(data, Event):
                data.wait(30)
            self.send_response(200 if isinstance(data, bytes) else 404)
            self.end_headers()
            self.wfile.write(data if isinstance(data, bytes) else b"")

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(new_release, "SCHEME", "http://")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for place in (module, news):
        monkeypatch.setattr(place, "address_of_updates", lambda: address)
    yield address, files
    server.shutdown()
    server.server_close()


def test_release_is_fetched_from_the_address_of_the_course(root, server, tmp_path):
    _, files = server
    new = release("1.1.0", **{"solver.py": "b\n"})
    zip_of(tmp_path / "new.zip", new)
    files |= {"a2-1.1.0.zip": (tmp_path / "new.zip").read_bytes()}
    files |= {"MANIFEST.json": new["MANIFEST.json"]}

    assert "the assignment is 1.1.0 now" in update("", root)

    assert (root / "solver.py").read_bytes() == b"b\n"
    with pytest.raises(UpdateError, match=r"nothing newer: 1\.1\.0 is the newest release"):
        update("", root)
    (root / LAYERS).unlink()
    assert f"Gone, and back as given out: {LAYERS}" in update("", root)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("{}none.zip", r"none\.zip cannot be reached \(404\); nothing was changed"),
        ("http://127.0.0.1:9/a.zip", r"a\.zip cannot be reached \(is there a network\?\)"),
        ("ftp://127.0.0.1/a.zip", "is no address that begins with"),
        ("{}long.zip", "was given up: it has more than"),
    ],
)
def test_address_of_no_use_is_one_sentence(root, server, monkeypatch, address, said):
    server[1]["long.zip"] = b"x" * 200
    monkeypatch.setattr(new_release, "LARGEST_ZIP", 100)

    with pytest.raises(UpdateError, match=said):
        update(address.format(server[0]), root)

    assert not (root / "kept").exists()


def refuse_certificate(*_, **__):
    said = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    raise requests.exceptions.SSLError(
        f"Max retries (Caused by SSLError(1, '{said} (_ssl.c:1006)'))"
    )


def test_certificate_that_is_not_trusted_is_the_reason_named(root, monkeypatch):
    monkeypatch.setattr(requests, "get", refuse_certificate)

    with pytest.raises(UpdateError) as caught:
        update("https://course.example/a.zip", root)

    assert str(caught.value) == (
        "https://course.example/a.zip cannot be reached (certificate verify failed: self-signed "
        "certificate; for a course's own certificate, set REQUESTS_CA_BUNDLE to its file); "
        "nothing was changed"
    )


def test_server_that_speaks_no_tls_is_not_told_of_certificates(root, server, monkeypatch):
    monkeypatch.setattr(new_release, "SCHEME", "https://")
    with pytest.raises(UpdateError, match=r"cannot be reached \([a-z ]+\)") as caught:
        update(server[0].replace("http:", "https:"), root)

    assert "network?" not in str(caught.value)


def test_bundle_of_certificates_that_is_not_there_is_named(root, monkeypatch, server):
    monkeypatch.setattr(new_release, "SCHEME", "https://")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")

    with pytest.raises(UpdateError, match=r"cannot be reached \(.*/nowhere\.pem\)"):
        update(server[0].replace("http:", "https:"), root)


def test_only_https_is_asked(root):
    with pytest.raises(UpdateError, match="is no address that begins with https://"):
        update("http://127.0.0.1:9/a.zip", root)


def test_course_that_has_said_no_address_is_not_asked(root):
    assert news.ask_for_news(root)() == ""
    with pytest.raises(UpdateError, match="this release notes none"):
        update("", root)


def test_news_are_told_once(root, server):
    server[1]["MANIFEST.json"] = release("1.1.0")["MANIFEST.json"]

    first, second = (news.ask_for_news(root)() for _ in range(2))

    assert first.startswith("Release 1.1.0 of the assignment is out. `python -m cs682 update`")
    assert second == ""
    server[1]["MANIFEST.json"] = release("1.2.0")["MANIFEST.json"]
    assert "1.2.0" in news.ask_for_news(root)()


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"<html>",
        b"{}",
        release("1.0.0")["MANIFEST.json"],
        release("9", name="b")["MANIFEST.json"],
    ],
)
def test_no_news_are_no_word(root, server, data, capfd):
    server[1]["MANIFEST.json"] = data

    assert news.ask_for_news(root)() == ""
    assert capfd.readouterr() == ("", "")


def test_nobody_waits_for_a_server_that_does_not_answer(root, server, monkeypatch):
    answer = server[1]["MANIFEST.json"] = Event()
    monkeypatch.setattr(news, "SECONDS", 0.05)

    told = news.ask_for_news(root)()

    assert told == ""
    assert not answer.is_set()
    answer.set()


def test_undone_update_is_news_again(root, take, server):
    server[1]["MANIFEST.json"] = release("1.1.0")["MANIFEST.json"]
    assert news.ask_for_news(root)()
    take()
    undo(root)

    assert "1.1.0" in news.ask_for_news(root)()
