"""Points that people type in for answers are read, kept, and never lost."""

from __future__ import annotations

import pytest

from staff.grading.intake.sheets import Faults, normal
from staff.grading.judging.answers import QUESTIONS
from staff.grading.results.answer_tables import read_table, table
from staff.grading.results.answers_page import answers_page
from staff.grading.results.read_answers import changed_since, give_points
from staff.tests.grading.records import CODE, FULL, READ, record_of
from staff.tests.grading.typed import (
    POINTS,
    QUESTION,
    book_of,
    points_of,
    save,
    type_in,
    write_table,
)


def read_typed(path):
    with Faults() as faults:
        return read_table(path, POINTS, faults)


def test_table_that_is_filled_in_gives_the_points(tmp_path):
    records = [record_of("ada"), record_of(normal("=evil\n"))]
    path = tmp_path / "answers.csv"
    filled = table(records, {}, POINTS).replace(",,2,", ",2,2,")
    path.write_text(filled)

    merged = [give_points(record, read_typed(path)) for record in records]

    assert [record.points for record in merged] == [FULL, FULL]
    assert [record.to_be_read for record in merged] == [0, 0]
    assert table(records, read_typed(path), POINTS) == filled


@pytest.mark.parametrize(
    "id_",
    ["Ada  Lovelace", "山田\u3000花子", "Ada\xa0L", " ada\t", "'=x", "' =x", "=a;=b", "'a",
     "zoe\u0308", "a\u200bb"],
)  # fmt: skip
def test_id_is_read_back_from_a_table_as_it_is(id_, tmp_path):
    id_ = normal(id_)
    path = tmp_path / "answers.csv"
    path.write_text(table([record_of(id_)], {}, POINTS).replace(",,2,", ",2,2,"))

    assert normal(id_) == id_
    assert {student for student, _ in read_typed(path)} == {id_}


def test_table_keeps_what_was_filled_in_and_asks_for_the_rest(tmp_path):
    path = write_table(tmp_path / "answers.csv", "ada,fc-q1,1,2,half", "ada,fc-q2,,2,")

    read = read_typed(path)
    merged = give_points(record_of(), read)

    assert read == {("ada", "fc-q1"): {"points": "1", "remark": "half"}}
    assert (merged.points, merged.to_be_read) == (CODE + 1, READ - 2)
    assert "ada,fc-q1,1,2,half" in table([record_of()], read, POINTS)


def test_remark_without_points_is_kept_and_shown(tmp_path):
    read = read_typed(write_table(tmp_path / "a.csv", "ada,fc-q1,,2,see me"))

    (outcome,) = (o for o in give_points(record_of(), read).outcomes if o.exercise == "fc-q1")

    assert (outcome.state, outcome.message[-6:]) == ("to be read", "see me")


@pytest.mark.parametrize(
    "content",
    [
        "student;question;points;maximum;remark\r\nzoë;fc-q1;2;2;gut, doch\r\n".encode("cp1252"),
        '\ufeffStudent,Question,Points,Maximum,Remark\nzoë,fc-q1,2.0,2,"gut, doch"\n'.encode(),
        "student\tquestion\tpoints\tremark\nzoë\tfc-q1\t2\tgut, doch\n".encode("utf-16"),
        "sep=;\nstudent;question;points;remark\nzoë;fc-q1;2;gut, doch\n".encode(),
        "student,question,points,remark\nzoë,fc-q1,2,gut, doch\n".encode(),
    ],
)
def test_table_is_read_as_spreadsheets_save_it(content, tmp_path):
    (tmp_path / "a.csv").write_bytes(content)

    read = read_typed(tmp_path / "a.csv")

    typed = read["zoë", "fc-q1"]
    assert (typed["points"], typed["remark"].replace(",", "")) == ("2", "gut doch")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_last_column_keeps_separators_that_nobody_quoted(separator, tmp_path):
    lines = ["student,question,points,remark", "ada,fc-q1,2,good,but short"]
    text = "".join(f"{line.replace(',', separator)}\n" for line in lines)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")

    read = read_typed(tmp_path / "a.csv")

    assert read["ada", "fc-q1"]["remark"] == f"good{separator}but short".replace("\t", " ")


# --- what a person typed in is sacred


def test_points_survive_that_the_table_is_lost_or_saved_empty(tmp_path):
    save(tmp_path)
    empty = (tmp_path / "answers.csv").read_text()
    type_in(tmp_path / "answers.csv", "ada,fc-q1", "2")
    save(tmp_path)

    (tmp_path / "answers.csv").write_text(empty)  # somebody had the old one open
    save(tmp_path)
    assert points_of(tmp_path) == "2"

    (tmp_path / "answers.csv").unlink()
    save(tmp_path)
    assert "ada,fc-q1,2,2," in (tmp_path / "answers.csv").read_text()


