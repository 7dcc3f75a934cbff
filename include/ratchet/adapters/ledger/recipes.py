"""What each registered version was made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.replay import Recipe


class RecipeRow(Table):
    """The recipe of one version."""

    __tablename__ = "recipes"
    sealed_by = ("model", "version")
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Recipes(Store):
    """Written once, by the task that registers."""

    def keep_recipe(self, recipe: Recipe) -> None:
        """Record a version's recipe; a version has one."""
        with Session(self._engine) as session, session.begin():
            if session.get(RecipeRow, (recipe.model, recipe.version)) is None:
                session.add(RecipeRow(model=recipe.model, version=recipe.version, content=recipe.content, at=recipe.at))

    def recipe(self, model: str, version: int) -> Recipe:
        """Return a version's recipe.

        Raises:
            LedgerError: It has none: there is no such version, or it is older than recipes are.
        """
        with Session(self._reads) as session:
            row = session.get(RecipeRow, (model, version))
        if row is None:
            message = f"{model} version {version}: the ledger has no recipe of it; it was never registered, or by an earlier release"
            raise LedgerError(message)
        return Recipe(row.model, row.version, row.content, row.at)
