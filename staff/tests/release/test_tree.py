"""The release of this work tree: complete, the same twice, as reviewed, and whole or not there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest

from cs682.checks import ANSWER_PROMPT, EXERCISES
from cs682.setup.assignment import GIVEN
from cs682.setup.packages import edition
from cs682.setup.reset import ORIGINALS
from staff.__main__ import main
from staff.release import build, command
from staff.release.build import cut, write_zip
from staff.release.complete import unchecked
from staff.release.files import MANIFEST, ROOT, Source, released_paths
from staff.release.left_out import say_for_whom
from staff.release.reference import restore_files
from staff.release.regions import ReleaseError
from staff.release.values import TABLE, modules
from staff.release.variant import Variant

ZIP = f"cs682-assignment2-{edition()}.zip"
GOLDEN = ROOT / "staff" / "golden"


# --- what is in it


def hold_against_golden(name, text, request):
    """Compare with a file of staff/golden, or write it when asked to."""
    path = GOLDEN / name
    if request.config.getoption("--update-goldens"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "if this is meant: pytest --update-goldens"


def test_release_holds_the_files_of_the_list_its_manifest_and_values(release):
    assert set(release.files) == released_paths() | {
        MANIFEST,
        ORIGINALS,
        GIVEN,
        TABLE,
        *modules(),
    }


def test_release_shows_the_stubs_that_were_reviewed(reference, request):
    parts = []
    for path, cells in reference.regions.items():
        for cell, regions in cells.items():
            text = read_lines(reference, path, cell)
            for region in regions:
                todo = "".join(text[region.todo - 1 : region.begin - 1])
                parts.append(f"{path} {cell}".rstrip() + f"\n{todo}{region.stub.rstrip()}\n")
    hold_against_golden("stubs.txt", "\n".join(parts), request)


def read_lines(reference, path, cell):
    """Give the lines of a module or of a cell."""
    if not cell:
        return reference.source.files[path].decode().splitlines(keepends=True)
    sources = {c["id"]: c["source"] for c in reference.books[path]["cells"]}
    return sources[cell].splitlines(keepends=True)


def test_manifest_has_the_hash_of_every_other_file(release, source):
    manifest = json.loads(release.files[MANIFEST])

    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in release.files.items()}
    del hashes[MANIFEST]
    facts = {"name": "cs682-assignment2", "version": edition(), "commit": source.commit}
    assert manifest == {**facts, "files": hashes}
    assert re.fullmatch("[0-9a-f]{40}", source.commit)


def test_solutions_put_back_give_the_reference_byte_for_byte(release, source, reference):
    restored = restore_files(release.files, reference)

    expected = say_for_whom(source.files, Variant())  # no page says what is for whom any more
    assert {path: restored[path] for path in source.files} == expected


def test_solutions_of_one_exercise_put_back_leave_the_others_open(release, reference):
    restored = restore_files(release.files, reference, only=["bn-1.2", "fc-q1"])

    stubs = restored["cs682/layers.py"].count(b"raise NotImplementedError")
    assert stubs == release.files["cs682/layers.py"].count(b"raise NotImplementedError") - 1
    assert b"(x - running_mean) / np.sqrt(running_var + eps)" in restored["cs682/layers.py"]
    prompts = [
        restored["notebooks/FullyConnectedNets.ipynb"].count(ANSWER_PROMPT.encode()),
        release.files["notebooks/FullyConnectedNets.ipynb"].count(ANSWER_PROMPT.encode()),
    ]
    assert prompts[0] == prompts[1] - 1


def test_markdown_of_the_release_links_to_nothing_that_stays_at_home(release):
    for path, data in release.files.items():
        if path.endswith(".md"):
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", data.decode()):
                target = (Path("/") / path).parent / link
                assert str(target.resolve())[1:] in release.files, f"{path}: {link}"


def test_repository_of_a_course_is_named_everywhere(source):
    old = json.loads(source.files["assignment.json"])["repository"].encode()

    files = cut(source, repository="umass/cs682.fall").files

    assert [path for path, data in files.items() if old in data] == []
    assert json.loads(files["assignment.json"])["repository"] == "umass/cs682.fall"
    assert b"umass/cs682.fall" in files["notebooks/Dropout.ipynb"]


@pytest.mark.parametrize("name", ["umass", "umass/cs682/x", "a b/c", "/x", "https://x/y"])
def test_repository_of_another_form_is_refused(source, name):
    with pytest.raises(ValueError, match=f"OWNER/REPO as on GitHub, got '{name}'"):
        cut(source, repository=name)


# --- what keeps it from being made


def planted(source, path, old, new):
    """Give the source with a change in one file."""
    before, found, after = source.files[path].partition(old)
    assert found
    return dataclasses.replace(source, files={**source.files, path: before + new + after})


FULL = sum(row.points for row in EXERCISES.values())
LEAK = b"db = dout.sum(axis=0)"


@pytest.mark.parametrize(
    ("path", "old", "new", "fault"),
    [
        (
            "cs682/optim.py",
            b"    # END SOLUTION\n\n\n@_update_rule\ndef rmsprop",
            b"\n\n@_update_rule\ndef rmsprop",
            r"cs682/optim\.py:\d+: nested: the region of line \d+ is still open",
        ),
        (
            "notebooks/FullyConnectedNets.ipynb",
            b'"# END SOLUTION\\n",\n    "\\n",\n    "check(\\"fc-3.4\\", ',
            b'"check(\\"fc-3.4\\", ',
            r"FullyConnectedNets\.ipynb, cell overfit-three:2: this region is never closed",
        ),
        (
            "cs682/optim.py",
            b"# TODO(fc-4.3): ",
            b"# ",
            r"cs682/optim\.py:\d+: this region has no exercise",
        ),
        (
            "README.md",
            b"## Data",
            LEAK + b"\n## Data",
            r"README\.md:\d+: a solution line of fc-1\.2: db = dout\.sum\(axis=0\)",
        ),
        (
            "cs682/solver.py",
            b"from __future__ import annotations",
            b"from __future__ import annotations\n\nNOTE = '" + LEAK + b"'",
            r"cs682/solver\.py:\d+: a solution line of fc-1\.2",
        ),
        (
            "cs682/solver.py",
            b"import annotations\n",
            b"import (\n",
            r"cs682/solver\.py:\d+: does not",
        ),
        ("cs231n/__init__.py", b'"""', b"\xff", r"cs231n/__init__\.py:1: does not parse"),
        ("assignment.json", b'"name"', b'"title"', r"assignment\.json:1: expected a JSON object"),
        (
            "CHANGELOG.md",
            f"## {edition()} (".encode(),
            b"## Unreleased (",
            rf"CHANGELOG\.md:1: has no heading '## {edition()} \(YYYY-MM-DD\)'",
        ),
        (
            "CHANGELOG.md",
            f"## {edition()} (".encode(),
            f"## {edition()} (2026-01-01)\n\n## 0.0.1 (".encode(),
            rf"CHANGELOG\.md:1: says nothing of {edition()}",
        ),
        (
            "pyproject.toml",
            f'version = "{edition()}"'.encode(),
            b'version = "9.9.9"',
            r"CHANGELOG\.md:1: has no heading '## 9\.9\.9 \(YYYY-MM-DD\)'",
        ),
        (
            "pyproject.toml",
            b"\nversion = ",
            b"\nedition = ",
            r"pyproject\.toml:1: names no version",
        ),
    ],
)
def test_cut_refuses_a_planted_fault(source, path, old, new, fault):
    with pytest.raises(ReleaseError, match=fault):
        cut(planted(source, path, old, new))


