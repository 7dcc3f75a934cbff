"""An adopter's DuckDB SQL as Spark wants it, or what of it Spark cannot do, by name."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from include.ratchet.domain.errors import SpecError

_JOINS = {"", "NATURAL"}
_KINDS = {"", "INNER", "OUTER", "CROSS", "SEMI", "ANTI"}


def spark_sql(sql: str, where: str) -> str:
    """Translate one SELECT.

    What the two engines compute differently under one name is written out: DuckDB's `/` is a division of doubles (Spark
    rounds decimals), and its `dayofweek` begins at 0 (Spark's at 1).

    Args:
        sql: DuckDB's.
        where: What it belongs to, for the error: `models/flight_delay`.

    Raises:
        SpecError: It is no SQL, or something in it has no counterpart in Spark; all of that is named.
    """
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
        faults = _refused(tree)
        if not faults:
            return _spell_out(tree).sql("spark", unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        faults = [" ".join(str(error).split())[:500]]
    raise SpecError(f"{where}: not for Spark", faults, "Write it otherwise, or set engine: duckdb.")


def _refused(tree: exp.Expr) -> list[str]:
    found = []
    for join in tree.find_all(exp.Join):
        method, kind = str(join.args.get("method") or "").upper(), str(join.args.get("kind") or "").upper()
        if method not in _JOINS or kind not in _KINDS:
            name = f"{method} {kind}".strip()
            hint = "; a feature view is joined point-in-time on any engine" if "ASOF" in name else ""
            found.append(f"transform: found {name} JOIN {join.this.sql('duckdb')}; Spark has none{hint}")
    return found


def _spell_out(tree: exp.Expr) -> exp.Expr:
    for each in reversed(list(tree.find_all(exp.Div))):  # the inner ones first: a cast copies what it is around
        for side in ("this", "expression"):
            each.set(side, exp.cast(each.args[side], exp.DataType.Type.DOUBLE))
    for day in reversed(list(tree.find_all(exp.DayOfWeek))):
        day.replace(exp.paren(exp.Sub(this=day.copy(), expression=exp.Literal.number(1))))
    return tree
