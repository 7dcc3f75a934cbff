"""What every place where a champion serves must do: our own service by its ledger, and SageMaker by its API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ParamValidationError, ProfileNotFound

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.adapters.models import save_skops
from include.ratchet.adapters.targets.aws import Aws, said_plainly
from include.ratchet.adapters.targets.local import LocalTarget
from include.ratchet.adapters.targets.sagemaker import SageMakerTarget
from include.ratchet.adapters.targets.transform import Transforms
from include.ratchet.domain.errors import DeployError, RatchetError, RegistryError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Promotion, RuleResult, Verdict
from include.ratchet.domain.sagemakerspec import Transform
from include.ratchet.domain.target import AwayError, Target
from include.ratchet.steps.pipeline import build_pipeline
from tests.aws import REGION, Door, door
from tests.makers import model_spec
from tests.s3server import S3Server

VERSIONS = (1, 2, 3)


class KilledError(BaseException):
    """The process is gone: nothing in it catches this."""


KILL_EVERY = 14
"""Every 14th call here, of some 60."""


class Calls:
    """Counts what is asked of SageMaker and S3, and dies at a call."""

    def __init__(self, aws: Aws, moment: str) -> None:
        """Listen to botocore's own events: `before` a request is sent, or `after` its answer has come."""
        self.count, self._at = 0, 0
        for client in (aws.sagemaker, aws.s3):
            client.meta.events.register(f"{moment}-call", self._called)

    def arm(self, at: int) -> None:
        """Die at the call of this number; at none when it is 0."""
        self.count, self._at = 0, at

    def _called(self, **_: Any) -> None:
        self.count += 1
        if self.count == self._at:
            raise KilledError


@dataclass
class Bed:
    """A target under test, with three versions that nobody has published."""

    target: Target
    ledger: Ledger
    artifacts: dict[int, Path]
    settings: dict[str, Any] = field(default_factory=dict)

    def publish(self, *versions: int) -> None:
        """Publish them."""
        for version in versions:
            self.target.publish(version, self.artifacts[version])

    def promote(self, version: int) -> None:
        """Do what `promote` does: the target first, the ledger last, unless it says so already; then wait."""
        self.target.serve(version)
        self.settle()
        name, champion = self.settings["model"], self.ledger.champion(self.settings["model"])
        if champion != version:
            action = "rollback" if version in {each.version for each in self.ledger.promotions(name)} else "promote"
            verdict = self.ledger.blessing(name, version)
            assert verdict
            self.ledger.promote(Promotion(name, version, champion, action, "test", "", verdict.digest, datetime.now(UTC)))  # type: ignore[arg-type]

    def settle(self) -> None:
        """Wait until no change is under way."""
        for _ in range(10):
            if self.target.live().settled:
                return
        raise AssertionError("it never settled")


def sagemaker_spec(name: str, place: str, **more: Any) -> ModelSpec:
    """Make a spec whose target is an endpoint."""
    wanted = {
        "region": REGION,
        "role": "arn:aws:iam::123456789012:role/ratchet",
        "image": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/ratchet:1.0.0",
        "place": place,
        **more,
    }
    return model_spec(name=name, deploy={"target": "sagemaker", "sagemaker": wanted})


