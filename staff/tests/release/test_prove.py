"""The proof: what each claim asks for, on workplaces that are made up, and on a damaged zip."""

from __future__ import annotations

import json
import subprocess
import zipfile

import pytest

from cs682.checks import EXERCISES, board
from staff.__main__ import main
from staff.release import prove, workplace
from staff.release.build import write_zip
from staff.release.left_out import say_for_whom
from staff.release.prove import Claims, unpack
from staff.release.variant import Variant
from staff.release.workplace import Board, Failure, ProofError, Workplace

STUB = "relu_forward: see FullyConnectedNets.ipynb, section 1.3"
OPEN = dict.fromkeys(EXERCISES, "open")


class Pretended:
    """A workplace that says what it is told to say."""

    def __init__(self, states=OPEN, failures=(), said="open exercises", caption="", answers=()):
        self.answers = [*answers]
        self.states, self.failures, self.said, self.caption = states, failures, said, caption
        self.written = {}

    def board(self):
        return Board(self.states, self.caption)

    def test(self, *words):
        return 10, list(self.failures), self.said

    def require(self, *command):
        return self.answers.pop(0)

    def write(self, files):
        self.written = dict(files)


@pytest.fixture
def claims(release, reference):
    """Return a function that gives the claims of the release in a made-up workplace."""

    def make(**options):
        return Claims(release.files, reference, Variant(), Pretended(**options))

    return make


def test_stubs_must_leave_everything_open(claims):
    given = {"fc-1.5": "open", "fc-1.6": "passed"}

    claims(states={**OPEN, **given}).everything_is_open()

    for state in ("passed", "wrong"):
        with pytest.raises(ProofError, match="green should be"):
            claims(states={**OPEN, "bn-1.3": state}).everything_is_open()
    with pytest.raises(ProofError, match="green should be"):
        claims(states={"fc-1.1": "open"}).everything_is_open()


def test_a_solution_must_turn_its_own_exercise_green_and_no_other(claims):
    first = {**OPEN, "fc-1.1": "passed"}

    claims(states=first).solve(set(), "fc-1.1")

    with pytest.raises(ProofError, match=r"green should be \['fc-1\.1', 'fc-1\.2'\]"):
        claims(states=first).solve({"fc-1.1"}, "fc-1.2")
    with pytest.raises(ProofError, match=r"green should be \['fc-1\.1'\]"):
        claims(states={**first, "fc-1.2": "passed"}).solve(set(), "fc-1.1")


def test_tests_of_the_stubs_must_end_at_a_stub(claims):
    at_stub = Failure("tests.test_layers::test_relu", STUB)
    wrong = Failure("tests.test_solver::test_x", "AssertionError: assert 1 == 2")

    said = claims(failures=[at_stub]).tests_are_open_or_pass()

    assert said == "of 10 tests 1 end at a stub, all others pass"
    with pytest.raises(ProofError, match="test_x: AssertionError"):
        claims(failures=[at_stub, wrong]).tests_are_open_or_pass()
    with pytest.raises(ProofError, match="does not say what is open"):
        claims(failures=[at_stub], said="").tests_are_open_or_pass()
    with pytest.raises(ProofError, match="does not say what is open"):
        claims().tests_are_open_or_pass()


def test_all_solutions_must_give_the_reference_and_a_full_board(claims, source, reference):
    total = sum(row.points for row in EXERCISES.values())
    full = claims(caption=f"{total} of {total} points: all passed or answered")

    full.reference_is_back()

    expected = say_for_whom(source.files, Variant())
    assert {path: full.work.written[path] for path in source.files} == expected
    with pytest.raises(ProofError, match=f"1 of {total} points"):
        claims(caption=f"1 of {total} points: 1 passed").reference_is_back()
    tampered = {**full.files, "README.md": b"x"}
    with pytest.raises(ProofError, match=r"differ from the reference: \['README.md'\]"):
        Claims(tampered, reference, Variant(), full.work).reference_is_back()


def test_solved_release_must_pass_every_cell(claims):
    assert claims().notebooks_run() == "all 10 cells of the solved release pass"
    with pytest.raises(ProofError, match=r"Cell 3: open"):
        claims(failures=[Failure("Cell 3", "open")]).notebooks_run()


@pytest.mark.parametrize("self_study", [False, True])
def test_solution_must_show_when_asked_twice_in_the_self_study_edition_alone(
    release, reference, self_study
):
    [line] = [r.solution.splitlines()[0] for r in reference.all_regions() if r.exercise == "fc-1.1"]
    pairs = {("none", "none"): not self_study, ("open", line): self_study, (line, line): False}

    for answers, holds in pairs.items():
        work = Pretended(answers=answers)
        claims = Claims(release.files, reference, Variant(self_study=self_study), work)
        if holds:
            claims.solutions_show_or_stay_at_home()
        else:
            with pytest.raises(ProofError, match=r"`solution fc-1\.1` says"):
                claims.solutions_show_or_stay_at_home()


# --- the zip


def test_unpack_takes_what_the_source_gives(release, source, tmp_path):
    files, variant = unpack(write_zip(release, tmp_path), source)

    assert files == release.files
    assert variant == Variant()


