"""The version of the assignment: one place says it."""

from __future__ import annotations

import pytest

from cs682.setup.packages import edition, edition_of


def test_edition_is_read_where_the_project_lies(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "3.2.1"  # so\n')

    assert edition(tmp_path) == "3.2.1"


def test_edition_of_an_installed_package_is_in_its_metadata(tmp_path, monkeypatch):
    monkeypatch.setattr("cs682.setup.packages.metadata.version", lambda name: f"that of {name}")

    assert edition(tmp_path) == "that of cs682-assignment2"


@pytest.mark.parametrize("text", ["", 'minversion = "8"', "version = 1"])
def test_edition_of_a_text_without_one_is_empty(text):
    assert edition_of(text) == ""
