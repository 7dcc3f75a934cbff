"""CloudWatch's GetMetricData as it is on the wire: moto's has no percentile rank, `PR(:x)`, and ends in an error of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

TARGET = "GraniteServiceVersion20100801.GetMetricData"
OPERATION = botocore.session.get_session().get_service_model("cloudwatch").operation_model("GetMetricData")


@dataclass(frozen=True)
class Invocation:
    """One request to one variant of an endpoint, as SageMaker measures it."""

    endpoint: str
    variant: str
    at: datetime
    ms: float = 5.0
    status: int = 200


def get_metric_data(body: bytes, seen: list[Invocation]) -> bytes:
    """Answer a request, minute by minute."""
    request = json.loads(body)
    request |= {name: datetime.fromtimestamp(request[name], UTC) for name in ("StartTime", "EndTime")}
    report = ParamValidator().validate(request, OPERATION.input_shape)
    assert not report.has_errors(), report.generate_report()
    results = [_result(each, request, seen) for each in request["MetricDataQueries"]]
    return json.dumps({"MetricDataResults": results}).encode()


def _result(query: dict[str, Any], request: dict[str, Any], seen: list[Invocation]) -> dict[str, Any]:
    wanted = query["MetricStat"]
    assert wanted["Metric"]["Namespace"] == "AWS/SageMaker"
    whose = {each["Name"]: each["Value"] for each in wanted["Metric"]["Dimensions"]}
    minutes: dict[datetime, list[float]] = {}
    for each in seen:
        minute = _minute(each.at)  # what it is stamped with
        same = (each.endpoint, each.variant) == (whose["EndpointName"], whose["VariantName"])
        if same and _minute(request["StartTime"]) <= minute < request["EndTime"]:
            minutes.setdefault(minute, []).append(_value(each, wanted["Metric"]["MetricName"]))
    assert timedelta(seconds=wanted["Period"]) == timedelta(minutes=1)
    values = [_statistic(found, wanted["Stat"]) for found in minutes.values()]
    return {
        "Id": query["Id"],
        "Label": query["Id"],
        "StatusCode": "Complete",
        "Timestamps": [each.timestamp() for each in minutes],
        "Values": values,
    }


def _value(each: Invocation, metric: str) -> float:
    """Return what one request adds to a metric; latency is in microseconds."""
    return {
        "Invocations": 1.0,
        "Invocation4XXErrors": float(400 <= each.status < 500),
        "Invocation5XXErrors": float(each.status >= 500),
        "ModelLatency": each.ms * 1000,
    }[metric]


def _statistic(values: list[float], stat: str) -> float:
    if stat.startswith("PR("):
        bound = float(stat.removeprefix("PR(:").removesuffix(")"))
        return 100.0 * sum(each <= bound for each in values) / len(values)
    return {"Sum": sum(values), "SampleCount": float(len(values))}[stat]


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
