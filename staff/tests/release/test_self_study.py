"""The edition for people who learn alone, and that nothing of it can get into a course's."""

from __future__ import annotations

import dataclasses
import json
import re
from itertools import pairwise

import pytest

from cs682.checks import ANSWER_PROMPT, EXERCISES
from cs682.checks.answers import MODEL_ANSWER, answer_text, read_cells
from cs682.checks.hints import has_hints
from cs682.checks.solutions import unpack_solutions
from staff.release import build
from staff.release.books import dump, fold_answers, is_answer, read_book
from staff.release.build import cut
from staff.release.files import MANIFEST, ROOT
from staff.release.reference import restore_files
from staff.release.regions import ReleaseError
from staff.release.self_study import FILE, self_study_files
from staff.release.variant import Variant, read_variant, variant_of

SELF_STUDY = ROOT / "staff" / "release" / "variants" / "self-study.json"
DROPOUT = "notebooks/Dropout.ipynb"
PLAN = re.compile(r"^\| `.*?\| \d \| (?P<ids>[^|]+) \| (?P<hours>[\d.]+) \|", re.MULTILINE)
SUM = re.compile(r"(\d+) to (\d+) hours in all")


@pytest.fixture(scope="module")
def edition(source):
    return cut(source, read_variant(SELF_STUDY)).files


def cells_of(files, path):
    return read_book(files[path], path)["cells"]


def test_edition_is_the_course_s_but_for_answers_solutions_and_the_hand_in(edition, release):
    differing = {k for k in {*edition, *release.files} if edition.get(k) != release.files.get(k)}

    books = {path for path in release.files if path.endswith(".ipynb")}
    pages = {"README.md", "AGENTS.md", "CHANGELOG.md", "docs/student.md", "docs/self-learner.md"}
    kept = {FILE, MANIFEST, "cs682/checks/variant.json", "cs682/setup/given.json"}
    assert differing == {*kept, *books, *pages}
    assert variant_of(json.loads(edition["cs682/checks/variant.json"])) == read_variant(SELF_STUDY)


def test_each_question_has_an_empty_answer_and_below_it_a_fold_with_the_model_s(edition, reference):
    folds = 0
    for path, book in reference.books.items():
        written = [c["source"] for c in book["cells"] if is_answer(c) and c["id"] != "help"]
        cells = cells_of(edition, path)
        answers = [(a, b) for a, b in pairwise(cells) if is_answer(a)]
        pairs = [(fold, own["source"]) for own, fold in answers]
        assert [own for _, own in pairs] == [ANSWER_PROMPT] * len(written)
        for (fold, _), answer in zip(pairs, written, strict=True):
            assert fold["cell_type"] == "markdown"
            assert fold["source"].startswith(f"{MODEL_ANSWER} (write yours first)</summary>\n\n")
            assert fold["source"].endswith(f"\n\n{answer}\n\n</details>")
        folds += len(pairs)
    assert folds == sum(row.is_question for row in EXERCISES.values())


@pytest.mark.parametrize("ids", [True, False], ids=["ids kept", "ids thrown away"])
def test_a_model_answer_is_nobody_s_own(edition, ids):
    book = json.loads(edition[DROPOUT])
    for cell in book["cells"] if not ids else ():
        del cell["id"]
    assert answer_text("do-q1", read_cells(json.dumps(book).encode())) == ""

    own = next(c for c in book["cells"] if "".join(c["source"]) == ANSWER_PROMPT)
    own["source"] = "Mine."
    assert answer_text("do-q1", read_cells(json.dumps(book).encode())) == "Mine."


def test_markdown_in_a_fold_is_rendered_and_its_formulas_are_left_to_the_page(edition):
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    fold = next(c["source"] for c in cells_of(edition, DROPOUT) if MODEL_ANSWER in c["source"])

    html = markdown2html_mistune(fold)

    assert html.startswith("<details>")
    assert html.strip().endswith("</details>")
    assert "<strong>Training and testing no longer fit together.</strong>" in html
    assert "$p^{-k}$" in html


def test_solutions_are_those_of_the_exercises_to_be_done(edition, source):
    solutions = unpack_solutions(edition[FILE])

    assert set(solutions) == {row.id for row in EXERCISES.values() if has_hints(row)}
    assert "db = dout.sum(axis=0)" in solutions["fc-1.2"][0]["text"]
    assert "type: ignore" not in str(solutions)
    assert "dout" not in edition[FILE].decode()  # what a search through the folder would meet
    given = self_study_files(
        {}, build.read_reference(source), Variant(("fc-4.3",), self_study=True)
    )
    assert "fc-4.3" not in unpack_solutions(given[FILE])


