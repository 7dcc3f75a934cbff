"""What the OpenAPI page says of requests and answers; tests let Schemathesis hold the service to it."""

from __future__ import annotations

from typing import Any

from include.ratchet.serving.reader import MAX_ROWS

_TEXT = {"type": "string"}
_VALUE = {"type": ["number", "string", "null"]}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "faults"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "faults": {"type": "array", "items": {"type": "object"}},
            },
        },
    },
}
_STATUSES = {
    400: "The body is not JSON.",
    401: "The key is missing or wrong.",
    404: "No such model.",
    408: "The body took too long.",
    413: "The body is too large.",
    422: "The input is not allowed; the faults name row and field.",
    500: "No version could predict these rows.",
    503: "Nothing serves yet, or too many requests at a time; come again.",
    504: "The prediction took too long.",
}
_RECORDS = {
    "type": "object",
    "required": ["records"],
    "additionalProperties": False,
    "properties": {
        "records": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_ROWS,
            "items": {"type": "object", "additionalProperties": _VALUE},
        },
    },
}
_COLUMNS = {
    "type": "object",
    "required": ["columns"],
    "additionalProperties": False,
    "properties": {"columns": {"type": "object", "additionalProperties": {"type": "array", "items": _VALUE}}},
}
_ANSWER = {
    "type": "object",
    "required": ["id", "model", "version", "predictions"],
    "properties": {
        "id": {"type": "string", "description": "Of the request; its rows are id.0, id.1, ..."},
        "model": {"type": "string"},
        "version": {"type": "integer"},
        "predictions": {"type": "array"},
        "probabilities": {"type": "array"},
        "route": {"enum": ["canary", "fallback"]},
        "degraded": {"type": "string"},
    },
}
_LABELS = {
    "type": "object",
    "required": ["labels"],
    "additionalProperties": False,
    "properties": {
        "labels": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_ROWS,
            "items": {
                "type": "object",
                "required": ["id", "label"],
                "additionalProperties": False,
                "properties": {"id": {"type": ["string", "integer"]}, "label": {"type": ["number", "string", "boolean"]}},
            },
        },
    },
}


def _operation(body: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    answers: dict[int | str, Any] = {200: {"description": "The answer.", "content": {"application/json": {"schema": answer}}}}
    answers |= {status: {"description": text, "content": {"application/json": {"schema": _ERROR}}} for status, text in _STATUSES.items()}
    return {
        "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}},
        "responses": answers,
        "response_model": None,
    }


PREDICT = _operation({"oneOf": [_RECORDS, _COLUMNS]}, _ANSWER)
LABEL = _operation(_LABELS, {"type": "object", "required": ["received"], "properties": {"received": {"type": "integer"}}})
MISSING: dict[int | str, Any] = {404: {"description": _STATUSES[404], "content": {"application/json": {"schema": _ERROR}}}}
"""For pages about one model."""
