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
from cs682.setup import doctor_python as _doctor_python
from cs682.setup import packages as _packages
from cs682.setup.assignment import GIVEN, MANIFEST
from cs682.setup.doctor_python import (
    look_at_copies,
    look_at_kernel,
    look_at_packages,
    look_at_python,
)
from cs682.setup.new_release import hash_of
from tests.cifar_files import write_set

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.fixture
def copy(tmp_path):
    """Give a student's copy of the assignment."""
    root = tmp_path / "my copy"
    for file in [*ROOT.glob("cs682/**/*.py"), ROOT / "assignment.json", ROOT / "pyproject.toml"]:
        target = root / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    for name in ("notebooks", "datasets"):
        (root / name).mkdir()
    return root


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Give a folder on the path of this process and of those that it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def install(site: Path, name: str, version: str, source: str = "") -> None:
    """Put a package there that says what version it is, and does what its source says."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (site / name).mkdir()
    (site / name / "__init__.py").write_text(source)


def only(findings, subject: str):
    (found,) = [finding for finding in findings if finding.subject == subject]
    return found


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


# --- Python and packages


@pytest.mark.parametrize(
    ("version", "verdict", "words"),
    [
        ((3, 9, 18), "fail", "too old: 3.10 is the oldest"),
        ((3, 12, 1), "ok", ""),
        ((3, 14, 0), "warn", "newer than any that was tried"),
    ],
)
def test_doctor_judges_the_version_of_python(monkeypatch, version, verdict, words):
    monkeypatch.setattr(_doctor_python.sys, "version_info", version)

    (finding,) = look_at_python()

    assert finding.verdict == verdict
    assert words in finding.text


@pytest.mark.slow
def test_doctor_names_packages_that_are_old_or_broken_or_die(site):
    install(site, "numpy", "1.24.4")
    install(site, "tqdm", "4.70.0", "raise ImportError('DLL load failed')")
    install(site, "pooch", "1.9.0", "import os; os.abort()")

    findings = list(look_at_packages())

    assert only(findings, "numpy").text == "1.24.4 is too old: 1.26 or newer is needed"
    assert only(findings, "tqdm").text.endswith("cannot be imported: ImportError: DLL load failed")
    assert "--force-reinstall tqdm" in only(findings, "tqdm").cure
    assert "cannot be imported" in only(findings, "pooch").text
    assert [only(findings, name).verdict for name in ("numpy", "tqdm", "pooch")] == ["fail"] * 3


def test_packages_reads_the_floors_of_pyproject():
    names = [package.name for package in _packages.packages()]

    assert names == ["numpy", "matplotlib", "tqdm", "requests", "pooch", "threadpoolctl"]
    assert {p.name: p.floor for p in _packages.packages("lab")}["jupyterlab"] == "4.2"


def test_packages_reads_the_metadata_where_there_is_no_pyproject(site, tmp_path):
    install(site, "cs682-assignment2", "9")
    (site / "cs682_assignment2-9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: cs682-assignment2\nVersion: 9\nRequires-Dist: numpy>=1.26\n"
        'Requires-Dist: ipykernel>=6.29; extra == "lab"\n'
    )

    assert [p.name for p in _packages.packages(home=tmp_path)] == ["numpy"]
    assert [p.name for p in _packages.packages("lab", home=tmp_path)] == ["ipykernel"]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [("1.26", "ok"), ("1.26.0rc1", "ok"), ("10.0", "ok"), ("1.9.9", "too old"), ("", "missing")],
)
def test_versions_are_compared_as_numbers(found, verdict):
    assert _packages.Package("x", "1.26", found).verdict == verdict


# --- the kernel


def write_kernel(folder: Path, program: str) -> None:
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [program, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))


def test_doctor_finds_a_kernel_of_another_environment(tmp_path, monkeypatch):
    write_kernel(tmp_path, "/gone/bin/python")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    (finding,) = look_at_kernel()

    assert finding.verdict == "fail"
    assert f"({tmp_path / 'kernels' / 'python3'}) runs /gone/bin/python, not" in finding.text
    assert finding.cure.endswith("-m jupyter kernelspec remove -f python3")


@pytest.mark.parametrize("program", ["python", sys.executable])
def test_doctor_knows_the_kernel_of_this_environment(tmp_path, monkeypatch, program):
    write_kernel(tmp_path, program)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    assert [finding.verdict for finding in look_at_kernel()] == ["ok"]


@pytest.mark.parametrize(
    ("version", "terminal", "verdict", "words"),
    [
        ("6.29.0", "vscode", "ok", "notebooks run with this Python"),
        ("7.4.0", "xterm", "ok", "if cells stay pending in VS Code: docs/student.md"),
        ("7.4.0", "vscode", "warn", "with ipykernel 7.4.0 cells may stay pending in VS Code"),
    ],
)
def test_doctor_knows_of_the_kernel_that_vs_code_waits_for(
    monkeypatch, version, terminal, verdict, words
):
    monkeypatch.setenv("TERM_PROGRAM", terminal)
    there = [_packages.Package("ipykernel", "6.29", version)]
    monkeypatch.setattr(_doctor_python, "packages", lambda group="": there)

    (finding,) = _doctor_python.look_at_kernel()

    assert (finding.verdict, bool(finding.cure)) == (verdict, verdict == "warn")
    assert words in finding.text


def test_doctor_misses_an_ipykernel(monkeypatch):
    missing = [_packages.Package("ipykernel", "6.29", "")]
    monkeypatch.setattr(_doctor_python, "packages", lambda group: missing)

    (finding,) = look_at_kernel()

    assert (finding.verdict, finding.cure) == ("fail", _doctor_python.pip_install(f"{WHOLE}"))


WHOLE = f'-e "{ROOT}[lab]"'


# --- copies


def test_doctor_finds_a_second_cs682(site):
    (site / "cs682").mkdir()
    (site / "cs682" / "__init__.py").write_text("")

    found = [finding for finding in look_at_copies() if finding.verdict == "warn"]

    assert f"there is another cs682: {site / 'cs682'}" in [finding.text for finding in found]


def test_doctor_finds_that_you_are_in_another_copy(copy, monkeypatch):
    monkeypatch.chdir(copy / "notebooks")

    first = next(look_at_copies())

    assert (first.verdict, first.text) == (
        "fail",
        f"you are in {copy}, but cs682 comes from {ROOT}",
    )
    assert first.cure == f'cd "{copy}"; {_doctor_python.pip_install("-e .")}'


def test_doctor_finds_an_installation_from_elsewhere(site):
    install(site, "cs682-assignment2", "1")
    (site / "cs682_assignment2-1.dist-info" / "direct_url.json").write_text(
        '{"url": "file:///old%20copy", "dir_info": {"editable": true}}'
    )

    found = [finding for finding in look_at_copies() if "pip" in finding.text]

    assert [finding.text for finding in found] == ["pip has installed cs682 from /old copy"]


def test_doctor_finds_a_file_that_hides_a_package(copy, monkeypatch):
    monkeypatch.setattr(_doctor_python, "PACKAGE_HOME", copy)
    monkeypatch.chdir(copy)
    (copy / "notebooks" / "numpy.py").write_text("")

    finding = only(look_at_copies(), "numpy")

    assert finding.verdict == "fail"
    assert finding.text.endswith("notebooks/numpy.py hides the package numpy")


# --- data and machine


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

    findings = list(doctor.look_at_machine())

    assert [only(findings, name).verdict for name in ("disk", "memory", "threads")] == ["warn"] * 3


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
