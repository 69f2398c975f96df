"""The assignment's files are found in hand-ins of every shape, and what is amiss is named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from cs682 import _files
from cs682.checks import EXERCISES
from staff.grading.intake.locate import FILES, TWO, arrange
from staff.grading.intake.package import ROOT, read_package
from staff.grading.intake.unpack import unpack
from staff.tests.grading.arranged import CODE_OF, OTHER, files_of, take, take_two, write_files
from staff.tests.grading.hostile_zips import CODE, LAYERS, make_zip


@pytest.mark.parametrize("root", ["", "hand-in/", "a/b/c d/é/"])
def test_package_is_found_wherever_it_lies(root, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(make_zip({f"{root}{LAYERS}": CODE, f"{root}notebooks/Dropout.ipynb": b"{}"}))

    package = take(path, tmp_path=tmp_path)

    assert files_of(package) == {LAYERS, "notebooks/Dropout.ipynb"}
    assert "cs682/optim.py is missing" in package.problems
    assert "cs682/layers.py is missing" not in package.problems


@pytest.mark.parametrize(
    "name",
    ["layers (1).py", "layers-1.py", "layers_2.py", "Layers.py", "Copy of layers.py",
     "layers copy.py", "layers.py.txt"],
)  # fmt: skip
def test_renamed_file_is_taken_and_named(name, tmp_path):
    package = take(write_files(tmp_path / "bob", **{name: CODE}), tmp_path=tmp_path)

    assert files_of(package) == {LAYERS}
    assert f"cs682/layers.py is missing; bob/{name} was taken for it" in package.problems


@pytest.mark.parametrize("name", ["my_layers.py", "layers_old.py", "test_layers.py", "layers.pyc"])
def test_file_of_another_name_is_not_taken(name, tmp_path):
    package = take(write_files(tmp_path / "bob", **{name: CODE}), tmp_path=tmp_path)

    assert files_of(package) == set()


def test_course_s_own_file_of_the_same_name_is_never_taken(tmp_path):
    files = {"cs682/checks/judges/layers.py": OTHER, "cs682/optim.py": CODE}

    package = take(write_files(tmp_path / "bob", **files), tmp_path=tmp_path)

    assert files_of(package) == {"cs682/optim.py"}
    assert "cs682/layers.py is missing" in package.problems


def test_doubled_file_is_not_taken_when_nobody_can_tell_which(tmp_path):
    folder = write_files(tmp_path / "bob", **{f"a/{LAYERS}": CODE, f"b/{LAYERS}": OTHER})

    package = take(folder, tmp_path=tmp_path)

    assert files_of(package) == set()
    (said,) = (text for text in package.problems if text.endswith(f"; none was taken, {TWO}"))
    assert "they differ: bob/a/cs682/layers.py and" in said


def test_how_deep_an_upload_is_packed_says_nothing_of_another(tmp_path):
    one, other = tmp_path / "one.zip", tmp_path / "other.zip"
    one.write_bytes(make_zip({LAYERS: CODE}))
    other.write_bytes(make_zip({f"deep/er/{LAYERS}": OTHER, LAYERS.replace("layers", "x"): CODE}))

    package = take(one, other, tmp_path=tmp_path)

    assert LAYERS not in files_of(package)
    assert set(package.doubled) == {LAYERS}


def test_versions_that_differ_in_their_line_ends_alone_are_no_two(tmp_path):
    for name, code in (("one", CODE), ("other", CODE.replace(b"\n", b"\r\n"))):
        (tmp_path / f"{name}.zip").write_bytes(make_zip({LAYERS: code}))

    package = take(tmp_path / "one.zip", tmp_path / "other.zip", tmp_path=tmp_path)

    assert (package.folder / LAYERS).read_bytes() == CODE
    assert not any("two versions" in text or "they differ" in text for text in package.problems)


def test_loose_file_beside_an_older_zip_is_not_said_to_be_missing_there(tmp_path):
    old, new = tmp_path / "hand-in.zip", tmp_path / "layers-1.py"
    old.write_bytes(make_zip({LAYERS: OTHER, "cs682/optim.py": CODE}))
    new.write_bytes(CODE)

    package = take(old, new, tmp_path=tmp_path, versions=(0, 1))

    said = "hand-in.zip/cs682/layers.py is older than layers-1.py, which was taken"
    assert [text for text in package.problems if "/layers.py" in text] == [said]


def test_missing_models_are_named_in_one_line(tmp_path):
    files = {LAYERS: CODE, "notebooks/best_model.npz": b"x"}

    package = take(write_files(tmp_path / "bob", **files), tmp_path=tmp_path)

    (said,) = (text for text in package.problems if "npz" in text)
    assert said.startswith("6 trained models are missing: notebooks/two_layer_net.npz, notebooks/")


def test_doubled_file_with_the_same_content_is_no_problem(tmp_path):
    folder = write_files(tmp_path / "bob", **{f"a/{LAYERS}": CODE, f"b/{LAYERS}": CODE})

    package = take(folder, tmp_path=tmp_path)

    assert files_of(package) == {LAYERS}
    assert not any("differ" in text for text in package.problems)


def test_most_complete_copy_wins_and_the_other_is_named(tmp_path):
    files = {f"old/{LAYERS}": OTHER, f"new/{LAYERS}": CODE, "new/cs682/optim.py": CODE}

    package = take(write_files(tmp_path / "bob", **files), tmp_path=tmp_path)

    assert (package.folder / LAYERS).read_bytes() == CODE
    assert any("not bob/old/cs682/layers.py; nobody" in text for text in package.problems)


@pytest.mark.parametrize(
    ("file", "loose"),
    [
        (LAYERS, "layers.py"),
        (LAYERS, "layers (1).py"),
        ("cs682/classifiers/fc_net.py", "fc_net.py"),
        ("notebooks/Dropout.ipynb", "Dropout.ipynb"),
        ("notebooks/best_model.npz", "best_model.npz"),
    ],
)
def test_file_beside_a_zip_that_holds_another_is_named_and_which_was_taken(file, loose, tmp_path):
    content = CODE_OF.get(file.removeprefix("cs682/"), CODE)
    work = make_zip({file: content, "cs682/optim.py": CODE_OF["optim.py"]})
    upload = write_files(tmp_path / "bob", **{"hand-in.zip": work, loose: content + b"#\n"})

    package = take(upload, tmp_path=tmp_path)

    assert (package.folder / file).read_bytes() == content
    said = f"two versions of {file}: bob/hand-in.zip/{file} was taken, not bob/{loose}; {TWO}"
    assert said in package.problems


@pytest.mark.parametrize(
    ("other", "is_said"),
    [("layers (1).py", True), ("layers copy.py", False), ("layers-Copy1.py", False)],
)
def test_numbered_file_in_the_same_folder_is_a_version_and_a_copy_is_none(other, is_said, tmp_path):
    files = {LAYERS: CODE, f"cs682/{other}": OTHER}

    package = take(write_files(tmp_path / "bob", **files), tmp_path=tmp_path)

    assert (package.folder / LAYERS).read_bytes() == CODE
    assert any(text.endswith(TWO) for text in package.problems) == is_said


def test_caches_and_installed_copies_do_not_count(tmp_path):
    files = {f"{d}/{LAYERS}": OTHER for d in (".venv", "build/lib", "__MACOSX", "x/site-packages")}
    files[f".ipynb_checkpoints/{LAYERS}"] = OTHER

    package = take(write_files(tmp_path / "bob", **files, **{LAYERS: CODE}), tmp_path=tmp_path)

    assert (package.folder / LAYERS).read_bytes() == CODE
    assert not any("differ" in text for text in package.problems)


def test_modules_that_the_student_added_go_along(tmp_path):
    folder = write_files(tmp_path / "bob", **{LAYERS: CODE, "cs682/my_tricks.py": CODE,
                                              "cs682/bad name.py": CODE})  # fmt: skip

    assert files_of(take(folder, tmp_path=tmp_path)) == {LAYERS, "cs682/my_tricks.py"}


JUDGE = b"def check_affine_forward(subject, report):\n    pass\n"


@pytest.mark.parametrize("name", ["cs682 2", "CS682", "assignment", "cs231n", "a/b/my work"])
def test_package_is_known_by_its_files(name, tmp_path):
    files = {f"{name}/{file}": content for file, content in CODE_OF.items()}
    ours = {f"{name}/checks/judges/layers.py": JUDGE, f"{name}/solver.py": OTHER,
            f"{name}/tricks.py": OTHER, "notebooks/Dropout.ipynb": b"{}"}  # fmt: skip

    package = take(write_files(tmp_path / "bob", **files, **ours), tmp_path=tmp_path)

    expected = {f"cs682/{file}" for file in CODE_OF} | {"cs682/tricks.py"}
    assert expected <= files_of(package)
    assert (package.folder / LAYERS).read_bytes() == CODE
    assert sum("there is no folder cs682" in text for text in package.problems) == 1
    assert not any("more than once" in text for text in package.problems)


def lay_out(folder: Path, how: str, files: dict[str, bytes]) -> list[tuple[Path, str]]:
    """Write files without their folders in a way that students hand them in."""
    if how == "flat zip":
        (folder / "x.zip").write_bytes(make_zip(files))
        return [(folder / "x.zip", "x.zip")]
    if how == "single files":  # Canvas puts the student before each name
        write_files(folder, **{f"bob_30_{name}": content for name, content in files.items()})
        return [(folder / f"bob_30_{name}", name) for name in files]
    write_files(folder / ("bob/code" if how == "subfolder" else "bob"), **files)
    return [(folder / "bob", "bob")]


@pytest.mark.parametrize("how", ["single files", "folder", "subfolder", "flat zip"])
@pytest.mark.parametrize("names", [("layers.py", "classifiers/fc_net.py"), (*CODE_OF,)], ids=len)
def test_files_without_their_folders_are_taken(how, names, tmp_path):
    loose = {Path(name).name: CODE_OF[name] for name in names} | {"tricks.py": OTHER}
    sources = lay_out(tmp_path, how, loose)
    (tmp_path / "raw").mkdir()
    (tmp_path / "stage").mkdir()

    package = arrange(unpack(sources, tmp_path / "raw", range(len(sources))), tmp_path / "stage")

    assert files_of(package) == {*(f"cs682/{name}" for name in names), "cs682/tricks.py"}
    assert sum("there is no folder cs682" in text for text in package.problems) == 1
    assert not any("; was" in text or ";  was" in text for text in package.problems)


def test_folder_of_the_right_name_wins_over_a_copy(tmp_path):
    files = {f"cs682/{file}": content for file, content in CODE_OF.items()}
    copies = {f"cs682 2/{file}": content + b"#\n" for file, content in CODE_OF.items()}

    package = take(write_files(tmp_path / "bob", **files, **copies), tmp_path=tmp_path)

    assert (package.folder / LAYERS).read_bytes() == CODE
    assert any("not bob/cs682 2/layers.py; nobody" in text for text in package.problems)


def test_newer_version_counts_and_the_older_is_named(tmp_path):
    old = make_zip({LAYERS: CODE, "cs682/optim.py": CODE})

    package = take_two(old, make_zip({LAYERS: OTHER}), tmp_path)

    assert (package.folder / LAYERS).read_bytes() == OTHER
    assert "hand-in.zip/cs682/layers.py is older than the cs682/layers.py that was taken" in (
        package.problems
    )


@pytest.mark.parametrize(
    "names", [("hand-in.zip", "hand-in-1.zip"), ("hand-in.zip", "layers-1.py")]
)
def test_modules_of_the_student_s_own_come_along_however_often_it_was_handed_in(names, tmp_path):
    for number, name in enumerate(names):
        files = {LAYERS: CODE, "cs682/optim.py": CODE, "cs682/mine.py": b"x = %d" % number}
        (tmp_path / name).write_bytes(make_zip(files) if name.endswith(".zip") else CODE)

    package = take(*(tmp_path / name for name in names), tmp_path=tmp_path, versions=(0, 1))

    newest = sum(name.endswith(".zip") for name in names) - 1
    assert (package.folder / "cs682" / "mine.py").read_text() == f"x = {newest}"


def test_notes_beside_the_work_are_those_of_the_least_deep_folder(tmp_path):
    before = "kept/update-to-1.0.1/before/MANIFEST.json"
    files = {"MANIFEST.json": b"new", before: b"old", "hints.json": b"{}", "x-hints.json": b"x"}

    package = take(write_files(tmp_path / "bob", **files, **{LAYERS: CODE}), tmp_path=tmp_path)

    assert package.notes == {"MANIFEST.json": b"new", "hints.json": b"{}"}


def test_number_behind_a_zip_s_name_tells_the_newer(tmp_path):
    folder = write_files(tmp_path / "bob", **{
        "hand-in.zip": make_zip({LAYERS: CODE}), "hand-in (2).zip": make_zip({LAYERS: OTHER}),
    })  # fmt: skip

    package = take(folder, tmp_path=tmp_path)

    assert (package.folder / LAYERS).read_bytes() == OTHER
    assert any("bob/hand-in.zip/cs682/layers.py is older" in text for text in package.problems)


MERGE = b"<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> main\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (CODE + MERGE, r"none of it counts: line 3: Git has left a conflict"),
        (CODE.decode().encode("utf-16"), "none of it counts: is saved as UTF-16"),
        (CODE + b"def f(:\n", r"none of it counts: line 3: SyntaxError"),
    ],
)
def test_what_keeps_a_file_from_being_run_is_said_once(content, says, tmp_path):
    package = take(write_files(tmp_path / "bob", **{LAYERS: content}), tmp_path=tmp_path)

    assert len([text for text in package.problems if re.search(says, text)]) == 1


def test_source_of_a_hand_in_is_parsed_and_not_compiled_in_the_grader_s_own_process(
    monkeypatch, tmp_path
):
    flags = []

    def spy(content, name, mode, flag, **more):
        flags.append(flag)
        return compile(content, name, mode, flag, **more)

    monkeypatch.setattr(_files, "compile", spy, raising=False)
    nested = b"".join(b" " * i + b"try:\n" for i in range(18)) + b" " * 18 + b"x = 1\n"
    nested += b"".join(
        b" " * i + b"finally:\n" + b" " * i + b" x = 1\n" for i in reversed(range(18))
    )

    package = take(write_files(tmp_path / "bob", **{LAYERS: nested}), tmp_path=tmp_path)

    assert not any("none of it counts" in text for text in package.problems)
    assert set(flags) == {ast.PyCF_ONLY_AST}


def test_file_of_which_nothing_is_asked_may_be_missing_or_spoilt(tmp_path):
    """It is the course's that runs."""
    given = {row.file for row in EXERCISES.values() if row.is_given} - {*FILES}
    files = {f"ada/{file}": CODE for file in (*FILES, *given) if file.endswith(".py")}
    path = tmp_path / "ada.zip"
    path.write_bytes(make_zip(files))

    package = take(path, tmp_path=tmp_path)

    assert given
    assert given.isdisjoint(package.missing)
    assert all(read_package(package.folder)[file] == (ROOT / file).read_bytes() for file in given)