def test_cut_refuses_an_exercise_without_a_region(source):
    text = source.files["cs682/optim.py"].decode()
    region = re.search(r" +# TODO\(fc-4\.2\).*?# END SOLUTION\n", text, re.DOTALL)[0]
    given = planted(source, "cs682/optim.py", region.encode(), b"    return w, config\n")

    with pytest.raises(ReleaseError) as caught:
        cut(given)

    assert caught.value.faults == ("cs682/optim.py:1: fc-4.2 has no region in rmsprop",)


def test_exercise_that_nobody_judges_is_named():
    row = EXERCISES["fc-1.1"]
    new = dataclasses.replace(row, id="fc-9.9")
    question, training = EXERCISES["fc-q1"], EXERCISES["fc-2.4"]

    assert unchecked() == []
    assert unchecked([row, question, training]) == []
    assert unchecked([new, row], checks={"fc-9.9", "fc-1.1"}) == [
        "cs682/layers.py:1: fc-9.9 has no entry for a further check in "
        "staff/grading/judging/secret/__init__.py"
    ]
    assert unchecked([new], further={"fc-9.9"}) == [
        "cs682/layers.py:1: fc-9.9 has no entry for a check in cs682/checks/run.py"
    ]


def test_cut_refuses_an_exercise_that_nobody_judges(source, monkeypatch):
    monkeypatch.setattr(build, "unchecked", lambda: ["cs682/layers.py:1: fc-9.9 has no check"])

    with pytest.raises(ReleaseError, match=r"fc-9\.9 has no check"):
        cut(source)


# --- the zip


def test_zip_is_the_same_twice_whatever_the_order_of_files(release, tmp_path):
    first = write_zip(release, tmp_path / "a").read_bytes()
    turned = dataclasses.replace(release, files=dict(reversed(release.files.items())))

    assert write_zip(turned, tmp_path / "b" / "c").read_bytes() == first
    assert [p.name for p in (tmp_path / "a").iterdir()] == [ZIP]


