"""What the doctor says of Python: its version, its packages, its kernel, copies of cs682."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cs682.setup import doctor_python as _doctor_python
from cs682.setup import packages as _packages
from cs682.setup.doctor_python import (
    look_at_copies,
    look_at_kernel,
    look_at_packages,
    look_at_python,
)
from tests.machinery.assignments import ROOT


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

    (finding,) = look_at_kernel()

    assert (finding.verdict, bool(finding.cure)) == (verdict, verdict == "warn")
    assert words in finding.text


def test_doctor_misses_an_ipykernel(monkeypatch):
    missing = [_packages.Package("ipykernel", "6.29", "")]
    monkeypatch.setattr(_doctor_python, "packages", lambda group: missing)

    (finding,) = look_at_kernel()

    cure = _doctor_python.pip_install(f'-e "{ROOT}[lab]"')
    assert (finding.verdict, finding.cure) == ("fail", cure)


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


def test_doctor_warns_of_a_file_that_hides_a_module_of_pythons(copy, monkeypatch):
    monkeypatch.setattr(_doctor_python, "PACKAGE_HOME", copy)
    monkeypatch.chdir(copy)
    (copy / "random.py").write_text("")
    (copy / "my_own_tools.py").write_text("")

    finding = only(look_at_copies(), "random")

    assert finding.verdict == "warn"
    assert finding.text == f"{copy}/random.py hides Python's module random"
    assert [f for f in look_at_copies() if f.subject == "my_own_tools"] == []
