"""A check cell stands alone: a student may run it first, after the cells of imports."""

from __future__ import annotations

import ast
import builtins

import pytest

from cs682.checks.run import CHECKS
from staff.bank.judge import check_cell
from tests.open_exercises import names_read


@pytest.mark.parametrize("exercise", CHECKS)
def test_check_cell_leans_on_imports_alone(exercise):
    imports, cell = check_cell(exercise)
    parameters = {node.arg for node in ast.walk(ast.parse(cell)) if isinstance(node, ast.arg)}
    exec(imports, here := {})

    unknown = names_read(cell) - {"check", *parameters, *vars(builtins), *here}

    assert not unknown
