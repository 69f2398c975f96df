"""A class is told from a hand-in by what it holds, and a student's upload is never one."""

from __future__ import annotations

import errno
import io
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from staff.grading.intake import whole_class
from staff.grading.intake.collect import collect
from staff.grading.intake.zip_table import count_entries
from staff.tests.grading.hostile_zips import CODE, make_zip
from staff.tests.grading.uploads import METADATA, add_zip, find, held


def test_export_that_was_not_unpacked_is_unpacked(uploads, tmp_path):
    export = tmp_path / "export.zip"
    with zipfile.ZipFile(export, "w") as archive:
        archive.writestr("assignment_1_export/submission_metadata.yml", METADATA)
        archive.writestr("assignment_1_export/submission_101/layers.py", CODE)
        archive.writestr("assignment_1_export/submission_102/../../../evil.py", CODE)

    found = find(export, tmp_path)

    assert [s.id for s in found.submissions] == ["submission_101", "submission_102"]
    assert not (tmp_path / "evil.py").exists()


def write_export(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            content = METADATA if name.endswith(".yml") else CODE
            archive.writestr(name, content)
    return path


def test_export_that_would_fill_more_than_half_of_the_disk_is_refused(tmp_path, monkeypatch):
    export = write_export(tmp_path / "export.zip", "submission_metadata.yml")
    free = 2 * len(METADATA) - 2
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))

    with pytest.raises(ValueError, match=rf"unpacks to {len(METADATA)} bytes, but only {free}"):
        find(export, tmp_path)


MOODLE = "Eve_66_assignsubmission_file_"


@pytest.mark.parametrize(
    ("top", "other", "ids"),
    [
        (MOODLE, [], ["66"]),
        (MOODLE, ["Ada_55_assignsubmission_file_/layers.py"], ["55", "66"]),
        (f"{MOODLE}/work", ["Ada_55_assignsubmission_file_/layers.py"], ["55", "66"]),
        ("eve", ["ada.zip"], ["ada", "eve"]),
    ],
)
def test_list_that_a_student_hands_in_replaces_no_class(top, other, ids, tmp_path):
    (tmp_path / "scratch").mkdir()
    evil = [f"{top}/submission_metadata.yml", f"{top}/submission_101/layers.py"]

    found = find(write_export(tmp_path / "export.zip", *evil, *other), tmp_path)

    assert [s.id for s in found.submissions] == ids
    assert held(found).keys() <= {"eve"}  # whose folder looks like a class


def test_list_deep_in_a_hand_in_makes_it_no_class(uploads, tmp_path):
    write_export(uploads / "eve.zip", "a/b/submission_metadata.yml", "a/cs682/layers.py")

    assert held(find(uploads, tmp_path)) == {}
    assert [s.id for s in find(uploads / "eve.zip", tmp_path).submissions] == ["eve"]


@pytest.mark.parametrize("text", ["a: [", "[" * 5000])
def test_zip_with_a_list_that_is_none_is_held_and_costs_nobody_anything(text, uploads, tmp_path):
    add_zip(uploads, "ada.zip")
    evil = tmp_path / "eve.zip"
    evil.write_bytes(make_zip({"submission_metadata.yml": text.encode(), "submission_1/a.py": b""}))

    found = collect([uploads, evil], tmp_path / "scratch")

    assert list(held(found)) == ["eve.zip"]
    assert held(found)["eve.zip"].startswith("eve.zip/submission_metadata.yml is not Gradescope's")


def test_zip_that_looks_like_a_class_is_held_and_a_zip_of_zips_is_not(uploads, tmp_path):
    (uploads / "bob.zip").write_bytes(make_zip({"submission_metadata.yml": METADATA.encode()}))
    (uploads / "eve.zip").write_bytes(make_zip({"hand-in.zip": make_zip({"layers.py": CODE})}))

    assert set(held(find(uploads, tmp_path))) == {"bob.zip"}


NOTE = {"cs682/layers.py": CODE, "notes_2026_11_30.txt": b""}


def test_name_of_a_platform_s_form_in_a_hand_in_makes_it_no_class(uploads, tmp_path):
    (uploads / "bob.zip").write_bytes(make_zip(NOTE))

    for given in (uploads, uploads / "bob.zip"):
        found = find(given, tmp_path)
        assert [s.id for s in found.submissions] == ["bob"]
        assert held(found) == {}


