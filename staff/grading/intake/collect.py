"""Find the hand-ins in a folder or zip, as a course's platform gives it out.

Known are the exports of Gradescope (`submission_metadata.yml` and a folder for each submission),
Moodle (`Ada Lovelace_1234_assignsubmission_file_`) and Canvas (`lovelaceada_12_345_hand-in.zip`),
and a plain folder in which each hand-in is a folder or zip of its own.

Whose a hand-in is is never guessed: a name with two meanings, two uploads that do not belong
together, a link are held until a person has said in `students.csv`.
"""

from __future__ import annotations

import filecmp
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from staff.grading.intake import platform_lists
from staff.grading.intake.owners import PASSED_OVER, Said
from staff.grading.intake.places import Place, is_in_doubt, say_both, say_new, say_platforms
from staff.grading.intake.safe_text import shown
from staff.grading.intake.sheets import normal
from staff.grading.intake.submission import ClassOfSubmissions, Student, Submission
from staff.grading.intake.uploads import Upload, given_name, named_by, platform_names, read_name
from staff.grading.intake.whole_class import (
    JUNK,
    class_below,
    class_inside,
    folder_of,
    is_export,
    is_results,
)

SAY = "say in students.csv whose it is"


def collect(
    places: Path | Sequence[Path], scratch: Path, owners: Mapping[str, Said] | None = None
) -> ClassOfSubmissions:
    """Find the hand-ins of a class, or one hand-in by itself.

    Parameters
    ----------
    places : Path or sequence of Path, each a folder of hand-ins, a platform's export as a zip, or
        one hand-in as a folder or zip
    scratch : Path, a folder to unpack exports to; what is in it is replaced
    owners : mapping of str to Said, optional; what a person has said, by the name of the upload

    Raises
    ------
    FileNotFoundError
        If there is no such place.
    ValueError
        If nothing in it looks like a hand-in, Gradescope's list in a folder is damaged (in a zip
        that zip is held), or two worksheets of Moodle's contradict each other.
    OSError
        If an export cannot be unpacked.
    """
    owners = {normal(name): owner for name, owner in (owners or {}).items()}
    shutil.rmtree(scratch, ignore_errors=True)
    places = [places] if isinstance(places, Path) else places
    search = _Search(owners, Counter(normal(place.absolute().name) for place in places))
    for number, place in enumerate(places):
        search.look_into(place, scratch / str(number))
    search.weigh_places()
    submissions = search.submissions()
    if not submissions:
        raise ValueError(f"there is no hand-in in {places}: no folder and no zip")
    notices = (*search.notices(), *say_platforms(submissions))
    aloud = (*search.aloud, *notices)
    return ClassOfSubmissions(
        tuple(sorted(submissions, key=lambda s: s.id)),
        (*aloud, *search.remarks),
        search.absent(),
        aloud,
        notices,
    )


