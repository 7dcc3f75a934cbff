"""Batch scoring by a transform job, body by body: every row once, as the worker would have predicted it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from include.ratchet.adapters import open_endpoint, open_lake, open_ledger, open_registry, open_transforms
from include.ratchet.adapters.targets.transform import Transforms
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, DeployError, Skip
from include.ratchet.domain.records import Json
from include.ratchet.domain.sagemakerspec import transform_of
from include.ratchet.steps.predict import predict
from include.ratchet.tasks import choose, deploy, retain, score, transform_job
from tests.aws import Door
from tests.contract.test_targets import KilledError
from tests.tiny import DAYS, MODEL, Project, visits


@pytest.fixture
def scoring(cloud: Door, serving: Project) -> Project:
    """A project whose champion is published, and scores by transform jobs."""
    file = serving.include / "models" / MODEL / specs.MODEL_FILE
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("    alarms:", "    transform: {}\n    alarms:"), encoding="utf-8")
    spec, verdict = specs.model(MODEL), open_ledger().blessing(MODEL, 1)
    assert verdict
    assert transform_of(spec.deploy.sagemaker)
    open_endpoint(spec).publish(1, Path(open_registry().artifact(MODEL, 1, verdict.artifact)))
    assert cloud.calls
    return serving


def _run(project: Project, body: Any, *args: Any) -> Any:
    return project.run(body, *args, stage="score")


def _job(plan: Json) -> None:
    """Do what the operator does."""
    aws = open_transforms(specs.model(MODEL)).aws.sagemaker
    aws.create_transform_job(**plan["request"])
    while aws.describe_transform_job(TransformJobName=plan["request"]["TransformJobName"])["TransformJobStatus"] == "InProgress":
        pass


def _predictions() -> pa.Table:
    return open_lake().dataset(f"predictions/{MODEL}").to_table().sort_by("visit").drop_columns(["scored_at"])


def _left(plan: Json) -> list[str]:
    jobs = open_transforms(specs.model(MODEL))
    bucket, _, prefix = plan["request"]["TransformOutput"]["S3OutputPath"].removeprefix("s3://").partition("/")
    return jobs._keys(bucket, prefix.removesuffix("out/"))


def _here() -> pa.Table:
    """Predict what waits as the worker does, without writing it."""
    found = score.waiting(MODEL)
    spec, trained = found.spec, score.trained_on(found.spec, 1)
    return predict(found.pipelines[1], found.of(1), trained, spec, 1, datetime.now(UTC)).sort_by("visit").drop_columns(["scored_at"])


def test_a_job_writes_what_the_worker_would_have_written(scoring: Project) -> None:
    """The same predictions, scores and marks; done again nothing changes, and nothing is left in S3 or beside the tables."""
    expected = _here()
    plan = _run(scoring, transform_job.submit, MODEL)
    assert _run(scoring, transform_job.submit, MODEL) == plan  # killed before its end was noted: the same job
    _job(plan)
    for _ in range(2):
        said = _run(scoring, transform_job.collect, plan)
    assert said["rows"] == expected.num_rows > 1000
    found = _predictions()
    assert found.drop_columns(["score"]).cast(expected.drop_columns(["score"]).schema).equals(expected.drop_columns(["score"]))
    assert found["score"].to_pylist() == pytest.approx(expected["score"].to_pylist(), rel=1e-12)
    assert (_left(plan), open_lake().files("transforms")) == ([], [])
    with pytest.raises(Skip, match="every row has its prediction"):
        _run(scoring, transform_job.submit, MODEL)


def test_killed_between_write_and_clean_up_it_arrives(scoring: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the answers may be gone then: what is in the lake is not asked for again."""
    plan = _run(scoring, transform_job.submit, MODEL)
    _job(plan)

    def killed(jobs: Any, request: Json) -> None:
        bucket, _, prefix = request["TransformOutput"]["S3OutputPath"].removeprefix("s3://").partition("/")
        jobs.aws.s3.delete_object(Bucket=bucket, Key=f"{prefix}part-00000.jsonl.out")
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Transforms, "clear", killed)
        with pytest.raises(KilledError):
            _run(scoring, transform_job.collect, plan)
    version = open_lake().version(f"predictions/{MODEL}")
    _run(scoring, transform_job.collect, plan)
    assert (open_lake().version(f"predictions/{MODEL}"), _left(plan)) == (version, [])


