"""The board of all exercises: which are open, wrong or passed, and what they are worth."""

from __future__ import annotations

import html
import textwrap
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cs682._files import SOLUTIONS, find_conflict, find_renamed, say_copies
from cs682.checks.answers import Cell, answer_text, has_answer_cell, read_cells
from cs682.checks.compare import say
from cs682.checks.exercises import EXERCISES, Exercise
from cs682.checks.hints import STEPS, count_hints, say_stuck
from cs682.checks.limit import PASSED, SECONDS, examine_in_time
from cs682.checks.names import find_exercises
from cs682.checks.prerequisites import RESTS_ON
from cs682.checks.run import BY_HEART, CHECKS, MODELS, Result, describe, hints_help, say_next
from cs682.checks.source import RESTING_ON, find_outdated, find_troubles
from cs682.figures.tables import ResultsTable, results_table

_LEAST = 10  # seconds that each check may take, however long others took
_LONGEST = 90  # characters of what is wrong with a file
_GONE = ": the cell of its {} is gone, `python -m cs682 reset {}` brings it back"
_LAG = 10  # seconds that a cell may go on after its check, before the page shows what it said
_NOT_SHOWN = ": it passed, but its saved cell does not show it: {} and save"
_KEPT = ": its model is kept. Save the notebook; if that shows no `passed`, {} and save again"
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def progress(notebooks: Path = NOTEBOOKS) -> ResultsTable:
    """Return the board: each exercise with its state, points and hints, and each notebook's sum.

    Code is checked on the spot. Trainings and answers are read from the saved notebooks: a
    training counts once its check cell shows ``passed``, or has passed in this run and the notebook
    has not been saved since, a question once its answer is written.

    Parameters
    ----------
    notebooks : Path, the folder with the notebooks

    Returns
    -------
    board : ResultsTable, which a notebook shows as a table and `print` as text
    """
    states = find_states(notebooks)
    said = _find_gone(notebooks, states)
    for key in (key for key in PASSED if states[key] == "open"):
        if _is_saved_since(PASSED[key], notebooks / EXERCISES[key].notebook):
            said.setdefault(key, _NOT_SHOWN.format(_say_how(key, notebooks)))
        else:
            states[key], said[key] = "passed", ": save the notebook"
    return _lay_out(states, _find_kept(notebooks, states) | said)


def _lay_out(states: Mapping[str, str], said: Mapping[str, str]) -> ResultsTable:
    """Return the board of these states, with what is to be said of some exercises."""
    broken, counts = _find_broken(), count_hints()
    rows = []
    for notebook in dict.fromkeys(row.notebook for row in EXERCISES.values()):
        own = [row for row in EXERCISES.values() if row.notebook == notebook]
        rows += [
            {
                "exercise": r.id,
                "title": r.title,
                "points": r.points,
                "state": states[r.id] + (said.get(r.id) or _reason(r, states, broken)),
                **({"hints": f"{counts[r.id]} of {STEPS}"} if r.id in counts else {}),
            }
            for r in own
        ]
        points = sum(r.points for r in own if states[r.id] in ("passed", "answered"))
        total = sum(r.points for r in own)
        rows.append({"title": f"{Path(notebook).stem}: {points} of {total}", "points": total})
    return results_table(rows, caption=_sum(list(EXERCISES.values()), states))


def run_progress(markdown: Path | None = None, *, seconds: float = SECONDS) -> int:
    """Print the board; write it as Markdown too, with what is wrong, for a hosted job's summary.

    Parameters
    ----------
    markdown : Path, optional; a file to add the board to
    seconds : float, default 120; as for `find_results`

    Returns
    -------
    status : int, 1 if an exercise is wrong or a notebook cannot be read, else 0: open is not wrong
    """
    try:
        results = find_results(seconds=seconds, is_last_word=True)
        states = {key: result.state for key, result in results.items()}
        said_of = _find_kept(NOTEBOOKS, states) | _find_gone(NOTEBOOKS, states)
        board = _lay_out(states, said_of)
    except ValueError as error:
        said = f"no board: {error}"
        page, wrong = f"**{html.escape(said)}**\n", True
    else:
        books = sorted({row.notebook for row in EXERCISES.values()})
        copies = [text for book in books for text in say_copies(NOTEBOOKS / book)]
        said = "\n".join([str(board), *copies])
        wrong = "wrong" in {result.state for result in results.values()}
        page = f"{board.to_markdown()}\n{_say_wrong(results)}"
    say(said)
    if markdown:
        with markdown.open("a", encoding="utf-8") as file:
            file.write(page)
    return int(wrong)


