"""What tests of a release share: checks with values in place of the definitions."""

from __future__ import annotations

import inspect
from contextlib import ExitStack, contextmanager
from unittest import mock

import pytest

from cs682.checks import recorded
from staff.release import values


@pytest.fixture(scope="session")
def at_a_student_s(tmp_path_factory):
    """Give a context in which the definitions are what a release has: names with a table."""
    path = tmp_path_factory.mktemp("values") / "values.npz"
    path.write_bytes(values.value_files()[values.TABLE])

    @contextmanager
    def checks_have_values():
        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(recorded, "FILE", path))
            for module in values.modules().values():
                stand_in = recorded.front(module.__name__)
                for name, _ in inspect.getmembers(module, inspect.isfunction):
                    stack.enter_context(mock.patch.object(module, name, stand_in(name)))
            yield

    recorded._file.cache_clear()
    yield checks_have_values
    recorded._file.cache_clear()