def test_answers_whose_ids_are_gone_do_not_end_well(scoring: Project) -> None:
    """Nothing would be written, in green; the next run keeps the ids anew, and takes the answers of the same job."""
    plan = _run(scoring, transform_job.submit, MODEL)
    _job(plan)
    open_lake().drop(plan["kept"])
    with pytest.raises(DataError, match=r"not in the lake at .*; without these ids the answers of ratchet-.* Start the scoring again"):
        _run(scoring, transform_job.collect, plan)
    assert _run(scoring, transform_job.submit, MODEL) == plan
    assert _run(scoring, transform_job.collect, plan)["rows"] == _predictions().num_rows


def test_answers_that_are_not_all_there_write_nothing(scoring: Project) -> None:
    """The output of a job that was cut is refused with what to do; the rows still wait."""
    plan = _run(scoring, transform_job.submit, MODEL)
    with pytest.raises(DataError, match=r"found 0 answers; expected \d+ by version 1"):
        _run(scoring, transform_job.collect, plan)
    assert open_lake().version(f"predictions/{MODEL}") is None


def test_bad_answers_do_not_stop_scoring_for_good(scoring: Project) -> None:
    """They are dropped with what was asked, so that the next run asks another job over the same rows."""
    plan = _run(scoring, transform_job.submit, MODEL)
    _job(plan)
    jobs = open_transforms(specs.model(MODEL))
    bucket, _, prefix = plan["request"]["TransformOutput"]["S3OutputPath"].removeprefix("s3://").partition("/")
    jobs.aws.s3.put_object(
        Bucket=bucket, Key=f"{prefix}part-99999.jsonl.out", Body=b'{"prediction": 1, "probability": 0.5, "version": 1}\n'
    )
    with pytest.raises(DataError, match=r"found \d+ answers; .* the next run asks another job"):
        _run(scoring, transform_job.collect, plan)
    assert _left(plan) == []
    again = _run(scoring, transform_job.submit, MODEL)
    assert again["request"]["TransformJobName"] == plan["request"]["TransformJobName"].removesuffix("-0") + "-1"
    _job(again)
    assert _run(scoring, transform_job.collect, again)["rows"] == _predictions().num_rows


def test_what_nobody_takes_goes_with_retention(scoring: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines in S3 and ids in the lake of a job that was never collected: kept for a week, then removed."""
    plan = _run(scoring, transform_job.submit, MODEL)
    assert retain.retain()["transforms"] == 0
    assert (len(_left(plan)), len(open_lake().files("transforms"))) == (1, 1)
    monkeypatch.setattr(retain, "JOBS_LIVE", -timedelta(days=1))
    assert retain.retain()["transforms"] == 2
    assert (_left(plan), open_lake().files("transforms")) == ([], [])


def test_a_job_that_failed_is_followed_by_another(scoring: Project, cloud: Door) -> None:
    """SageMaker keeps a job's name for ever: the next run's is numbered, over the same rows."""
    cloud.breaking = "transform"
    plan = _run(scoring, transform_job.submit, MODEL)
    _job(plan)
    cloud.breaking = ""
    again = _run(scoring, transform_job.submit, MODEL)
    assert _left(plan) == []  # rows of people
    names = [each["request"]["TransformJobName"] for each in (plan, again)]
    assert names[0].removesuffix("-0") == names[1].removesuffix("-1")
    _job(again)
    assert _run(scoring, transform_job.collect, again)["rows"] == _predictions().num_rows


def test_rows_of_an_earlier_champions_time_are_predicted_here(scoring: Project) -> None:
    """Each version its own rows; the job is about those of the champion of now, which has to be published."""
    scoring.run(deploy.change, choose.planned(MODEL, "promote", None), stage="deploy")
    scoring.deliver("newest.csv", visits(DAYS, 2))
    scoring.ingest()
    with pytest.raises(DeployError, match="version 2: not published on SageMaker"):
        _run(scoring, transform_job.submit, MODEL)
    assert set(_predictions()["model_version"].to_pylist()) == {1}
