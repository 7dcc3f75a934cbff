"""Labels come back."""

from __future__ import annotations

from typing import Any

import pytest

from include.ratchet.serving.errors import RequestError
from include.ratchet.serving.feedback import labels
from tests.serving.houses import House

ROUTE = "/v1/models/late:label"


def test_labels_are_written_before_they_are_acknowledged(late: House) -> None:
    """As they came, into the model's stream of labels."""
    sent = [{"id": "a" * 32 + ".0", "label": 1}, {"id": 12, "label": "late"}, {"id": "x", "label": True}]
    response = late.client.post(ROUTE, json={"labels": sent})
    assert (response.status_code, response.json()) == (200, {"received": 3})
    (line,) = late.lines("labels/late")
    assert line["labels"] == sent
    assert 'ratchet_labels_total{model="late"} 3.0' in late.client.get("/metrics").text


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"id": 1}, ""),
        ({"id": 1, "label": 1, "more": 1}, ""),
        ({"id": None, "label": 1}, "id"),
        ({"id": "", "label": 1}, "id"),
        ({"id": 2**63, "label": 1}, "id"),
        ({"id": "\ud800", "label": 1}, "id"),
        ({"id": 1, "label": None}, "label"),
        ({"id": 1, "label": float("nan")}, "label"),
        ({"id": 1, "label": [1]}, "label"),
    ],
)
def test_what_is_no_label_is_refused_with_row_and_field(row: Any, field: str) -> None:
    """The whole delivery is refused: half of it would be hard to send again."""
    with pytest.raises(RequestError) as caught:
        labels({"labels": [{"id": 1, "label": 1}, row]})
    assert caught.value.status == 422
    assert [(fault.row, fault.field) for fault in caught.value.faults] == [(1, field)]


@pytest.mark.parametrize("content", [[], {}, {"labels": []}, {"labels": {}}, {"labels": [{"id": 1, "label": 1}], "more": 1}])
def test_another_form_is_refused(late: House, content: Any) -> None:
    """The error says what is allowed."""
    response = late.client.post(ROUTE, json=content)
    assert response.status_code == 422
    assert response.json()["error"]["faults"][0]["allowed"] == "an array of 1 to 10000 objects"


def test_an_unknown_model_is_404(late: House) -> None:
    """As for predictions."""
    assert late.client.post("/v1/models/lat:label", json={"labels": [{"id": 1, "label": 1}]}).status_code == 404