def test_edition_is_silent_on_the_hand_in_and_speaks_to_who_is_alone(edition, release):
    talk = re.compile(r"hand[- ]?in\b|submit|\bgrade[rd]|help I used|instructor", re.IGNORECASE)
    texts = {path: data.decode() for path, data in edition.items() if path.endswith(".md")}
    for path in (path for path in edition if path.endswith(".ipynb")):
        prose = (c["source"] for c in cells_of(edition, path) if c["cell_type"] == "markdown")
        texts[path] = "\n".join(prose)

    said = {path: talk.findall(text) for path, text in texts.items() if talk.search(text)}

    assert said == {}
    assert "edition for people who learn alone" in texts["README.md"]
    course = {path: data.decode() for path, data in release.files.items() if path in texts}
    assert "edition for people who learn alone" not in course["README.md"]
    assert "submit" in course["README.md"]
    marked = [path for pages in (texts, course) for path, text in pages.items() if "<!--" in text]
    assert marked == []


def test_solutions_can_be_put_back_past_the_folds(edition, release, reference):
    everything = restore_files(edition, reference)
    one = restore_files(edition, reference, only={"do-q1"})

    assert everything["cs682/layers.py"] == reference.source.files["cs682/layers.py"]
    plain = cells_of(restore_files(release.files, reference), DROPOUT)
    own = [c for c in cells_of(everything, DROPOUT) if MODEL_ANSWER not in c["source"]]
    assert own == [c for c in plain if c["id"] not in ("help-text", "help")]
    assert [is_answer(c) and c["source"] != ANSWER_PROMPT for c in cells_of(one, DROPOUT)].count(
        True
    ) == 1


def test_page_for_agents_names_the_solutions_that_only_this_edition_has(edition, release):
    page, course = (files["AGENTS.md"].decode() for files in (edition, release.files))

    for text in (page, course):
        assert max(map(len, text.splitlines())) <= 119
        assert not re.search(r"[^\n]\n## | \n|\n[a-z].*\n5\.", text)
    assert len(page.splitlines()) <= 60
    for place in ("`python -m cs682 solution fc-1.1`", f"`{FILE}`"):
        assert (place in page, place in course) == (True, False)


# --- what keeps it out of a course's release, and the rest of it clean


def planted(source, **files):
    return dataclasses.replace(source, files={**source.files, **files})


def test_course_with_planted_solutions_and_a_planted_fold_is_refused(source, reference, edition):
    book = read_book(source.files[DROPOUT], DROPOUT)
    fold_answers(book, reference.books[DROPOUT])

    with pytest.raises(ReleaseError) as caught:
        cut(planted(source, **{FILE: edition[FILE], DROPOUT: dump(book)}))

    faults = caught.value.faults
    assert f"{FILE}:1: is not on the list of what students get" in faults
    assert any(f.startswith(FILE) and "a solution line of bn-1.3" in f for f in faults)
    assert any(f.startswith(f"{DROPOUT}, cell a1-model-answer:") for f in faults)


def test_rest_of_the_edition_is_searched(source):
    leak = source.files["README.md"] + b"\ndb = dout.sum(axis=0)\n"

    with pytest.raises(ReleaseError) as caught:
        cut(planted(source, **{"README.md": leak, FILE: b"{}"}), Variant(self_study=True))

    assert f"{FILE}:1: is not on the list of what students get" in caught.value.faults
    assert any(
        re.match(r"README\.md:\d+: a solution line of fc-1\.2", f) for f in caught.value.faults
    )


# --- its first page


def is_in(exercise, part):
    """Tell whether an exercise is in a part of the plan: 'fc-1', 'fc-q1' or 'cn-2.1 to cn-2.3'."""
    first, _, last = part.partition(" to ")
    return exercise.partition(".")[0] == part or first <= exercise <= (last or first)


def test_plan_has_each_exercise_in_one_evening_and_its_hours():
    page = (ROOT / "docs" / "self-learner.md").read_text(encoding="utf-8")
    evenings, [least, most] = PLAN.findall(page), SUM.findall(page)[0]

    work, planned = sum(row.minutes for row in EXERCISES.values()) / 60, []
    assert 1.2 * work <= int(least) < int(most) <= 1.5 * work  # nobody does them without a pause
    assert max(float(hours) for _, hours in evenings) <= 3
    for ids, hours in evenings:
        own = [r for part in ids.split(", ") for r in EXERCISES.values() if is_in(r.id, part)]
        minutes = sum(row.minutes for row in own)
        assert abs(minutes - 60 * float(hours)) <= 15, ids
        assert minutes <= 180, ids
        planned += [row.id for row in own]
    assert sorted(planned) == sorted(EXERCISES)


def test_words_that_the_page_says_a_notebook_explains_are_explained_there(edition):
    page = " ".join(edition["docs/self-learner.md"].decode().split())
    words, book = re.findall(r"What an? ([^.`]+) are, `(\w+)` says in a sentence each", page)[0]

    prose = "".join(c["source"] for c in cells_of(edition, f"notebooks/{book}.ipynb"))

    for word in re.split(r", | and ", words):
        assert f"*{word.removeprefix('a ')}*" in prose
