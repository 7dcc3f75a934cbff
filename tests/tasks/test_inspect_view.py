"""A view's SQL, checked before there is data: what it reads, and what it returns."""

from __future__ import annotations

import pytest

from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError
from include.ratchet.tasks.inspect_view import require_sound_view
from tests.tiny import VIEW, Project


@pytest.mark.parametrize("name", specs.names("views"))
def test_the_views_of_this_repository_are_sound(name: str) -> None:
    """Their SQL runs over the schemas of their feeds."""
    require_sound_view(name)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ('SELECT colour, "at" AS known, x AS mean FROM visits', "(?s)lacks columns.*visits: not returned; it returns colour, known, mean"),
        ("SELECT * FROM elsewhere", "Table with name elsewhere does not exist"),
        ("SELECT colur FROM visits", "colur"),
    ],
)
def test_sql_that_would_not_run_is_a_fault(project: Project, sql: str, said: str) -> None:
    """It is found over tables without a row."""
    project.add_view()
    require_sound_view(VIEW)
    project.add_view(sql)
    with pytest.raises(SpecError, match=said):
        require_sound_view(VIEW)