def _say_wrong(results: Mapping[str, Result]) -> str:
    """Return as Markdown what the checks say of what is wrong, each file's own trouble once."""
    said, broken = [f"{file} {text}" for file, text in find_troubles().items()], _find_broken()
    wrong = [result for result in results.values() if result.state == "wrong"]
    said += [describe(say_next(r)) for r in wrong if r.exercise.file not in broken]
    quoted = [textwrap.indent(text, "    ") for text in said]  # whatever it holds, it stays text
    return "".join(f"\n{text}\n" for text in ["What is wrong:", *quoted] if said)


def _reason(row: Exercise, states: Mapping[str, str], broken: Mapping[str, str]) -> str:
    """Say what else makes an exercise wrong, or keeps it open; empty if nothing does."""
    state = states[row.id]
    if state == "open" and row.file.endswith(".ipynb") and row.file in broken:
        return broken[row.file]
    beneath = [key for key in RESTS_ON.get(row.id, ()) if states.get(key) == state]
    if state == "wrong":
        return broken.get(row.file, f": first mend {beneath[0]}" if beneath else "")
    return f": waits for {beneath[0]}" if state == "open" and row.is_given and beneath else ""


def _find_broken() -> dict[str, str]:
    """Return what to say of the exercises in each file that cannot be read, or rests on one."""
    broken: dict[str, str] = {}
    for file, trouble in (find_troubles() or find_outdated()).items():
        said = textwrap.shorten(f"{file} {trouble.splitlines()[0]}", _LONGEST, placeholder=" ...")
        for name in (file, *RESTING_ON[file]):
            broken.setdefault(name, f": {said}")
    books = {row.file for row in EXERCISES.values() if row.file.endswith(".ipynb")}
    paths = {book: NOTEBOOKS.parent / book for book in books}
    gone = {book: path for book, path in paths.items() if not path.is_file()}
    return broken | {b: f": {b} is missing{find_renamed(path)}" for b, path in gone.items()}


def _find_gone(notebooks: Path, states: Mapping[str, str]) -> dict[str, str]:
    """Return what to say of the open exercises whose cell is gone from its notebook."""
    gone = {}
    for row in (EXERCISES[key] for key, state in states.items() if state == "open"):
        cells = _read_cells(notebooks / row.notebook) if row.file.endswith(".ipynb") else []
        if cells and not _has_cell(row, cells):
            gone[row.id] = _GONE.format("answer" if row.is_question else "check", row.id)
    return gone


def _find_kept(notebooks: Path, states: Mapping[str, str]) -> dict[str, str]:
    """Return what to say of the open trainings that have kept their model.

    A page that was closed during a training shows nothing of what came after.
    """
    return {
        key: said for key in MODELS if states[key] == "open" and (said := say_kept(key, notebooks))
    }


def say_kept(key: str, notebooks: Path = NOTEBOOKS) -> str:
    """Say what to do where a training has kept its model, and its notebook shows no `passed`.

    Parameters
    ----------
    key : str, id of the training
    notebooks : Path, the folder with the notebooks

    Returns
    -------
    said : str, to follow the id; empty if none is kept, or there is no notebook
    """
    is_kept = (notebooks / MODELS[key]).is_file()
    is_there = (notebooks / EXERCISES[key].notebook).is_file()
    return _KEPT.format(_say_how(key, notebooks)) if is_kept and is_there else ""


def _say_how(key: str, notebooks: Path) -> str:
    """Say how a training that is over gets its `passed`: without another one, if that can be."""
    if key in BY_HEART or not (notebooks / MODELS[key]).is_file():
        return "run that cell again"  # it takes seconds, or has kept nothing
    return f'run check("{key}", model=load_model("{key}"), data=data) in a new cell'


def _has_cell(row: Exercise, cells: Sequence[Cell]) -> bool:
    """Tell whether a notebook has the cell for an answer, or that with a training's check."""
    if row.is_question:
        return has_answer_cell(row.id, cells)
    code = (cell["source"] for cell in cells if cell["cell_type"] == "code")
    return any(f'"{row.id}"' in source or f"'{row.id}'" in source for source in code)


def _is_saved_since(moment: float, notebook: Path) -> bool:
    """Tell whether a notebook was saved when its page must have shown what a check said."""
    return notebook.exists() and notebook.stat().st_mtime > moment + _LAG


def _sum(rows: Sequence[Exercise], states: Mapping[str, str]) -> str:
    """Say how many points of some exercises are there."""
    passed, answered = (
        sum(row.points for row in rows if states[row.id] == state)
        for state in ("passed", "answered")
    )
    total = sum(row.points for row in rows)
    read = "to compare with the model answers" if SOLUTIONS.exists() else "which a person reads"
    return f"{passed + answered} of {total} points: {passed} passed, {answered} answered, {read}"