def test_unpack_refuses_a_zip_that_was_changed(release, source, tmp_path):
    path = write_zip(release, tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{release.name}/cs682/extra.py", b"")

    with pytest.raises(ProofError, match=r"is not what this source gives: cs682/extra.py differ"):
        unpack(path, source)


def test_command_refuses_what_is_no_release(tmp_path, capsys):
    (tmp_path / "a.zip").write_text("hello")

    assert main(["prove", str(tmp_path / "a.zip")]) == 1

    assert "error: File is not a zip file" in capsys.readouterr().err


# --- the workplace


def test_workplace_leaves_the_environment_of_this_run_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/here")
    monkeypatch.setenv("MAKEFLAGS", "-j")

    work = Workplace.make(tmp_path, tmp_path / "data")

    assert not {"PYTHONPATH", "MAKEFLAGS"} & set(work.environment)
    assert work.environment["CS682_DATA"] == str(tmp_path / "data")


def test_require_shows_the_end_of_what_a_failing_command_said(tmp_path):
    with pytest.raises(ProofError, match=r"sh -c .* ended with status 3:\nhello"):
        Workplace(tmp_path).require("sh", "-c", "echo hello; exit 3")


@pytest.mark.parametrize("state", ["open", "wrong", "passed", "answered"])
def test_board_reads_what_the_command_prints(tmp_path, monkeypatch, state):
    monkeypatch.setattr(board, "find_states", lambda _: dict.fromkeys(EXERCISES, state))
    monkeypatch.setattr(board, "count_hints", lambda: {"fc-1.5": 2})
    printed = str(board.progress())
    assert "fc-1.5" in printed
    monkeypatch.setattr(Workplace, "require", lambda self, *command: printed)

    read = Workplace(tmp_path).board()

    assert read.states == dict.fromkeys(EXERCISES, state)
    assert read.caption == printed.splitlines()[0]


REPORT = """<testsuites><testsuite>
<testcase classname="a" name="one"/>
<testcase classname="a" name="two"><failure message="said">long</failure></testcase>
<testcase classname="" name="three"><error message="x"/></testcase>
<testcase classname="a" name="four"><skipped message="y"/></testcase>
</testsuite></testsuites>"""


def test_test_reads_the_report_of_pytest(tmp_path, monkeypatch):
    def run(self, *command):
        assert command[:2] == ("make", "test")
        (tmp_path / "build" / "tests.xml").write_text(REPORT)
        return subprocess.CompletedProcess(command, 2, "printed")

    monkeypatch.setattr(Workplace, "run", run)
    (tmp_path / "build").mkdir()

    count, failures, said = Workplace(tmp_path).test()

    assert (count, said) == (4, "printed")
    assert failures == [Failure("a::two", "said"), Failure("::three", "x")]


def test_test_refuses_a_run_without_a_report(tmp_path, monkeypatch):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "tests.xml").write_text(REPORT)  # of an earlier run
    done = subprocess.CompletedProcess([], 2, "no rule")
    monkeypatch.setattr(Workplace, "run", lambda self, *command: done)

    with pytest.raises(ProofError, match="ended before its tests did:\nno rule"):
        Workplace(tmp_path).test()


def test_lab_is_asked_and_stopped(tmp_path, monkeypatch):
    (tmp_path / "Makefile").write_text(
        "lab:\n\t@echo http://127.0.0.1:1/ ; sleep 60 & echo $$! > child; wait\n"
    )
    monkeypatch.setattr(workplace, "_PATIENCE", 20)

    with pytest.raises(ProofError, match="make lab does not answer"):
        Workplace.make(tmp_path, None).lab()

    child = (tmp_path / "child").read_text().strip()
    state = subprocess.run(["ps", "-o", "stat=", "-p", child], capture_output=True, text=True)
    assert state.stdout.strip()[:1] in ("", "Z")  # gone, or a zombie until init has seen it


def test_steps_follow_the_table_and_leave_the_trainings_to_the_end(
    monkeypatch, release, source, capsys
):
    done = []
    monkeypatch.setattr(prove, "read_source", lambda: source)
    monkeypatch.setattr(prove, "cut", lambda source: release)
    first = ("readme_commands_work", "tests_are_open_or_pass", "everything_is_open")
    first += ("solutions_show_or_stay_at_home",)
    for claim in (*first, "reference_is_back", "notebooks_run"):
        monkeypatch.setattr(Claims, claim, lambda self, claim=claim: done.append(claim) or claim)
    monkeypatch.setattr(Claims, "solve", lambda self, solved, key: done.append(key) or key)
    monkeypatch.setattr(prove, "unpack", lambda archive, source: (release.files, Variant()))

    assert main(["prove", "--quick"]) == 0

    asked = [key for key, row in EXERCISES.items() if not row.is_given]
    trainings = {"fc-2.4", "fc-3.4", "fc-3.5", "fc-5.1", "cn-2.4", "cn-2.5", "cn-4.3"}
    assert tuple(done[:4]) == first
    assert done[4:-1] == [key for key in asked if key not in trainings]
    assert done[-1] == "reference_is_back"
    assert json.loads(release.files["assignment.json"])["name"] in capsys.readouterr().out
