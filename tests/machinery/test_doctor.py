"""`python -m cs682 doctor`, in environments that are broken for real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cs682 import layers
from cs682.__main__ import _say_import
from cs682.checks.run import examine
from cs682.setup import doctor
from cs682.setup.assignment import GIVEN, MANIFEST
from cs682.setup.new_release import hash_of
from tests.cifar_files import write_set


def run_command(root: Path, *words: str):
    """Run a command of the package that lies in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "cs682", *words],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def run_doctor(root: Path, *options: str, **environment: str):
    """Run the command for the assignment in a folder."""
    keep = {k: v for k, v in os.environ.items() if k not in ("CS682_DATA", "PYTHONPATH")}
    return subprocess.run(
        [sys.executable, *options, "-m", "cs682", "doctor"],
        cwd=root,
        env={**keep, "XDG_CACHE_HOME": str(root / "cache"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# --- the whole command


@pytest.mark.slow
def test_doctor_finds_nothing_to_mend_in_a_sound_environment(copy):
    write_set(copy / "datasets", 2)

    done = run_doctor(copy)

    assert done.returncode == 0, done.stdout
    assert "fail" not in done.stdout
    assert f"ok    cs682          {copy}" in done.stdout
    assert "ok    data           real CIFAR-10 from " in done.stdout


@pytest.mark.slow
def test_doctor_runs_in_a_bare_python_and_mends_all_with_one_command(copy):
    done = run_doctor(copy, "-S")  # -S: without site-packages

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("is missing; ") >= 5
    assert f'{sys.executable} -m pip install -e "{copy}[lab]"' in done.stdout
    assert "warn  data           no CIFAR-10 data found" in done.stdout
    assert re.search(r"(?m)^.{21}no CIFAR-10 data found.*\n {21}to mend it: ", done.stdout)


def test_other_commands_send_to_the_doctor_where_a_package_is_missing(copy):
    done = subprocess.run(
        [sys.executable, "-S", "-m", "cs682", "check", "fc-1.1"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == (
        "No module named 'numpy': `python -m cs682 doctor` says what is wrong and how to mend it\n"
    )


def test_a_file_that_is_missing_is_named_in_notebook_and_terminal(monkeypatch, tmp_path):
    monkeypatch.setattr(layers, "__file__", str(tmp_path / "layers.py"))
    gone = ModuleNotFoundError("No module named 'cs682.layers'", name="cs682.layers")
    said = _say_import(gone)

    assert said.startswith("cs682/layers.py is missing: take it back from")
    assert examine("fc-1.1").message == said


def test_a_look_that_breaks_is_a_warning_and_not_the_end(monkeypatch, capsys):
    def look_at_nothing():
        raise RuntimeError("odd")
        yield

    for name in ("packages", "kernel", "data", "copies", "machine", "folders"):
        monkeypatch.setattr(doctor, f"look_at_{name}", lambda: iter(()))
    monkeypatch.setattr(doctor, "look_at_kernel", look_at_nothing)

    assert doctor.run() == 0
    assert "warn  nothing        could not be looked at: RuntimeError('odd')" in (
        capsys.readouterr().out
    )


# --- the files of a release


@pytest.fixture
def release(tmp_path, monkeypatch):
    """Give the folder of a release of four files, of which one is written in."""
    given = json.dumps({"texts": {"cs682/optim.py": ""}, "hashes": {}})
    files = {GIVEN: given, "cs682/optim.py": "x = 1\n", "cs682/solver.py": "y = 1\n"}
    files["docs/notation.md"] = "N: examples\n"
    hashes = {name: hash_of(text.encode()) for name, text in files.items()}
    files[MANIFEST] = json.dumps({"name": "a2", "version": "1.0.0", "files": hashes})
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(doctor, "PACKAGE_HOME", tmp_path)
    return tmp_path


def look_at_files():
    return [(finding.verdict, finding.text) for finding in doctor.look_at_release()]


def test_doctor_finds_nothing_amiss_in_the_files_of_a_release(release):
    (release / "cs682/optim.py").write_text("x = 2\n", encoding="utf-8")

    assert look_at_files() == [("ok", "given files are as given out")]


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("cs682/optim.py", "fail"),
        ("cs682/solver.py", "fail"),
        ("docs/notation.md", "warn"),
        (MANIFEST, "warn"),
    ],
)
def test_doctor_names_a_file_of_the_release_that_is_gone(release, name, verdict):
    (release / name).unlink()

    assert look_at_files() == [(verdict, f"{name} is missing")]
    assert next(doctor.look_at_release()).cure.startswith("take it back from")


def test_doctor_names_a_copy_of_a_file_that_is_written_in(release):
    for name in ("optim_old.py", "my_optim.py", "solver_old.py"):
        (release / "cs682" / name).write_text("x = 2\n")
    (release / "cs682" / "optim_same.py").write_text("x = 1\n")
    said = json.loads((release / GIVEN).read_bytes())
    known = {**said, "hashes": {"cs682/my_optim.py": ""}}
    (release / GIVEN).write_text(json.dumps(known))

    found = [finding for finding in doctor.look_at_release() if finding.subject == "copy"]

    assert [(finding.verdict, finding.text) for finding in found] == [
        ("warn", "optim_old.py does not count, nor is it handed in: write into optim.py")
    ]


@pytest.mark.parametrize("name", ["numpy", "random"])
def test_a_file_that_hides_a_package_is_named_by_whatever_command_stumbles(copy, name):
    (copy / f"{name}.py").write_text("x = 1\n")

    done = run_command(copy, "check", "fc-1.1")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"{copy / name}.py hides {name}, which Python needs: give that file another name\n"
    )


def test_doctor_asks_whether_a_notebook_that_is_gone_has_another_name(release):
    name = "notebooks/Dropout.ipynb"
    said = json.loads((release / GIVEN).read_bytes())
    (release / GIVEN).write_text(json.dumps(said | {"texts": said["texts"] | {name: "{}"}}))
    (release / "notebooks").mkdir(exist_ok=True)
    (release / "notebooks/Dropout_Eve.ipynb").write_text("{}")

    finding = next(doctor.look_at_release())
    assert (finding.verdict, finding.text) == ("fail", f"{name} is missing")
    assert finding.cure == "is it Dropout_Eve.ipynb? Then name that Dropout.ipynb again"


@pytest.mark.parametrize(("text", "count"), [("x = 1\nz = 2\n", 1), ("x = 3\nz = 2\n", 0)])
def test_doctor_names_a_file_that_went_back_to_an_older_release(release, text, count):
    for folder, given in ((".", "x = 3\n"), ("kept/update/before", "x = 1\n")):
        path = release / folder / GIVEN
        path.parent.mkdir(parents=True, exist_ok=True)
        version = "1.0.0" if folder == "." else "0.9.0"
        texts = {"cs682/optim.py": given}
        path.write_text(json.dumps({"version": version, "texts": texts, "hashes": {}}))
    (release / "cs682/optim.py").write_text(text, encoding="utf-8")

    found = [(finding.verdict, finding.text) for finding in doctor.look_at_older_copies()]

    assert found == [("warn", "cs682/optim.py has gone back to 0.9.0")] * count


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"x = (1\n", "line 1: SyntaxError: '(' was never closed"),
        ("x = 1".encode("utf-16"), "is saved as UTF-16: save it as UTF-8"),
        ("x = 1\n# é\n".encode("cp1252"), "line 2: a character is not in UTF-8: save the file"),
    ],
)
def test_doctor_names_a_file_that_is_no_python(release, text, said):
    (release / "cs682/optim.py").write_bytes(text)

    (_, (verdict, found)) = look_at_files()

    assert verdict == "fail"
    assert found.startswith(f"cs682/optim.py {said}")


