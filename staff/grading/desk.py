"""The teaching assistant's desk: one folder of results, with what people have typed into it.

`answers.csv`, `overrides.csv`, `late.json` and `students.csv` are people's; the grader reads them
each time, and of these writes `answers.csv` alone, with all that was typed in.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from staff.grading.intake.owners import PASSED_OVER, Said, read_owners
from staff.grading.intake.safe_text import counted, names, shown, slug
from staff.grading.intake.sheets import Faults, normal
from staff.grading.intake.submission import ClassOfSubmissions, Submission
from staff.grading.intake.text import clean
from staff.grading.results import exports
from staff.grading.results.answer_tables import Table, part_of
from staff.grading.results.answers_page import answers_page
from staff.grading.results.folder import ever_known, successors
from staff.grading.results.grade_book import grade_book
from staff.grading.results.last_run import (
    LastRun,
    files_in_force,
    find_missing,
    read_last_run,
    say_odd_files,
    write_last_run,
)
from staff.grading.results.late import LateRule, read_late_rule, say_untimed
from staff.grading.results.overrides import (
    Override,
    blank_record,
    look_up,
    override,
    read_overrides,
    to_look_at_again,
)
from staff.grading.results.read_answers import AnswerBook, changed_since, give_points, strays
from staff.grading.results.report import write_report
from staff.grading.results.store import (
    NotGraded,
    Record,
    Result,
    read_record,
    records_of,
    write_json,
    write_text,
)
from staff.grading.results.summary import summary_page
from staff.grading.results.warnings import warnings_page
from staff.grading.single import Plan


class Desk:
    """What people have typed in, and the results that it is put into.

    Parameters
    ----------
    out : Path, the folder of all results
    points : mapping of str to int, what each exercise is worth
    answers : sequence of Path, tables of answers that were filled in elsewhere
    roster : Roster, optional; the platform's own table, to be filled in

    What cannot be understood is kept until `require_sound` tells all of it. After `write`,
    `saved_meanwhile` names the files that a person has saved since they were read. `untimed` has
    the ids of those who were adjusted and whose time nobody knows, though late days count.
    """

    def __init__(
        self,
        out: Path,
        points: Mapping[str, int],
        answers: Sequence[Path] = (),
        roster: exports.Roster | None = None,
    ) -> None:
        self._out, self._points, self._roster = out, points, roster
        self._book, self._faults = AnswerBook(out, points, answers), Faults()
        self._typed: Table = {}
        self._overrides: list[Override] = []
        self._late: LateRule | None = None
        self.owners: dict[str, Said] = {}
        self._saved: dict[Path, bytes] = {}
        self.saved_meanwhile: list[Path] = []
        self.untimed: list[str] = []
        self._undue: list[str] = []
        self._moodle = False  # whether times without a zone count
        self._outgrown: list[tuple[str, str, str]] = []
        self._odd: list[str] = []
        self._missing: list[tuple[str, str]] = []
        self._strays: list[tuple[str, str]] = []
        last = read_last_run(out)
        self._before, self._run = last.files, LastRun(files_in_force(out), last.seen, last.own)
        with self._faults.kept():
            self._saved = self._contents()
        with self._faults.kept():
            self._overrides = read_overrides(out / "overrides.csv", points, self._faults)
        with self._faults.kept():
            self._late = read_late_rule(out / "late.json", self._faults)
        with self._faults.kept():
            self.owners = read_owners(out / "students.csv", self._faults)

    def require_sound(self, found: ClassOfSubmissions) -> None:
        """Refuse what cannot be understood, and what is of something that nobody handed in.

        Raises
        ------
        ValueError
            If there is any; the message has a line for each, with file, line and value.
        """
        submissions = found.submissions
        self._follow(successors(self._out, submissions))
        look_up(self._overrides, found, self._faults)
        for student in sorted(self._late.days if self._late else ()):
            if refusal := found.refusal(student):
                self._faults.add(f"{self._out / 'late.json'}: {refusal}")
        for line in found.absent:
            self._faults.add(line)
        with self._faults.kept():
            self._typed = self._book.read()
        before = {normal(id_) for id_ in ever_known(self._out)}
        self._book.look_up({s.id for s in submissions} | before, self._faults)
        self._faults.tell()

    def _follow(self, now: Mapping[str, str]) -> None:
        """Take what is typed for hand-ins that others have replaced for those."""
        self._book.follow(now)
        self._overrides = [replace(line, now=now.get(line.student, "")) for line in self._overrides]
        if self._late:
            days = self._late.days
            moved = {now[id_]: count for id_, count in days.items() if id_ in now}
            stay = {id_: count for id_, count in days.items() if id_ not in now}
            self._late = replace(self._late, days={**moved, **stay})

    @property
    def passed_over(self) -> list[str]:
        """Return the uploads that do not count, as a person has said."""
        none = (name for name, said in self.owners.items() if said.student == PASSED_OVER)
        return [name.rpartition("/")[2] for name in none]  # perhaps with its place

    def said(self) -> list[str]:
        """Say, once it is written, what people should know of what they typed in, in some lines."""
        changed = [f"{shown(who, 40)} ({question})" for who, question in changed_since(self._typed)]
        again = [f"{shown(who, 40)} ({key})" for who, key, _ in self._outgrown]
        missing = [f"{shown(who, 40)} ({what})" for who, what in self._missing]
        lost = [f"{shown(who, 40)} ({question})" for who, question in self._strays]
        given, emptied = self._book.given, self._book.emptied
        told = {
            "Handed in before and not there now:": missing,
            f"Points since the last run for {counted(len(given), 'answer')}:": given,
            "Corrected since the last run:": self._book.corrected,
            "Empty in answers.csv, but the points stay (type - to take them back):": emptied,
            "Typed in for somebody who is not there, kept and not counted:": lost,
            "late.json has no due, so the times count nothing that are known of": self._undue,
            "Read again, for they have changed since: answers of": changed,
            "Overrides below what the grader gives, or set before the work changed:": again,
        }
        return [
            *(f"{title} {names([*dict.fromkeys(who)])}" for title, who in told.items() if who),
            *(
                [f"Moodle names no zone: {self._late.zone_said}"]
                if self._moodle and self._late
                else []
            ),
            *self._odd,
        ]

    def remember(self, result: Result) -> None:
        """Keep that the grader stumbled over a hand-in, or forget it."""
        path = self._failure_of(result.id)
        if isinstance(result, Record):
            path.unlink(missing_ok=True)
        else:
            write_json(path, {"reason": result.reason, "trace": result.trace})

    def recall(self, submission: Submission, plan: Plan, otherwise: str) -> Result:
        """Return how a hand-in stood when it was last graded."""
        path = self._failure_of(submission.id)
        if path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))
            return NotGraded(submission.id, known["reason"], known["trace"], submission.students)
        record = read_record(plan.record_of(submission.id), submission.id)
        return record or NotGraded(submission.id, otherwise, "", submission.students)

    def adjust(self, result: Result, submission: Submission) -> Result:
        """Return a result with the points that people gave, and what the rule takes off.

        What is not graded gets those that a person has set; the rest of it is still not graded.
        """
        if isinstance(result, NotGraded):
            blank = blank_record(submission, result.reason, self._points)
            if override(blank, self._overrides) == blank:
                return result
            result = blank
        self._typed.update(self._book.outdated(result, self._typed))
        read = give_points(result, self._typed)
        again = to_look_at_again(read, self._overrides, self._run.seen)
        self._outgrown += [(read.id, *found) for found in again]
        record = override(read, self._overrides)
        if self._late is None:
            return record
        # Canvas marks who is late; one that stands as before has no sources
        silent = submission.sources and submission.platform != "Canvas"
        if silent and self._late.lacks_time(record):
            self.untimed.append(record.id)
        if record.submitted and self._late.due and submission.platform == "Moodle":
            self._moodle = True
        if record.submitted and not self._late.due:
            self._undue.append(shown(record.id, 40))
        return self._late.apply(record)

    def write(
        self, plan: Plan, done: Sequence[Result], remarks: Sequence[str], args: argparse.Namespace
    ) -> list[str]:
        """Write the grade book, the reports and the pages for the staff.

        Parameters
        ----------
        done : sequence of Record or NotGraded, of the whole class
        remarks : sequence of str, on the folder of hand-ins
        args : namespace with names, readers, export, and the files that it names

        Returns
        -------
        left_out : list of str, students with a grade whom the platform's table has no line for

        Raises
        ------
        ValueError
            If what people type into cannot be understood any more; then it is left as it is.
        OSError
            If a file cannot be written.
        """
        records, staff = records_of(done), self._out / "staff"
        write_text(self._out / "grades.csv", grade_book(done))
        traces = [f"{f.id}\n{f.trace}" for f in done if isinstance(f, NotGraded) and f.trace]
        write_text(staff / "failures.txt", clean("\n".join(traces), 1_000_000))
        remarks = [*say_untimed(self.untimed), *remarks]
        write_text(staff / "remarks.txt", "".join(f"{line}\n" for line in remarks))
        for record in records:
            write_report(plan.reports_of(record.id), record)
            write_json(staff / "traces" / f"{slug(record.id)}.json", _traces(record))
        write_text(self._out / "summary.html", summary_page(done))
        named = [path for path in (*args.answers, args.roster, args.variant) if path]
        self._odd = say_odd_files(self._out, self._before, named)
        self._strays = strays(done, self._typed)
        self._missing = find_missing(records, self._run.own)
        more = {
            "Handed in before, not there now": self._missing,
            "The folder of results": [("", line) for line in self._odd],
            "An override to look at again": [
                (id_, f"{e}: {why}") for id_, e, why in self._outgrown
            ],
        }
        write_text(self._out / "warnings.html", warnings_page(done, self._typed, remarks, more))
        self._write_answers(records, args.names, args.readers)
        write_last_run(self._out, self._run)
        return exports.write(self._out, args.export, done, self._roster) if args.export else []

    def _write_answers(self, records: Sequence[Record], names: bool, readers: int) -> None:
        """Write the pages to read answers from, then the tables to type into."""
        changed = changed_since(self._typed)
        page = answers_page(records, names=names, changed=changed)
        write_text(self._out / "answers.html", page)
        for number in range(1, readers + 1):
            part = part_of(number, readers)
            page = answers_page(records, names=names, changed=changed, questions=part)
            write_text(self._out / "readers" / f"{number}.html", page)
        now = self._contents()  # the last look at what people have saved; then it is written anew
        files = sorted(now.keys() | self._saved.keys())
        self.saved_meanwhile = [p for p in files if now.get(p) != self._saved.get(p)]
        self._book.write(records, names, readers)

    def _contents(self) -> dict[Path, bytes]:
        """Return what stands in the files that people type into."""
        named = (self._out / name for name in ("overrides.csv", "late.json", "students.csv"))
        paths = [*self._book.paths(), *(path for path in named if path.exists())]
        return {path: path.read_bytes() for path in paths}

    def _failure_of(self, id_: str) -> Path:
        """Return the file that says that the grader stumbled over a hand-in."""
        return self._out / "staff" / "failures" / f"{slug(id_)}.json"


def _traces(record: Record) -> dict[str, str]:
    """Return what only the staff may read of a hand-in, by exercise."""
    return {o.exercise: o.staff for o in record.outcomes if o.staff}
