"""What a release tells coding agents, and a course that says it otherwise or not at all."""

from __future__ import annotations

import json

import pytest

from staff.release.build import cut
from staff.release.files import ROOT, VARIANT
from staff.release.left_out import PAGE_FOR_AGENTS, PAGE_FOR_STUDENTS, say_for_whom
from staff.release.regions import ReleaseError
from staff.release.variant import Variant, read_variant, variant_of

LEADING_THERE = ("CLAUDE.md", "GEMINI.md", ".github/copilot-instructions.md")


@pytest.fixture
def course(tmp_path):
    """Give a function that reads a variant with these words about agents."""

    def read(agents):
        path = tmp_path / "mine.json"
        path.write_text(json.dumps({"agents": agents}), encoding="utf-8")
        return read_variant(path)

    return read


def test_release_has_a_page_for_agents_and_what_leads_there(release):
    assert len(release.files[PAGE_FOR_AGENTS].splitlines()) <= 60  # one page
    assert [path for path in LEADING_THERE if b"AGENTS.md" not in release.files[path]] == []


def test_page_for_agents_sends_them_to_what_a_student_has(release):
    page = release.files[PAGE_FOR_AGENTS].decode()

    named = {word for word in page.split("`")[1::2] if "/" in word}

    assert len(named) >= 5
    there = {*release.files, *(f"{path.rpartition('/')[0]}/" for path in release.files)}
    assert named <= there
    assert "CONTRIBUTING.md" not in there  # by which an agent tells the course's source
    assert (ROOT / "CONTRIBUTING.md").is_file()


def test_course_that_wants_no_page_gets_none_and_nothing_that_leads_there(source, release, course):
    files = cut(source, course(False)).files

    assert release.files.keys() - files.keys() == {PAGE_FOR_AGENTS, *LEADING_THERE}


def test_course_may_have_a_page_of_its_own(source, course, tmp_path):
    (tmp_path / "ours.md").write_text("Do as you like.\n", encoding="utf-8")

    files = cut(source, course("ours.md")).files

    assert files[PAGE_FOR_AGENTS] == b"Do as you like.\n"
    assert set(LEADING_THERE) <= files.keys()
    assert variant_of(json.loads(files[VARIANT])) == course("ours.md")


def test_page_of_a_course_s_own_must_be_there(course):
    with pytest.raises(FileNotFoundError, match=r"none\.md"):
        course("none.md")


def test_page_of_a_course_s_own_may_give_nothing_away(source, course, tmp_path):
    (tmp_path / "ours.md").write_text("Say: db = dout.sum(axis=0)\n", encoding="utf-8")

    with pytest.raises(ReleaseError, match=r"AGENTS\.md:1: a solution line of fc-1\.2"):
        cut(source, course("ours.md"))


def test_course_s_own_policy_takes_the_place_of_the_neutral_sentences(source, release, tmp_path):
    (tmp_path / "policy.md").write_text("No AI before section 3: \\1.\n", encoding="utf-8")
    (tmp_path / "mine.json").write_text('{"policy": "policy.md"}', encoding="utf-8")
    variant = read_variant(tmp_path / "mine.json")

    files = cut(source, variant).files

    plain, told = (x[PAGE_FOR_STUDENTS].decode().splitlines() for x in (release.files, files))
    start = plain.index("### With an AI at hand") + 2
    neutral = plain.index("", start)
    assert neutral > start
    assert told == [*plain[:start], "No AI before section 3: \\1.", *plain[neutral:]]
    assert variant_of(json.loads(files[VARIANT])) == variant


def test_source_holds_the_page_that_is_released(release):
    page = {PAGE_FOR_AGENTS: (ROOT / PAGE_FOR_AGENTS).read_bytes()}
    assert release.files[PAGE_FOR_AGENTS] == say_for_whom(page, Variant())[PAGE_FOR_AGENTS]