def test_points_survive_that_the_student_is_not_there(tmp_path):
    save(tmp_path)
    type_in(tmp_path / "answers.csv", "ada,fc-q1", "2")

    save(tmp_path, [record_of("bob")])
    assert "ada,fc-q1,2,2," in (tmp_path / "answers.csv").read_text()
    save(tmp_path)

    assert points_of(tmp_path) == "2"


def test_points_are_taken_back_with_a_dash_alone(tmp_path):
    save(tmp_path)
    type_in(tmp_path / "answers.csv", "ada,fc-q1", "2")
    save(tmp_path)
    type_in(tmp_path / "answers.csv", "ada,fc-q1", "-")
    save(tmp_path)

    assert give_points(record_of("ada"), book_of(tmp_path).read()).to_be_read == READ


def test_column_that_a_person_adds_stays(tmp_path):
    write_table(tmp_path / "answers.csv", "ada,fc-q1,2,2,,Bo", head="student,question,points,"
                "maximum,remark,reader")  # fmt: skip
    save(tmp_path)

    assert "ada,fc-q1,2,2,,Bo" in (tmp_path / "answers.csv").read_text()


def test_table_that_was_saved_is_kept_before_it_is_replaced(tmp_path):
    path = write_table(tmp_path / "answers.csv", "ada,fc-q1,2,2,", "", "bob,fc-q1,1,2,x")
    typed = path.read_bytes()
    save(tmp_path)

    assert typed in [p.read_bytes() for p in (tmp_path / "staff" / "typed").iterdir()]


def test_long_remark_of_several_lines_stays_whole(tmp_path):
    long = "well " * 1000
    save(tmp_path)
    write_table(tmp_path / "answers.csv", f'ada,fc-q1,1,2,"{long}\nput"')

    for _ in range(2):
        save(tmp_path)
        typed = book_of(tmp_path).read()

    assert typed["ada", "fc-q1"]["remark"] == f"{long}put"
    (told,) = [o.message for o in give_points(record_of(), typed).outcomes if o.state == "read"]
    assert told == f"{long}put"


def test_readers_each_take_a_part_and_points_come_together(tmp_path):
    save(tmp_path, readers=2)
    first, second = tmp_path / "readers" / "1.csv", tmp_path / "readers" / "2.csv"
    parts = [{key[1] for key in table_keys(path)} for path in (first, second)]
    assert parts[0] | parts[1] == {row.id for row in QUESTIONS}
    assert not parts[0] & parts[1]

    type_in(first, "ada,fc-q1", "2")
    type_in(second, "ada,fc-q2", "1")
    save(tmp_path)
    assert (points_of(tmp_path), points_of(tmp_path, question="fc-q2")) == ("2", "1")

    type_in(tmp_path / "answers.csv", "ada,fc-q1", "1")  # the one in charge has the last word
    save(tmp_path)
    save(tmp_path)
    assert points_of(tmp_path) == "1"
    save(tmp_path, readers=1)
    assert not second.exists()
    assert (points_of(tmp_path), points_of(tmp_path, question="fc-q2")) == ("1", "1")


def table_keys(path):
    return {tuple(line.split(",")[:2]) for line in path.read_text().splitlines()[1:]}


def test_two_who_say_different_things_are_asked(tmp_path):
    save(tmp_path, readers=1)
    type_in(tmp_path / "readers" / "1.csv", "ada,fc-q1", "2")
    type_in(tmp_path / "answers.csv", "ada,fc-q1", "1")

    with pytest.raises(ValueError, match=r"ada, fc-q1: points is '1' in .*answers.csv and '2' in"):
        save(tmp_path)


def test_table_in_which_a_value_stands_is_named_where_one_from_elsewhere_says_another(tmp_path):
    out, file = tmp_path / "out", write_table(tmp_path / "bo.csv", "ada,fc-q1,0,2,")
    save(out, readers=1)
    type_in(out / "readers" / "1.csv", "ada,fc-q1", "2")

    with pytest.raises(ValueError, match=r"is '2' in .*readers/1\.csv and '0' in .*bo\.csv"):
        save(out, None, file)


def test_correction_counts_from_whichever_table_it_is_typed_into_and_is_named(tmp_path):
    save(tmp_path, readers=1)
    type_in(tmp_path / "readers" / "1.csv", "ada,fc-q1", "1")
    save(tmp_path)
    assert book_of(tmp_path).corrected == []

    for file, old, new in (("readers/1.csv", "1", "0"), ("answers.csv", "0", "2")):
        type_in(tmp_path / file, "ada,fc-q1", new)
        book = book_of(tmp_path)
        assert book.read()["ada", "fc-q1"]["points"] == new
        assert book.corrected == [f"ada (fc-q1, points '{old}', now '{new}' in {file})"]
        save(tmp_path)
        book.read()
        assert book.corrected == []


def test_table_from_elsewhere_counts_and_an_old_one_changes_nothing_again(tmp_path):
    out, file = tmp_path / "out", write_table(tmp_path / "bo.csv", "ada,fc-q1,1,2,")
    save(out)
    save(out, None, file)
    assert points_of(out) == "1"

    type_in(out / "answers.csv", "ada,fc-q1", "2")
    save(out, None, file)
    save(out, None, file)

    assert points_of(out) == "2"


