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
        ("postgres://h/db?sslmode=require&sslrootcert=%2Fa%2Fb", "postgresql+psycopg2://h/db?sslmode=require&sslrootcert=%2Fa%2Fb"),
        ("postgres://h/db?__extra__=%7B%22sslmode%22%3A+%22require%22%7D", "postgresql+psycopg2://h/db?sslmode=require"),
        ("mssql+pyodbc://h/db?driver=ODBC+Driver+18", "mssql+pyodbc://h/db?driver=ODBC+Driver+18"),
        ("sqlite:////var/x.db", "sqlite:////var/x.db"),
        ("sqlite:///var/x.db", "sqlite:////var/x.db"),
    ],
)
def test_the_address_as_sqlalchemy_wants_it(uri: str, url: str) -> None:
    """Driver, quoting, port and path survive."""
    assert Connection.from_uri(uri).sqlalchemy_url == url


@pytest.mark.parametrize(
    ("kind", "extra", "query"),
    [
        ("postgres", {"sslmode": "verify-full", "keepalives": 1, "sslsni": True}, "?sslmode=verify-full&keepalives=1&sslsni=1"),
        ("postgres", {"iam": False, "cursor": "dictcursor", "options": None, "other": ["a"]}, ""),
        ("postgres", {"sqlalchemy_query": {"sslmode": "require"}}, "?sslmode=require"),
        ("mysql", {"ssl": {"ca": "/ca.pem", "key": "/k.pem"}, "charset": "utf8mb4"}, "?ssl_ca=%2Fca.pem&ssl_key=%2Fk.pem&charset=utf8mb4"),
    ],
)
def test_extras_reach_the_driver(kind: str, extra: dict[str, object], query: str) -> None:
    """TLS settings are not dropped on the way; what only Airflow's hooks understand, or no driver can read, is."""
    assert Connection(kind, "h", schema="db", extra=extra).sqlalchemy_url.partition("/db")[2] == query


def test_the_secret_is_not_printed() -> None:
    """A connection in a log or a traceback shows neither password nor extras."""
    shown = repr(Connection("postgres", "h", 5432, "u", "hunter2", "db", {"token": "hunter3"}))
    assert "hunter" not in shown
    assert "'h'" in shown
