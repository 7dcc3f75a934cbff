"""Features of views that a request leaves out: filled from the online store when the entity is named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

from include.ratchet.adapters import open_online
from include.ratchet.domain import specs
from include.ratchet.domain.modelspec import Columns, ModelSpec
from include.ratchet.domain.online import Known
from include.ratchet.serving.errors import RequestError
from include.ratchet.serving.frames import to_frame
from include.ratchet.serving.online import card, fill
from tests.makers import model_spec
from tests.serving.houses import House

VIEW = "{name: load, feeds: [flights], entity: [origin, gate], time: known, ttl: 2h, features: [n, late]}"
SPEC = model_spec(views=["load"], columns__numeric=["x", "load__n"], columns__categorical=["origin"])


@pytest.fixture(autouse=True)
def _include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the view, of which the model uses one feature of two."""
    folder = tmp_path / "views" / "load"
    folder.mkdir(parents=True)
    (folder / "view.yaml").write_text(VIEW, encoding="utf-8")
    (folder / "view.sql").write_text("SELECT 1", encoding="utf-8")
    (tmp_path / "feeds" / "flights").mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(specs, "INCLUDE", tmp_path)


class Store:
    """Knows of every entity how long its name is; remembers what it was asked."""

    def __init__(self) -> None:
        """Start with no question."""
        self.asked: list[tuple[str, list[list[Any]]]] = []

    def __call__(self, name: str, keys: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """Answer."""
        self.asked.append((name, [list(key) for key in keys]))
        return [{"n": len(str(key[0])), "late": True} for key in keys]


def filled(content: Any, spec: ModelSpec = SPEC) -> tuple[Any, list[Any]]:
    """Return what became of a body, and what was looked up for it."""
    store = Store()
    return fill(content, spec, spec.columns, store), store.asked


def test_records_that_lack_a_feature_are_filled_at_once() -> None:
    """One lookup for all of them; an entity that is no feature is taken out again; what was sent is not overwritten."""
    rows = [{"x": 1, "origin": "JFK", "gate": 7}, {"x": 2, "origin": "LG", "gate": 1, "load__n": 9}, {"x": 3, "origin": "LG", "gate": 2}]
    made, asked = filled({"records": rows})
    assert made == {
        "records": [{"x": 1, "origin": "JFK", "load__n": 3}, {"x": 2, "origin": "LG", "load__n": 9}, {"x": 3, "origin": "LG", "load__n": 2}]
    }
    assert asked == [("load", [["JFK", 7], ["LG", 2]])]
    assert rows[0] == {"x": 1, "origin": "JFK", "gate": 7}


def test_columns_are_filled_too() -> None:
    """A column more for all rows."""
    made, asked = filled({"columns": {"x": [1, 2], "origin": ["JFK", "LG"], "gate": [7, 1]}})
    assert made == {"columns": {"x": [1, 2], "origin": ["JFK", "LG"], "load__n": [3, 2]}}
    assert len(asked) == 1


@pytest.mark.parametrize(
    "content",
    [
        {"records": [{"x": 1, "origin": "JFK"}]},
        {"records": [{"x": 1, "origin": "JFK", "load__n": 1}]},
        {"records": [1, None]},
        {"columns": {"x": [1, 2], "origin": ["JFK"], "gate": [7]}},
        {"columns": {}},
        {"columns": 1},
        {"rows": []},
        {"records": [], "columns": {}},
        [],
        None,
    ],
)
def test_what_cannot_or_need_not_be_filled_stays(content: Any) -> None:
    """Half an entity, a complete row, and every wrong body: the checks say what is wrong with it."""
    assert filled(content) == (content, [])


def test_a_model_without_views_asks_nothing() -> None:
    """Neither does one that uses none of a view's features."""
    for spec in (model_spec(), model_spec(views=["load"])):
        assert filled({"records": [{"origin": "JFK", "gate": 7}]}, spec)[1] == []


def test_a_store_that_is_down_is_a_503() -> None:
    """The client is told what it can do; nothing is predicted from made-up nulls."""

    def down(_: str, __: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        raise OSError("no route")

    with pytest.raises(RequestError, match=r"view load cannot be looked up now.*send them, or come again") as error:
        fill({"records": [{"x": 1, "origin": "JFK", "gate": 7}]}, SPEC, SPEC.columns, down)
    assert error.value.status == 503


def test_the_card_says_what_may_be_left_out() -> None:
    """The view, whose key is needed, which features, and how old they may be."""
    assert card(SPEC, SPEC.columns) == [{"view": "load", "entity": ["origin", "gate"], "features": ["load__n"], "ttl_s": 7200.0}]
    assert card(model_spec(), model_spec().columns) == []


def test_the_service_fills_and_says_so(house: House) -> None:
    """Through HTTP, with a real store: the answer is that of the complete row, and the card says what may be left out."""
    columns = {"id": ["id"], "time": "at", "label": "late", "numeric": ["distance", "load__n"], "categorical": ["carrier"]}
    training = {"split": {"validation": "1d", "test": "1d"}, "candidates": [{"name": "one", "estimator": "sklearn.dummy.DummyClassifier"}]}
    house.write("late", views=["load"], columns=columns, training=training)
    feed = "{name: flights, source: {kind: files, uri: x.csv}, key: [id], schema: {id: int64}}"
    (house.include / "feeds" / "flights" / "feed.yaml").write_text(feed, encoding="utf-8")
    frame = to_frame(Columns(**columns), [{"distance": n % 7, "load__n": n % 10, "carrier": None} for n in range(200)])
    pick = ColumnTransformer([("numbers", "passthrough", ["distance", "load__n"])])
    house.stores.promote("late", 1, make_pipeline(pick, HistGradientBoostingClassifier(max_iter=5)).fit(frame, frame["load__n"] > 6))
    house.follower.poll()
    view, now = specs.view("load"), datetime.now(UTC)
    row = Known("load", view.definition("SELECT 1"), ("JFK", "7"), now, {"n": 9, "late": None}, {"flights": 1}, now)
    open_online().put([row])
    lacking = {"distance": 1, "carrier": None, "origin": "JFK", "gate": 7}
    complete = {"distance": 1, "carrier": None, "load__n": 9}
    answers = [house.predict("late", {"records": [each]}).json() for each in (lacking, complete, complete | {"load__n": None})]
    assert answers[0]["probabilities"] == answers[1]["probabilities"] != answers[2]["probabilities"]
    assert house.client.get("/v1/models/late").json()["looked_up"][0]["features"] == ["load__n"]
    assert len(open_online().logged("load", row.definition)) == 1