@pytest.mark.parametrize("is_merged", [True, False])
def test_old_copy_of_the_book_undoes_no_correction_without_a_word(is_merged, tmp_path):
    out, stale = tmp_path / "out", write_table(tmp_path / "stale.csv", "ada,fc-q1,1,2,")
    write_table(out / "answers.csv", "ada,fc-q1,1,2,")
    save(out)
    type_in(out / "answers.csv", "ada,fc-q1", "2")
    if is_merged:
        save(out)
    before = (out / "answers.csv").read_bytes()

    says = r"ada, fc-q1: points is '2' in .*/answers.csv and '1' in .*/stale.csv; make them the"
    with pytest.raises(ValueError, match=says):
        save(out, None, stale)
    assert (out / "answers.csv").read_bytes() == before

    for points in ("", "2"):  # neither says anything else
        write_table(stale, f"ada,fc-q1,{points},2,", "bob,fc-q1,1,2,")
        save(out, None, stale)
        assert (points_of(out), points_of(out, "bob")) == ("2", "1")


def version(text, id_="ada"):
    return record_of(id_, answers={QUESTION: text})


def test_points_do_not_stand_for_an_answer_that_has_changed_since(tmp_path):
    save(tmp_path, [version("first"), version("same", "bob")])
    for student in ("ada", "bob"):
        type_in(tmp_path / "answers.csv", f"{student},fc-q1", "2")
    save(tmp_path, [version("first"), version("same", "bob")])  # read, and nothing has changed

    book, second = book_of(tmp_path), version("second")
    typed = book.read()
    typed.update(book.outdated(second, typed))
    (outcome,) = (o for o in give_points(second, typed).outcomes if o.exercise == QUESTION)
    assert (outcome.points, outcome.state) == (0, "to be read")
    assert outcome.message.endswith("it has changed since it was read")
    assert changed_since(typed) == {("ada", "fc-q1"): "2"}
    assert book.outdated(version("  same\n", "bob"), typed) == {}
    assert "before, ada: 2" in answers_page([second], changed=changed_since(typed))

    save(tmp_path, [second, version("same", "bob")])
    assert (points_of(tmp_path), points_of(tmp_path, "bob")) == (None, "2")
    assert "ada,fc-q1,,2,,2" in (tmp_path / "answers.csv").read_text()
    type_in(tmp_path / "answers.csv", "ada,fc-q1", "1")
    save(tmp_path, [second])
    assert points_of(tmp_path) == "1"
    assert changed_since(book_of(tmp_path).read()) == {}


def test_points_typed_beside_a_text_are_for_that_text_though_a_newer_one_came(tmp_path):
    save(tmp_path, [version("first")])
    type_in(tmp_path / "answers.csv", "ada,fc-q1", "2")

    save(tmp_path, [version("second")])

    assert points_of(tmp_path) is None


def test_points_come_back_with_the_words_that_they_were_given_to(tmp_path):
    save(tmp_path, [version("first")])
    type_in(tmp_path / "answers.csv", "ada,fc-q1", "2")
    save(tmp_path, [version("first")])
    save(tmp_path, [version("second")])
    for text in ("first", "first", "second"):
        save(tmp_path, [version(text)])
        assert points_of(tmp_path) == ("2" if text == "first" else None)
        assert bool(changed_since(book_of(tmp_path).read())) == (text == "second")

    type_in(tmp_path / "answers.csv", "ada,fc-q1", "1")
    for text, points in (("second", "1"), ("first", "2"), ("second", "1"), ("third", None)):
        save(tmp_path, [version(text)])
        save(tmp_path, [version(text)])
        assert points_of(tmp_path) == points


def test_points_that_were_taken_back_stay_so_when_the_words_come_back(tmp_path):
    save(tmp_path, [version("first")])
    for points in ("2", "-"):
        type_in(tmp_path / "answers.csv", "ada,fc-q1", points)
        for text in ("first", "second", "first"):
            save(tmp_path, [version(text)])

    assert points_of(tmp_path) in (None, "-")


@pytest.mark.parametrize("file", ["answers.csv", "readers/1.csv"])
def test_points_typed_into_an_older_copy_do_not_stand_for_newer_words(file, tmp_path):
    save(tmp_path, [version("first")], readers=1)
    copy = (tmp_path / file).read_text()
    save(tmp_path, [version("second")])

    (tmp_path / file).write_text(copy)
    type_in(tmp_path / file, "ada,fc-q1", "2")
    save(tmp_path, [version("second")])

    assert points_of(tmp_path) is None
    assert changed_since(book_of(tmp_path).read()) == {("ada", "fc-q1"): "2"}
    type_in(tmp_path / "answers.csv", "ada,fc-q1", "1")
    save(tmp_path, [version("second")])
    assert points_of(tmp_path) == "1"