def find_states(notebooks: Path = NOTEBOOKS, ids: Iterable[str] = EXERCISES) -> dict[str, str]:
    """Return how far each exercise is.

    Parameters
    ----------
    notebooks : Path, the folder with the notebooks
    ids : iterable of str, the exercises to look at (default: all)

    Returns
    -------
    states : dict of str by exercise id: 'passed', 'wrong', 'open', or 'answered' for a question
    """
    return {key: result.state for key, result in find_results(notebooks, ids).items()}


def find_results(
    notebooks: Path = NOTEBOOKS,
    ids: Iterable[str] = EXERCISES,
    *,
    seconds: float = SECONDS,
    is_last_word: bool = False,
) -> dict[str, Result]:
    """Return how far each exercise is, with what its check says.

    What rests on an exercise whose check was stopped is not tried: it would not end either.

    Parameters
    ----------
    notebooks, ids
        As for `find_states`.
    seconds : float, default 120; for all checks. One that does not end gets half of what is left,
        so that the others have time, and at least 10
    is_last_word : bool, default False; as for `examine_in_time`

    Returns
    -------
    results : dict of Result by exercise id, with a state as `find_states` says it
    """
    results: dict[str, Result] = {}
    end = time.monotonic() + seconds
    for key in ids:
        beneath = (results[k] for k in RESTS_ON.get(key, ()) if k in results)
        if stopped := next((result for result in beneath if result.is_stopped), None):
            said = f"first mend {stopped.exercise.id}: {stopped.message}"
            results[key] = Result(EXERCISES[key], "wrong", said)
            continue
        share = round(max(min(_LEAST, seconds), (end - time.monotonic()) / 2), 1)
        results[key] = _look_at(EXERCISES[key], notebooks, share, is_last_word=is_last_word)
    return results


def run_checks(names: Sequence[str] = (), *, seconds: float = SECONDS) -> int:
    """Check exercises on the command line and print how each went.

    Parameters
    ----------
    names : sequence of str, as for `find_exercises`; default, as "all", all exercises that are code
        in `cs682`
    seconds : float, default 120; the longest that one check may take

    Returns
    -------
    status : int, 0 if all passed, else 1

    Raises
    ------
    ValueError
        If there is no exercise of a name, or none that is code in `cs682`.
    """
    asked = () if "all" in names else names
    ids = dict.fromkeys(key for name in asked for key in _coded(name)) or CHECKS
    files = {EXERCISES[key].file for key in ids}
    troubles = {f: text for f, text in find_troubles().items() if files & {f, *RESTING_ON[f]}}
    for file, text in troubles.items():
        say(f"{file} {text}")
    broken = {file for name in troubles for file in (name, *RESTING_ON[name])}
    results: list[Result] = []
    for key in [key for key in ids if EXERCISES[key].file not in broken]:
        results.append(examine_in_time(key, seconds=seconds, is_last_word=True))
        say(describe(say_next(results[-1])))
        stuck = say_stuck(key, "python -m cs682 {what} {id}") if hints_help(results[-1]) else ""
        if stuck:
            say(stuck)
    passed = sum(result.state == "passed" for result in results)
    if len(ids) > 1:
        say(f"{passed} of {len(ids)} passed")
    return 0 if passed == len(ids) else 1


def _coded(name: str) -> list[str]:
    """Return the exercises of a name that are code in `cs682`."""
    found = find_exercises(name)
    if coded := [key for key in found if key in CHECKS]:
        return coded
    row = EXERCISES[found[0]]
    raise ValueError(f"{row.id} is not code in cs682: work on it in {row.file}")


def _look_at(row: Exercise, notebooks: Path, seconds: float, *, is_last_word: bool) -> Result:
    """Check code; see in the saved notebook whether a training passed, a question is answered."""
    if row.id in CHECKS:
        return examine_in_time(row.id, seconds=seconds, is_last_word=is_last_word)
    cells = _read_cells(notebooks / row.notebook)
    if row.is_question:
        return Result(row, "answered" if answer_text(row.id, cells) else "open", "")
    return Result(row, "passed" if _shows_passed(row.id, cells) else "open", "")


def _read_cells(path: Path) -> list[Cell]:
    """Return a notebook's cells; a missing one has none."""
    if not path.exists():
        return []
    content = path.read_bytes()
    try:
        return read_cells(content)
    except ValueError as error:
        cure = "" if find_conflict(content) else "; save it again in its editor"
        raise ValueError(f"{path}: {error}{cure}") from error


def _shows_passed(exercise: str, cells: list[Cell]) -> bool:
    """Tell whether the stored output of a check cell says that the exercise passed."""
    return any(
        f"passed  {exercise} " in _text(output)
        for cell in cells
        for output in cell.get("outputs", [])
    )


def _text(output: dict[str, Any]) -> str:
    """Return what an output says as plain text, whether it was printed or displayed."""
    said = output.get("text") or output.get("data", {}).get("text/plain", "")
    return said if isinstance(said, str) else "".join(map(str, said))