def test_doctor_leaves_a_conflict_to_the_look_that_names_it(release):
    (release / "cs682/optim.py").write_bytes(b"<<<<<<< HEAD\nx = 1\n=======\n>>>>>>> theirs\n")

    assert [verdict for verdict, _ in look_at_files()] == ["ok"]
    assert [finding.verdict for finding in doctor.look_at_conflicts()] == ["fail"]


# --- data and machine


@pytest.fixture
def no_data(copy, monkeypatch):
    """Look at a copy without data, for a user without a cache."""
    monkeypatch.setattr(doctor, "PACKAGE_HOME", copy)
    monkeypatch.setenv("XDG_CACHE_HOME", str(copy / "cache"))
    monkeypatch.delenv("CS682_DATA", raising=False)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return copy


def test_doctor_says_that_there_is_no_data(no_data):
    (finding,) = doctor.look_at_data()

    assert (finding.verdict, finding.text) == ("warn", "no CIFAR-10 data found.")
    command = f"{sys.executable} -m cs682 data"
    assert finding.cure == f"{command} (without a network: {command} --stand-in)"


def test_doctor_names_a_wrong_variable(no_data, monkeypatch):
    monkeypatch.setenv("CS682_DATA", "/typo")

    (finding,) = doctor.look_at_data()

    assert (finding.verdict, finding.cure) == ("fail", "correct CS682_DATA, or unset it")


def test_doctor_finds_damaged_and_synthetic_data(no_data):
    folder = write_set(no_data / "datasets", 2, stand_in="seed 1")
    (synthetic,) = doctor.look_at_data()

    batch = folder / "data_batch_3"
    batch.write_bytes(batch.read_bytes()[:-50])
    (damaged,) = doctor.look_at_data()

    assert (synthetic.verdict, damaged.verdict) == ("warn", "fail")
    assert "synthetic stand-in, not real CIFAR-10" in synthetic.text
    assert "data_batch_3" in damaged.text


def test_free_memory_is_the_least_of_machine_and_container(tmp_path):
    assert doctor.free_memory(tmp_path) is None

    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    4000 kB\n")
    assert doctor.free_memory(tmp_path) == 4_096_000

    (tmp_path / "sys" / "fs" / "cgroup").mkdir(parents=True)
    (tmp_path / "sys" / "fs" / "cgroup" / "memory.max").write_text("1000000\n")
    assert doctor.free_memory(tmp_path) == 1_000_000


def test_doctor_warns_of_little_room_and_many_threads(monkeypatch):
    monkeypatch.setattr(doctor, "free_memory", lambda: 10**9)
    monkeypatch.setattr(doctor, "NEEDED_DISK", 10**18)
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")

    verdicts = {finding.subject: finding.verdict for finding in doctor.look_at_machine()}

    assert verdicts == dict.fromkeys(("disk", "memory", "threads"), "warn")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write")
def test_doctor_finds_a_folder_that_cannot_be_written(copy, monkeypatch):
    (copy / "notebooks").rmdir()
    (copy / "notebooks").symlink_to("/proc/self")
    (copy / "datasets").rmdir()
    monkeypatch.setattr(doctor, "PACKAGE_HOME", copy)

    findings = list(doctor.look_at_folders())

    assert [finding.verdict for finding in findings] == ["fail", "fail"]
    assert findings[0].cure.startswith(f'chmod -R u+w "{copy / "notebooks"}"')
    assert findings[1].cure.startswith("fetch the assignment again")