@pytest.mark.parametrize(
    "names",
    [
        ["moodle/Ada_1_assignsubmission_file_/a.zip", "moodle/Bob_2_assignsubmission_file_/a.zip"],
        ["canvas/lovelaceada_55_901_a.zip", "canvas/hoppergrace_LATE_56_902_a.zip", "plain/a.py"],
        ["gradescope/submission_metadata.yml", "plain/a.py"],
    ],
)
def test_zip_of_a_folder_that_is_a_class_is_held_and_the_folder_is_named(names, uploads, tmp_path):
    (uploads / "a.zip").write_bytes(make_zip(dict.fromkeys(names, METADATA.encode())))

    for given in (uploads, uploads / "a.zip"):
        assert (
            f"unpack it and give its {names[0].split('/')[0]}"
            in held(find(given, tmp_path))["a.zip"]
        )


def test_zip_with_the_package_at_its_top_is_a_hand_in_whatever_else_is_in_it(uploads, tmp_path):
    names = ["a/b_55_901_a.npz", "a/c_56_902_d.npz", "cs682/layers.py"]
    (uploads / "a.zip").write_bytes(make_zip(dict.fromkeys(names, CODE)))

    assert held(find(uploads, tmp_path)) == {}


def stored(files, comment=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = comment
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("limit", [zipfile.ZIP64_LIMIT, 100])  # the second makes long records
@pytest.mark.parametrize("comment", [b"", b"of the platform"])
def test_marks_of_a_table_in_an_upload_do_not_count(comment, limit, tmp_path, monkeypatch):
    monkeypatch.setattr(whole_class, "MAX_EXPORT", 2)
    evil = stored({"cs682/layers.py": CODE, "notes.bin": b"PK\1\2" * 50})
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    export = tmp_path / "export.zip"
    export.write_bytes(stored({"ada_55_901_a.zip": CODE, "eve_56_902_b.zip": evil}, comment))

    assert (b"PK\6\6" in export.read_bytes()) == (limit == 100)
    assert count_entries(export) == 2
    assert [s.id for s in find(export, tmp_path).submissions] == ["55", "56"]


def test_file_without_an_end_record_has_no_entries(tmp_path):
    for content in (b"", b"PK\1\2" * 50, b"PK\1\2" * 50 + b"PK\5\6"):
        (tmp_path / "a.zip").write_bytes(content)
        assert count_entries(tmp_path / "a.zip") == 0


def test_place_that_is_too_large_is_refused_by_name_and_an_upload_is_not(
    uploads, tmp_path, monkeypatch
):
    monkeypatch.setattr(whole_class, "MAX_EXPORT", 20)
    (uploads / "eve.zip").write_bytes(make_zip({f"{i}.py": b"" for i in range(21)}))
    add_zip(uploads, "ada.zip")

    assert [s.id for s in find(uploads, tmp_path).submissions] == ["ada", "eve"]
    with pytest.raises(ValueError, match=r"eve.zip holds 21 files, more than 20"):
        find(uploads / "eve.zip", tmp_path)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("a", ["Ada_1_assignsubmission_file_/a.zip", "Bob_2_assignsubmission_file_/a.zip"]),
        ("a", ["lovelaceada_55_901_a.zip", "hoppergrace_LATE_56_902_a.zip"]),
        ("a", ["submission_metadata.yml", "submission_101/layers.py"]),
        ("a/b", ["submission_metadata.yml", "submission_101/layers.py"]),
        ("a/b", ["lovelaceada_55_901_a.zip", "hoppergrace_LATE_56_902_a.zip"]),
    ],
)
def test_folder_that_holds_a_class_is_held_and_the_one_to_give_is_named(
    given, names, uploads, tmp_path
):
    (uploads / "zoe").mkdir()
    for name in names:
        (uploads / given / name).parent.mkdir(parents=True, exist_ok=True)
        (uploads / given / name).write_text(METADATA)

    reasons = held(find(uploads, tmp_path))

    assert list(reasons) == ["a"]
    assert f"give {uploads / given} to grade" in reasons["a"]


