"""Bodies of `<model>_score` where SageMaker's machines predict: lines to S3 before the transform job, predictions after it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.records import Json
from include.ratchet.tasks.score import append, predict_here, predicted_ids, trained_on, waiting


def submit(model: str) -> Json:
    """Lay the champion's rows that have no prediction out for a transform job; return its `request`, None where none are.

    Rows of an earlier champion's time are few, and predicted here: its release may be gone from SageMaker.

    Raises:
        Skip: There is no champion, or nothing to score.
        DeployError: The champion was never published on SageMaker, or AWS refuses.
    """
    from include.ratchet.adapters import open_lake, open_transforms
    from include.ratchet.steps.frames import columns_of, features
    from include.ratchet.steps.lines import to_lines
    from include.ratchet.steps.predict import known_of
    from include.ratchet.steps.transform import content_digest

    found = waiting(model)
    spec, version, by = found.spec, found.champion, set(found.by.tolist())
    for former in sorted(by - {version}):
        predict_here(found, former)
    plan = {"model": model, "champion": version, "rows": found.rows.num_rows, "request": None}
    if version not in by:
        return plan
    part, lake = found.of(version), open_lake()
    columns = columns_of(found.pipelines[version], spec.columns)
    content = content_digest(part.select(list(dict.fromkeys([*spec.columns.id, *columns.features]))))
    request = open_transforms(spec).ready(version, content, to_lines(features(part, columns)))
    # What the job does not see: whose rows these are, and whether the version was trained on them.
    kept = f"transforms/{model}/{request['TransformJobName']}.parquet"
    lake.keep(kept, known_of(part, trained_on(spec, version), spec))
    return {**plan, "request": request, "kept": kept}


def collect(plan: Json) -> Json:
    """Append what a transform job answered, each row once; then remove what it read and wrote.

    Raises:
        DataError: There is not one answer per row by the version that was asked; the next run asks another job. Or nobody knows
            here whose answers they are.
    """
    from include.ratchet.adapters import open_lake, open_transforms
    from include.ratchet.steps.lines import from_lines
    from include.ratchet.steps.predict import answered, unscored

    said = {key: plan[key] for key in ("model", "champion", "rows")}
    if plan["request"] is None:
        return said
    spec, lake, version = specs.model(plan["model"]), open_lake(), int(plan["champion"])
    jobs = open_transforms(spec)
    try:
        known = lake.kept(plan["kept"])
    except DataError as error:
        if not jobs.answers(plan["request"]):
            return said  # an earlier try has removed them, after the answers
        job = plan["request"]["TransformJobName"]
        message = (
            f"{error}; without these ids the answers of {job} are nobody's. Start the scoring again: it keeps them anew, for the same job"
        )
        raise DataError(message) from None
    if unscored(known, predicted_ids(spec), spec).num_rows:
        try:
            answers = from_lines(jobs.answers(plan["request"]), known.num_rows, version)
        except DataError:
            jobs.clear(plan["request"])  # while its answers are there, the next run finds this job by its name, and not another
            raise
        append(spec, version, answered(known, *answers, spec, version, datetime.now(UTC)))
    jobs.clear(plan["request"])
    lake.drop(plan["kept"])
    return said


def said_plainly(request: Json) -> AbstractContextManager[None]:
    """Say AWS's errors about a job in our words: `DeployError` where it refuses, `AwayError` where that may pass."""
    from include.ratchet.adapters.targets import aws

    return aws.said_plainly(f"transform job {request['TransformJobName']}", "start the scoring again")