@pytest.fixture
def cloud(s3: S3Server, tmp_path: Path) -> Iterator[Door]:
    """Open a door before moto's server."""
    with door(s3.endpoint, tmp_path / "container") as made:
        yield made


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Fit three versions."""
    folder, spec = tmp_path_factory.mktemp("artifacts"), model_spec()
    made = {version: folder / str(version) / "model.skops" for version in VERSIONS}
    for version, path in made.items():
        draw = np.random.default_rng(version)
        frame = pd.DataFrame({"x": draw.normal(size=100), "c": pd.Series(draw.choice(["a", "b"], 100), dtype=object)})
        pipeline = build_pipeline(spec, spec.training.candidates[0], {})
        save_skops(pipeline.fit(frame, (frame["x"] + draw.normal(size=100) > 0).astype(int)), path)
    return made


@pytest.fixture
def make(s3: S3Server, cloud: Door, tmp_path: Path, artifacts: dict[int, Path]) -> Callable[..., Bed]:
    """Make a bed of a kind."""

    def made(kind: str, **more: Any) -> Bed:
        name = f"m{uuid.uuid4().hex[:10]}"
        ledger = Ledger(f"sqlite:///{tmp_path / name}.db")
        rules = (RuleResult("r", "check", "pass", "fine"),)
        for version in VERSIONS:
            ledger.judge(Verdict(name, version, f"r{version}", "promote", "yes", rules, {}, None, datetime.now(UTC)))
        if kind == "local":
            return Bed(LocalTarget(name, ledger), ledger, artifacts, {"model": name})
        spec = sagemaker_spec(name, s3.bucket(), **more)
        assert spec.deploy.sagemaker
        return Bed(SageMakerTarget(spec, spec.deploy.sagemaker, cloud.aws()), ledger, artifacts, {"model": name})

    return made


@pytest.fixture(params=["local", "sagemaker"])
def bed(request: pytest.FixtureRequest, make: Callable[..., Bed]) -> Bed:
    """Make one bed of each kind."""
    return make(request.param)


def test_nothing_serves_before_the_first_champion(bed: Bed) -> None:
    """Publishing sends no request anywhere."""
    bed.publish(1)
    assert bed.target.live().shares == {}


def test_the_same_version_is_published_once(bed: Bed) -> None:
    """A second try finds the first one's work under the same name."""
    first = bed.target.publish(1, bed.artifacts[1])
    assert bed.target.publish(1, bed.artifacts[1]) == first


def test_what_is_promoted_serves_alone(bed: Bed) -> None:
    """One champion, the new one; said again, it changes nothing."""
    bed.publish(1, 2)
    for version in (1, 2, 2):
        bed.promote(version)
        assert bed.target.live().only(version)
    assert bed.ledger.champion(bed.settings["model"]) == 2


def test_a_canary_answers_its_fraction(bed: Bed) -> None:
    """Two versions share the requests as asked; opened twice, they still do."""
    bed.publish(1, 2)
    bed.promote(1)
    for _ in range(2):
        bed.target.split(1, 2, 0.2)
        bed.settle()
        assert bed.target.live().shares == pytest.approx({1: 0.8, 2: 0.2})


@pytest.mark.parametrize("to", [1, 2])
def test_a_canary_ends_either_way(bed: Bed, to: int) -> None:
    """Back to the champion, or on to the challenger."""
    bed.publish(1, 2)
    bed.promote(1)
    bed.target.split(1, 2, 0.2)
    bed.settle()
    bed.promote(to)
    assert bed.target.live().only(to)


def test_a_former_champion_comes_back(bed: Bed) -> None:
    """A rollback is a change like any other, and needs no second publishing."""
    bed.publish(1, 2)
    for version in (1, 2, 1):
        bed.promote(version)
    assert bed.target.live().only(1)


def test_what_is_old_is_removed_and_what_may_come_back_is_not(bed: Bed) -> None:
    """The champion and the one before it stay; a second look finds nothing more to do."""
    bed.publish(*VERSIONS)
    for version in VERSIONS:
        bed.promote(version)
    bed.target.remove({2, 3})
    assert bed.target.remove({2, 3}) == []
    bed.promote(2)
    assert bed.target.live().only(2)


def test_an_artifact_that_is_no_model_is_not_published(bed: Bed, tmp_path: Path) -> None:
    """What does not load here would not load there."""
    bad = tmp_path / "model.skops"
    bad.write_bytes(b"no model")
    with pytest.raises(RegistryError, match="no skops file"):
        bed.target.publish(1, bad)