class _Search:
    """What was found so far."""

    def __init__(self, owners: Mapping[str, Said], called: Counter[str]) -> None:
        self._called = called  # how many places have a name
        self._owners, self._told = owners, dict(owners)
        self._uploads: list[Upload] = []
        self._held: list[Submission] = []
        self._people: dict[str, set[Student]] = {}  # by id, with a name
        self._groups: dict[str, tuple[Student, ...]] = {}  # by submission on Gradescope
        self.remarks: list[str] = []
        self.aloud: list[str] = []
        self._given: list[Place] = []
        self._places, self._place = 0, ""
        self._named: set[str] = set()  # in the place that is looked into

    def look_into(self, place: Path, scratch: Path) -> None:
        """Find the uploads in a place; an export is unpacked to `scratch`."""
        self._places, self._place = self._places + 1, place.absolute().name
        before = len(self._uploads)
        self._named = set()
        self._look_for(place, scratch)
        self._given.append(Place(place, tuple(self._uploads[before:]), frozenset(self._named)))

    def _look_for(self, place: Path, scratch: Path) -> None:
        """Find what is in a place, one by one."""
        folder, unread = folder_of(place, scratch)
        self.aloud += unread
        if folder is None:
            self._look_at_one(place)
            return
        try:
            listed = platform_lists.read_metadata(folder)
        except ValueError as error:
            if place.is_dir():
                raise
            name = str(error).replace(str(folder), place.name)  # it may be one student's after all
            self._held.append(_held(place, name, ()))
            return
        times, unread = platform_lists.read_worksheet(folder)
        self.aloud += unread
        paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith(JUNK)]
        for student in (*named_by(paths), *(s for u in listed.values() for s in u.students)):
            self._people.setdefault(student.id, set()).add(student)
            self._named.add(student.id)
        self._groups |= {name: upload.students for name, upload in listed.items()}
        alike = Counter(normal(path.name) for path in paths)
        for path in paths:
            if alike[name := normal(path.name)] == 1:
                self._look_at(path, listed, times)
            else:
                self._hold_alike(path, alike[name], read_name(path))
        for name in sorted(set(listed) - {path.name for path in paths}):
            self.remarks.append(
                f"{platform_lists.METADATA} lists {shown(name)}, which is not there"
            )

    def _hold_alike(self, path: Path, count: int, readings: Sequence[Upload]) -> None:
        """Hold one of several of a name: what a person says of one would be said of all."""
        self._told.pop(normal(path.name), None)
        reason = f"{count} of this name would be one hand-in; rename all but one"
        self._held.append(_held(path, reason, readings))

    def _look_at_one(self, place: Path) -> None:
        """Take a place that is one hand-in by itself."""
        whole = place.absolute()  # '.' has no name
        name = normal(whole.name if place.is_dir() else whole.stem)
        upload = Upload(place, "", name, (Student(name),), place.name)
        if (count := self._called[normal(whole.name)]) > 1:
            self._hold_alike(whole, count, [upload])
        elif place.is_file() and (inner := class_inside(place)):
            self._held.append(_held(place, _class_in_zip(inner), [upload]))
        else:
            self._uploads.append(upload)

    def _look_at(self, path: Path, listed: Mapping[str, Upload], times: Mapping[str, str]) -> None:
        """Take one entry of a folder, if it is a hand-in."""
        if named := self._said_of(path):
            if (owner := named.student) != PASSED_OVER:
                self._take(_assigned(path, owner, listed), times)
            return
        found = self._readings(path, listed, times)
        if reason := _doubt(path, found):
            self._held.append(_held(path, reason, found))
            return
        for upload in found:
            self._take(upload, times)

    def _said_of(self, path: Path) -> Said | None:
        """Return what a person has said of an upload, by its name or by its place and name."""
        for name in (normal(f"{self._place}/{path.name}"), normal(path.name)):
            if said := self._owners.get(name):
                self._told.pop(name, None)
                return said
        return None

    def _take(self, upload: Upload, times: Mapping[str, str]) -> None:
        """Take an upload whose owner is known."""
        if upload.platform == "Moodle":  # it has no numbers: the export named later is newer
            upload = replace(upload, order=(self._places, *upload.order))
            upload = replace(upload, submitted=times.get(upload.id, ""))
        self._uploads.append(replace(upload, place=self._place))

    def _readings(
        self, path: Path, listed: Mapping[str, Upload], times: Mapping[str, str]
    ) -> list[Upload]:
        """Return whose an upload may be; say so of what is passed over."""
        if path.name in listed:
            return [replace(listed[path.name], path=path, given=path.name)]
        if listed and path.name.startswith("submission_") and path.is_dir():
            self.remarks.append(
                f"{shown(path.name)} is not in {platform_lists.METADATA}, so it is of an older "
                "export: passed over"
            )
            return []
        found = read_name(path)
        if found and not found[0].platform and is_results(path):
            self.remarks.append(f"{shown(path.name)} is a folder of results and was passed over")
            return []
        is_list = path.name == platform_lists.METADATA or (path.suffix == ".csv" and times)
        if not found and not is_list:
            self.remarks.append(f"{shown(path.name)} is no hand-in and was passed over")
        return found

    def weigh_places(self) -> None:
        """Take what is in a zip, all of it as one upload, or hold it."""
        for place in [*self._given]:
            self._weigh(place)

    def notices(self) -> list[str]:
        """Say what each place brings beside those before it."""
        return [*say_both(self._given), *say_new(self._given)]

    def _weigh(self, place: Place) -> None:
        """Take a zip as one upload, or hold it, if a person says whose it is, or has to."""
        name = normal(place.path.name)
        is_alone = place.path.is_file() and self._called[name] == 1
        said = self._owners.get(name) if is_alone else None
        if said and said.student in place.whole:
            self._told.pop(name, None)
        elif said or is_in_doubt(place, self._given):
            self._given.remove(place)
            self._uploads = [u for u in self._uploads if u not in place.uploads]
            self._held = [s for s in self._held if s.sources[0][0] != place.path]
            if said:
                self._place = place.path.name
                self._look_at(place.path, {}, {})
            else:
                reason = f"all in it is of one student, who is in another place too; {SAY}"
                self._held.append(_held(place.path, reason, place.uploads))

    def absent(self) -> tuple[str, ...]:
        """Return what a person has said of uploads that are not there."""
        return tuple(
            f"{said.where}: {shown(name)} is not among the uploads, expected the name of one"
            for name, said in self._told.items()
        )

    def _each_once(self) -> list[Upload]:
        """Return the uploads; one that was given out twice counts as it is in the first place."""
        first: dict[object, Upload] = {}
        for upload in self._uploads:
            key = (upload.path.name, upload.submitted) if upload.is_listed else upload.key
            kept = first.setdefault(key, upload)
            if kept.path.is_file() and not filecmp.cmp(kept.path, upload.path, shallow=False):
                self.aloud.append(
                    f"{shown(upload.path.name)} is not the same in {shown(kept.place)} and "
                    f"{shown(upload.place)}: that in {shown(kept.place)} counts"
                )
        return [*first.values()]

    def submissions(self) -> list[Submission]:
        """Put together what one student handed in; hold what does not belong together."""
        every = self._each_once()
        uploads, doubtful = platform_lists.newest_of_each([u for u in every if not u.said])
        made = [*self._held, *(_held(u.path, reason, [u]) for u, reason in doubtful)]
        ids = {s.id: u.id for u in uploads for s in u.students} | {u.id: u.id for u in uploads}
        groups: dict[str, list[Upload]] = {}
        for upload in uploads:
            groups.setdefault(upload.id, []).append(upload)
        for group in groups.values():
            if reason := _clash(group):
                made += [_held(u.path, reason, [u]) for u in group]
                group.clear()
        for upload in every:
            if upload.said:
                people = tuple(self._people.get(upload.said, ()))
                people = self._groups.get(upload.said, people if len(people) == 1 else ())
                known = replace(upload, students=people or upload.students)
                groups.setdefault(ids.get(upload.said, upload.said), []).append(known)
        return [*made, *(_one(id_, group) for id_, group in groups.items() if group)]


