"""What CloudWatch knows of one variant of an endpoint."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from include.ratchet.adapters.targets.aws import Aws
from include.ratchet.domain.records import Json
from include.ratchet.domain.target import Figures

MINUTE = 60
"""SageMaker sends its metrics once a minute."""


def figures(aws: Aws, variant: tuple[str, str], since: datetime, until: datetime, slow_ms: float) -> Figures:
    """Add up the minutes of a variant, named after its endpoint: requests, answers with 4xx or 5xx, and those slower than `slow_ms`.

    How many were slow comes from CloudWatch's percentile rank, `PR(:x)`: the share of the values up to x; `ModelLatency`
    is in microseconds.
    """
    asked = {
        "requests": ("Invocations", "Sum"),
        "bad": ("Invocation4XXErrors", "Sum"),
        "broken": ("Invocation5XXErrors", "Sum"),
        "timed": ("ModelLatency", "SampleCount"),
        "quick": ("ModelLatency", f"PR(:{slow_ms * 1000:g})"),
    }
    dimensions = [{"Name": name, "Value": value} for name, value in zip(("EndpointName", "VariantName"), variant, strict=True)]
    queries = [_query(name, metric, stat, dimensions) for name, (metric, stat) in asked.items()]
    found: dict[str, dict[datetime, float]] = {name: {} for name in asked}
    pages = aws.metrics.get_paginator("get_metric_data")
    for page in pages.paginate(MetricDataQueries=queries, StartTime=since, EndTime=until, ScanBy="TimestampAscending"):
        for each in page["MetricDataResults"]:
            found[each["Id"]].update(zip(each["Timestamps"], each["Values"], strict=True))
    slow = sum(count * (100.0 - found["quick"].get(minute, 100.0)) / 100.0 for minute, count in found["timed"].items())
    requests = round(math.fsum(found["requests"].values()))
    failed = math.fsum((*found["bad"].values(), *found["broken"].values()))
    return Figures(requests, min(round(failed), requests), min(round(slow), requests))


def _query(name: str, metric: str, stat: str, dimensions: list[Json]) -> dict[str, Any]:
    wanted = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": wanted, "Period": MINUTE, "Stat": stat}, "ReturnData": True}