def test_the_registry_shows_one_approved_version(make: Callable[..., Bed]) -> None:
    """A package per version, registered once; the champion's is approved, what is removed is gone."""
    bed = make("sagemaker", registry=True)
    target = bed.target
    assert isinstance(target, SageMakerTarget)
    bed.publish(1, 2, 2)
    for version in (1, 2):
        bed.promote(version)
        target.approve(version)
    packages = target.aws.sagemaker.list_model_packages(ModelPackageGroupName=target.stem)["ModelPackageSummaryList"]
    assert sorted(each["ModelApprovalStatus"] for each in packages) == ["Approved", "Rejected"]
    assert len([name for name in target.remove({2}) if "-v1-" in name]) == 2  # the model and its package
    packages = target.aws.sagemaker.list_model_packages(ModelPackageGroupName=target.stem)["ModelPackageSummaryList"]
    assert [each["ModelApprovalStatus"] for each in packages] == ["Approved"]


def test_what_aws_does_not_allow_is_said_with_what_to_do(make: Callable[..., Bed]) -> None:
    """A refusal that stays is an error of ours, and is not tried again."""
    bed = make("sagemaker")
    assert isinstance(bed.target, SageMakerTarget)
    elsewhere = replace(bed.target, wanted=bed.target.wanted.model_copy(update={"place": "s3://nobody-has-this-bucket"}))
    with pytest.raises(DeployError, match=r"NoSuchBucket.*correct deploy.sagemaker.place"):
        elsewhere.publish(1, bed.artifacts[1])
    with pytest.raises(DeployError, match="version 3: not published on SageMaker"):
        bed.target.serve(3)


def test_long_names_share_no_endpoint() -> None:
    """SageMaker's names are short: what is cut off is told apart by its digest."""
    names = [f"a_model_with_a_long_name_for_flights_to_{place}" for place in ("rome", "riga")]
    made = [sagemaker_spec(name, "s3://models") for name in names]
    stems = {SageMakerTarget(each, each.deploy.sagemaker, Aws(REGION)).stem for each in made if each.deploy.sagemaker}
    assert (len(stems), max(map(len, stems))) == (2, 36)


FOREIGN = [
    (
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "slower"}}, "CreateModel"),
        "AWS refused with ThrottlingException: slower",
    ),
    (EndpointConnectionError(endpoint_url="https://nowhere"), "AWS does not answer: Could not connect to the endpoint URL"),
]


@pytest.mark.parametrize(("error", "words"), FOREIGN)
def test_what_may_pass_is_no_refusal(error: Exception, words: str) -> None:
    """It says what was being done, and its task is tried again."""
    with pytest.raises(AwayError, match=f"publish m: {words}") as caught, said_plainly("publish m"):
        raise error
    assert not isinstance(caught.value, RatchetError)