def _assigned(path: Path, owner: str, listed: Mapping[str, Upload]) -> Upload:
    """Return an upload that a person gives to a student, with its platform's mark and number.

    Where its name can be read in several ways, none of them as the student's, it has neither.
    """
    found = [listed[path.name]] if path.name in listed else platform_names(path, flat=True)
    theirs = [u for u in found if owner in (u.id, *(s.id for s in u.students))] or found
    person = next((s for u in theirs for s in u.students if s.id == owner), Student(owner))
    alone = listed[path.name].students if path.name in listed else ()
    if len(alone) == 1:  # the platform knows the address, and the student has mistyped the id
        person = replace(alone[0], id=owner)
    plain = Upload(path, "", owner, (), "", late=any(u.late for u in theirs))
    upload = theirs[0] if len(theirs) == 1 else plain
    return replace(upload, path=path, given=given_name(path), students=(person,), said=owner)


def _clash(uploads: Sequence[Upload]) -> str:
    """Say why uploads of one id do not belong together; empty if they do."""
    one_owner = len({upload.owner for upload in uploads}) == 1 and uploads[0].platform
    if len(uploads) < 2 or one_owner:
        return ""
    called = sorted({upload.path.name for upload in uploads})
    if len(called) == 1:
        called = sorted(f"{upload.place}/{upload.path.name}" for upload in uploads)
    return f"{shown(' and '.join(called), 300)} would be one hand-in; {SAY}, by these names"


