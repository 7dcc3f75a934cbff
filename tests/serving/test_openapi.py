"""The service keeps what its OpenAPI page promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serving.fakes import ROW, fit
from tests.serving.houses import House, build_house

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance, negative_data_rejection]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Give a service with one model."""
    made = build_house(Path(tmp_path_factory.mktemp("openapi")))
    made.write("late")
    made.stores.promote("late", 1, fit([0, 1]))
    made.follower.poll()
    return made


OPERATIONS = ("POST /v1/models/{name}:predict", "POST /v1/models/{name}:label", "GET /v1/models/{name}", "GET /readyz", "GET /metrics")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_one_that_the_page_names(house: House, operation: str) -> None:
    """Whatever Schemathesis sends, right or wrong: no failure of ours, no status and no form that the page does not name."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", house.client.app)
    method, path = operation.split()
    found = schema[path][method]

    @given(case=st.one_of(found.as_strategy(), found.as_strategy(generation_mode=GenerationMode.NEGATIVE)))
    @settings(max_examples=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def holds(case: schemathesis.Case[Any]) -> None:
        if case.path_parameters.get("name"):
            case.path_parameters["name"] = "late"  # a model that is there: what is not is 404, and no more to see
        case.call_and_validate(checks=CHECKS)

    holds()


def test_every_route_is_on_the_page(house: House) -> None:
    """The list above is the page's, but for what takes nothing and answers a constant."""
    page = house.client.get("/openapi.json").json()
    there = {f"{method.upper()} {path}" for path, methods in page["paths"].items() for method in methods}
    assert there - set(OPERATIONS) == {"GET /healthz", "GET /v1/models"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/{name}:predict", {"records": [ROW]}),
        ("/v1/models/{name}:predict", {"columns": {name: [value] for name, value in ROW.items()}}),
        ("/v1/models/{name}:label", {"labels": [{"id": "a", "label": 1}]}),
    ],
)
def test_a_good_request_has_the_answer_of_the_page(house: House, path: str, body: Any) -> None:
    """What is drawn at random is refused mostly, for it does not know the model's fields."""
    found = schemathesis.openapi.from_asgi("/openapi.json", house.client.app)[path]["post"]
    response = found.Case(path_parameters={"name": "late"}, body=body, media_type="application/json").call_and_validate(checks=CHECKS[:4])
    assert response.status_code == 200