LASTING = [
    *(
        (
            ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadObject"),
            rf"AWS refused with {code}: no; correct the connection, or the keys",
        )
        for code in ("ExpiredTokenException", "InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "400")
    ),
    (NoCredentialsError(), "AWS was not asked: Unable to locate credentials; correct the connection"),
    (ProfileNotFound(profile="p"), r"AWS was not asked: The config profile \(p\) could not be found; correct the connection"),
    (ParamValidationError(report="bad"), "AWS was not asked: Parameter validation failed:\nbad; correct deploy.sagemaker in model.yaml"),
]


@pytest.mark.parametrize(("error", "words"), LASTING)
def test_what_will_not_pass_is_a_refusal(error: Exception, words: str) -> None:
    """Keys that are gone, and requests that cannot be made, wait for a person: the task fails at once, with what to do."""
    with pytest.raises(DeployError, match=f"publish m: {words}.*, then start the deploy again"), said_plainly("publish m"):
        raise error


def _way(bed: Bed) -> None:
    """Go from version 1 to version 2 by a canary; each call may be the second one."""
    target = bed.target
    assert isinstance(target, SageMakerTarget)
    bed.publish(1, 2)
    target.split(1, 2, 0.2)
    bed.settle()
    for version in (1, 2):
        target.serve(version)
        bed.settle()
    target.approve(2)
    target.remove({1, 2})


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_call_and_run_again_it_arrives(make: Callable[..., Bed], moment: str) -> None:
    """Before a call reached AWS and after it did, without its answer: the second run ends where one run would have."""
    first = make("sagemaker", registry=True)
    assert isinstance(first.target, SageMakerTarget)
    calls = Calls(first.target.aws, moment)
    _way(first)
    whole = calls.count
    struck = 0
    for at in range(1 if moment == "before" else 3, whole, KILL_EVERY):
        bed = make("sagemaker", registry=True)
        assert isinstance(bed.target, SageMakerTarget)
        bed.target = replace(bed.target, aws=first.target.aws)
        calls.arm(at)
        try:
            _way(bed)
        except KilledError:
            struck += 1
        calls.arm(0)
        bed.settle()  # a change that had begun ends first: another one meets AwayError until then, and its task is tried again
        _way(bed)
        assert bed.target.live().only(2), at
        packages = bed.target.packages.aws.sagemaker.list_model_packages(ModelPackageGroupName=bed.target.stem)
        assert len(packages["ModelPackageSummaryList"]) == 2, at
    assert struck == len(range(1 if moment == "before" else 3, whole, KILL_EVERY)) >= 3


LINES = b'{"x": 1.0, "c": "a"}\n{"x": -1.0, "c": null}\n'


def _transformed(jobs: Transforms) -> list[bytes]:
    """Go from rows to answers by a job, as `submit`, the operator and `collect` do; each call may be the second one."""
    request = jobs.ready(1, "0" * 64, [LINES, LINES])
    jobs.aws.create("transform_job", **request)
    while jobs.aws.sagemaker.describe_transform_job(TransformJobName=request["TransformJobName"])["TransformJobStatus"] == "InProgress":
        pass
    return jobs.answers(request)


def test_numbers_of_jobs_do_not_end(make: Callable[..., Bed]) -> None:
    """However often the same rows were asked for, the next run has a name for its job."""
    bed = make("sagemaker", transform={})
    assert isinstance(bed.target, SageMakerTarget)
    bed.publish(1)
    jobs = Transforms(bed.target, Transform())
    for number in range(12):
        request = jobs.ready(1, "1" * 64, [LINES])
        assert request["TransformJobName"].endswith(f"-{number}")
        jobs.aws.create("transform_job", **request)
        while jobs.aws.sagemaker.describe_transform_job(TransformJobName=request["TransformJobName"])["TransformJobStatus"] != "Completed":
            pass
        jobs.clear(request)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_transform_killed_at_any_call_is_one_job(make: Callable[..., Bed], cloud: Door, moment: str) -> None:
    """Run again, it finds its own job, and the answers are one per row in their order."""
    struck = 0
    for at in range(1, 12, 2):
        bed = make("sagemaker", transform={})
        assert isinstance(bed.target, SageMakerTarget)
        bed.publish(1)
        jobs, before = Transforms(bed.target, Transform()), cloud.calls.count("CreateTransformJob")
        calls = Calls(jobs.aws, moment)
        calls.arm(at)
        try:
            _transformed(jobs)
        except KilledError:
            struck += 1
        calls.arm(0)
        said = [json.loads(line) for line in _transformed(jobs)]
        assert [each["prediction"] for each in said] == [each["prediction"] for each in said[:2]] * 2, at
        assert (len(said), {each["version"] for each in said}) == (4, {1})
        request = jobs.ready(1, "0" * 64, [LINES, LINES])
        assert request["TransformJobName"].endswith("-0")
        for _ in range(2):
            jobs.clear(request)
        assert jobs.ready(1, "0" * 64, [LINES])["TransformJobName"].endswith("-1")
        assert cloud.calls.count("CreateTransformJob") - before <= 2 + (struck > 0)
    assert struck >= 5