def _doubt(path: Path, found: Sequence[Upload]) -> str:
    """Say why nobody can tell whose an upload is; empty if that is clear."""
    if path.is_symlink():
        return f"it is a link; put the files themselves there, or {SAY}"
    if not all(upload.students and all(s.id for s in upload.students) for upload in found):
        return f"{platform_lists.METADATA} does not name all whose it is; {SAY}"
    if len(found) > 1:
        forms = ", ".join(f"{u.platform}'s of {u.students[0].name} ({u.id})" for u in found)
        return f"its name can be read in {len(found)} ways: {shown(forms, 300)}; {SAY}"
    return _doubt_by_content(path) if found and not found[0].platform else ""


def _doubt_by_content(path: Path) -> str:
    """Say why a folder or zip may be no hand-in but a class; empty if that is clear."""
    if path.is_file() and is_export(path, beyond_doubt=True):
        return f"it looks like a whole class; name it beside the folder, or {SAY}"
    if path.is_file():
        return _class_in_zip(inner) if (inner := class_inside(path)) else ""
    if folder := class_below(path):
        return f"it holds a whole class; give {shown(str(folder), 300)} to grade, or {SAY}"
    return ""


def _class_in_zip(inner: str) -> str:
    """Say of a zip that a folder in it is a class."""
    return f"it holds a whole class; unpack it and give its {shown(inner)} to grade, or {SAY}"


def _held(path: Path, reason: str, readings: Sequence[Upload]) -> Submission:
    """Return a hand-in that waits for a person; by one of its readings it may be somebody's."""
    name = normal(path.name)
    perhaps = {id_ for u in readings for id_ in (u.id, *(s.id for s in u.students))}
    own = (Student(name),)
    return Submission(name, own, ((path, path.name),), held=reason, perhaps=frozenset(perhaps))


def _one(id_: str, group: Sequence[Upload]) -> Submission:
    """Return the hand-in that is made of all uploads of one student, the oldest first.

    One platform's own times or numbers tell which is newer. Times do only if all are known: an
    upload without one may be newer than any other. So may one that a person has assigned and the
    platform of the others does not know.
    """
    timed = all(u.submitted for u in group)
    known = timed or not any(u.said and u.platform != "Canvas" for u in group)
    known = known and len({u.platform for u in group}) == 1
    keys = {u: (platform_lists.when(u.submitted * timed), u.order) if known else () for u in group}
    ordered = sorted(group, key=lambda u: (keys[u], u.path.name))
    ranks = {key: rank for rank, key in enumerate(sorted(set(keys.values())))}
    owner = next((u for u in group if not u.said), ordered[0])
    newest = [u for u in ordered if keys[u] == keys[ordered[-1]]]
    stamps = [u.submitted for u in newest]
    return Submission(
        id_,
        owner.students,
        tuple((u.path, _called(u, group, known=known)) for u in ordered),
        any(u.late for u in newest),
        tuple(ranks[keys[u]] for u in ordered),
        max(stamps, key=platform_lists.when) if all(stamps) else "",
        tuple(remark for u in newest for remark in u.remarks),
        assigned=tuple(u.path.name if u.said else "" for u in ordered),
        platform=owner.platform,
    )


def _called(upload: Upload, group: Sequence[Upload], *, known: bool) -> str:
    """Return what messages call an upload: as the student did, if that tells it from the others."""
    if len(group) == 1 or (known and [u.given for u in group].count(upload.given) == 1):
        return upload.given
    twice = [u.path.name for u in group].count(upload.path.name) > 1
    own = f"{upload.place}/{upload.path.name}" if twice else upload.path.name
    is_file = upload.path.is_file() and upload.path.suffix.lower() != ".zip"
    return f"{own}/{upload.given}" if is_file else own  # a file is known by what it is called
