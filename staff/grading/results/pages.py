"""Fill in the HTML templates; all that a hand-in brought along is escaped."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """Return a page of HTML."""
    return _environment().get_template(template).render(**values)


@lru_cache
def _environment() -> Environment:
    """Return the templates, in which every value is escaped and none may lack."""
    return Environment(
        loader=PackageLoader("staff.grading.results"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
