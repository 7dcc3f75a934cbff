"""Connections: addresses cross from Airflow's form to SQLAlchemy's, and secrets stay out of sight."""

from __future__ import annotations

import pytest

from include.ratchet.domain.ports import Connection


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("postgres://u:p@h:5433/db", "postgresql+psycopg2://u:p@h:5433/db"),
        ("postgresql://u:p%40%2F@h/db", "postgresql+psycopg2://u:p%40%2F@h/db"),
        ("mysql://h/db", "mysql+pymysql://h/db"),
        ("sqlite:////var/x.db", "sqlite:////var/x.db"),
        ("sqlite:///var/x.db", "sqlite:////var/x.db"),
    ],
)
def test_the_address_as_sqlalchemy_wants_it(uri: str, url: str) -> None:
    """Driver, quoting, port and path survive."""
    assert Connection.from_uri(uri).sqlalchemy_url == url


def test_the_secret_is_not_printed() -> None:
    """A connection in a log or a traceback shows neither password nor extras."""
    shown = repr(Connection("postgres", "h", 5432, "u", "hunter2", "db", {"token": "hunter3"}))
    assert "hunter" not in shown
    assert "'h'" in shown