def test_zip_has_one_folder_fixed_times_and_permissions(release, tmp_path):
    with zipfile.ZipFile(write_zip(release, tmp_path)) as archive:
        entries = archive.infolist()
        assert archive.testzip() is None

    names = [entry.filename for entry in entries]
    assert names == sorted(f"cs682-assignment2/{path}" for path in release.files)
    assert {entry.date_time for entry in entries} == {(2026, 1, 1, 0, 0, 0)}
    modes = {entry.filename: entry.external_attr >> 16 for entry in entries}
    assert set(modes.values()) <= {0o100644, 0o100755}
    for name, mode in modes.items():
        executable = name.removeprefix("cs682-assignment2/") in release.executable
        assert (mode == 0o100755) == executable


def test_failed_zip_leaves_the_old_one(release, tmp_path, monkeypatch):
    path = write_zip(release, tmp_path)
    before = path.read_bytes()
    broken = dataclasses.replace(release, files={**release.files, "z": None})

    with pytest.raises(TypeError):
        write_zip(broken, tmp_path)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# --- the command


def test_command_writes_the_zip_and_says_what_is_in_it(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "read_source", lambda: dataclasses.replace(source, changes=()))

    status = main(["release", "--out", str(tmp_path)])

    path = tmp_path / ZIP
    said = capsys.readouterr().out
    assert status == 0
    assert said.startswith(f"{path}: ")
    assert f"{FULL} points" in said
    assert hashlib.sha256(path.read_bytes()).hexdigest() in said
    assert json.loads((tmp_path / MANIFEST).read_bytes())["version"] == edition()


def test_command_says_what_moves_the_sum_away_from_the_table_s(
    source, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(command, "read_source", lambda: dataclasses.replace(source, changes=()))
    (tmp_path / "v.json").write_text('{"given": ["fc-4.3"], "points": {"fc-4.1": 4}}')

    words = ["--out", str(tmp_path), "--variant", str(tmp_path / "v.json")]
    assert main(["release", *words, "--repository", "umass/cs682"]) == 0

    said = capsys.readouterr()
    assert f"{FULL - 1} points" in said.out
    assert "repository umass/cs682, updates" in said.out
    assert f"the points add up to {FULL - 1}: fc-4.1 2 -> 4, fc-4.3 3 -> 0\n" in said.err


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({}, ""),
        ({"README.md": "0"}, f"This is another {edition()}: if that was given out"),
        ({"version": "0.9", "README.md": "0"}, ""),
        ({"version": "90.0.10"}, f"This is {edition()}, older than its 90.0.10: raise the version"),
        ({"version": "unreleased", "README.md": "0"}, ""),
        (
            {"version": "0.9", "assignment.json": "0"},
            "This is not the repository of its 0.9: give the same; or --replace",
        ),
    ],
)
def test_command_refuses_what_would_reach_nobody_or_lead_astray(
    source, release, tmp_path, monkeypatch, capsys, last, said
):
    monkeypatch.setattr(command, "read_source", lambda: dataclasses.replace(source, changes=()))
    monkeypatch.setattr(command, "cut", lambda *_: release)
    words = ["release", "--out", str(tmp_path)]
    assert main(words) == 0
    manifest = json.loads((tmp_path / MANIFEST).read_bytes())
    manifest["version"] = last.get("version", manifest["version"])
    manifest["files"] |= {name: text for name, text in last.items() if name != "version"}
    (tmp_path / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    where = capsys.readouterr().out
    assert ("a stand-in" in where, "updates from nowhere" in where) == (True, True)
    (zipped,) = tmp_path.glob("*.zip")
    zipped.write_bytes(b"given out")

    status = [main(words), main(words)]  # and it is not forgotten by the second time

    assert (said in capsys.readouterr().err) if said else not capsys.readouterr().err
    assert status == ([1, 1] if said else [0, 0])
    assert (zipped.read_bytes() == b"given out") == bool(said)
    assert main([*words, "--replace"]) == 0
    assert zipped.read_bytes() != b"given out"


def test_command_refuses_what_is_not_committed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "read_source", lambda: Source({}, changes=("README.md",)))

    status = main(["release", "--out", str(tmp_path)])

    assert status == 1
    assert "--allow-dirty: README.md differ from Git" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_command_says_every_fault_and_writes_nothing(source, tmp_path, monkeypatch, capsys):
    leaky = planted(source, "README.md", b"## Data", LEAK + b"\n\n" + LEAK + b"\n## Data")
    monkeypatch.setattr(command, "read_source", lambda: dataclasses.replace(leaky, changes=()))

    status = main(["release", "--out", str(tmp_path)])

    assert status == 1
    assert "README.md" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_command_refuses_a_bad_variant(tmp_path, capsys):
    (tmp_path / "v.json").write_text('{"given": ["fc-9"]}')

    status = main(
        [
            "release",
            "--allow-dirty",
            "--out",
            str(tmp_path / "d"),
            "--variant",
            str(tmp_path / "v.json"),
        ]
    )

    assert status == 1
    assert "there is no exercise 'fc-9'" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()