@pytest.mark.parametrize(
    "names",
    [
        ["lovelaceada_55_901_hand-in.zip", "lovelaceada_55_902_layers.py"],  # of one student
        ["net_1_64_a.npz", "net_2_64_b.npz"],  # a student's own names
        ["cs682/a_1_2_b.py", "cs682/c_3_4_d.py"],
    ],
)
def test_folder_of_one_student_is_a_hand_in_whatever_is_in_it(names, uploads, tmp_path):
    for name in names:
        (uploads / "ada" / name).parent.mkdir(parents=True, exist_ok=True)
        (uploads / "ada" / name).write_bytes(CODE)

    found = find(uploads, tmp_path)

    assert [s.id for s in found.submissions] == ["ada"]
    assert held(found) == {}


def add_package(folder: Path) -> None:
    (folder / "cs682").mkdir(parents=True)
    (folder / "cs682" / "layers.py").write_bytes(CODE)


def test_folder_in_which_several_hand_ins_lie_is_held(uploads, tmp_path):
    add_package(uploads / "plain" / "bob" / "assignment2")
    add_zip(uploads / "plain", "ada.zip")

    reasons = held(find(uploads, tmp_path))

    assert list(reasons) == ["plain"]
    assert f"give {uploads / 'plain'} to grade" in reasons["plain"]


@pytest.mark.parametrize(
    "names",
    [
        ["hand-in.zip", "hand-in (1).zip", "assignment2/"],
        ["work.zip", "work-1.zip", "work/"],
        ["cs682/", "backup/", "old.zip"],
        ["assignment2/", "papers/"],
    ],
)
def test_folder_of_one_student_may_hold_a_hand_in_several_times(names, uploads, tmp_path):
    (uploads / "ada").mkdir()
    for name in names:
        if name.endswith(".zip"):
            add_zip(uploads / "ada", name)
        elif name == "papers/":
            (uploads / "ada" / name).mkdir()
        else:
            add_package(uploads / "ada" / name)

    found = find(uploads, tmp_path)

    assert [s.id for s in found.submissions] == ["ada"]
    assert held(found) == {}


def test_folder_of_results_is_passed_over_and_named(uploads, tmp_path):
    add_zip(uploads, "ada.zip")
    (uploads / "results" / "staff" / "records").mkdir(parents=True)

    found = find(uploads, tmp_path)

    assert [s.id for s in found.submissions] == ["ada"]
    assert found.remarks == ("results is a folder of results and was passed over",)


EVE = "Eve_66_assignsubmission_file_"


@pytest.mark.parametrize(
    ("names", "odd"),
    [
        (["我" * 120 + ".txt"], "我我"),
        (["我" * 120 + "/layers.py"], "我我"),
        ([f"{'a' * 200}/" * 21 + "b.py"], "aaaa"),
        (["a", "a/b"], "a/b"),
        (["a", "a/"], "a/"),
        (["a/b", "a"], "a"),
    ],
)
def test_name_that_no_file_can_have_costs_that_file_alone_and_is_said(names, odd, tmp_path):
    ada = "Ada_55_assignsubmission_file_/layers.py"
    files = [f"{EVE}/{name}" for name in names]

    found = find(write_export(tmp_path / "export.zip", *files, f"{EVE}/x.py", ada), tmp_path)

    assert [s.id for s in found.submissions] == ["55", "66"]
    assert all(next(path.rglob("*.py")) for s in found.submissions for path, _ in s.sources)
    (said,) = found.aloud
    assert said.startswith("export.zip: 1 left out, with names that are too long, or of a file")
    assert f": {EVE}/{odd}" in said


def test_trouble_of_this_machine_s_is_no_fault_of_an_export_s(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extract", fail)

    with pytest.raises(OSError, match="No space left"):
        find(write_export(tmp_path / "export.zip", f"{EVE}/layers.py"), tmp_path)


def test_damaged_export_is_refused_by_name(tmp_path):
    content = bytearray(make_zip({"submission_metadata.yml": METADATA.encode()}))
    content[50:60] = b"0123456789"
    (tmp_path / "export.zip").write_bytes(content)

    with pytest.raises(ValueError, match=r"export.zip is damaged .*download it again"):
        find(tmp_path / "export.zip", tmp_path)
