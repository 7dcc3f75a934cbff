"""SageMaker's model registry: one group per model, one package per version. A projection of the ledger, like MLflow's aliases."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from botocore.exceptions import ClientError

from include.ratchet.adapters.targets.aws import ABSENT, Aws, refused
from include.ratchet.domain.records import Json
from include.ratchet.domain.sagemakerspec import SageMaker

APPROVED, WAITING, FORMER = "Approved", "PendingManualApproval", "Rejected"


@dataclass(frozen=True)
class Packages:
    """The group of one model; empty where the spec keeps none."""

    aws: Aws
    group: str
    wanted: SageMaker

    def add(self, release: str, version: int, container: Json) -> None:
        """Register a release, once: its description names it."""
        about = "Versions that Ratchet has published"
        self.aws.create("model_package_group", ModelPackageGroupName=self.group, ModelPackageGroupDescription=about)
        if release in self._all():
            return
        types = ["application/json", "application/jsonlines"]
        self.aws.sagemaker.create_model_package(
            ModelPackageGroupName=self.group,
            ModelPackageDescription=release,
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": types,
                "SupportedResponseMIMETypes": types,
                "SupportedRealtimeInferenceInstanceTypes": [self.wanted.instance_type],
            },
            ModelApprovalStatus=WAITING,
            CustomerMetadataProperties={"ratchet-version": str(version)},
            ClientToken=release[-36:].strip("-"),
        )

    def approve(self, version: int) -> None:
        """Approve the packages of a version; what was approved before is no longer."""
        for release, (arn, status) in self._all().items():
            mine = f"-v{version}-" in release
            to = APPROVED if mine else FORMER if status == APPROVED else status
            if to != status:
                self.aws.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=to)

    def remove(self, keep: Collection[int]) -> list[str]:
        """Delete the packages of other versions."""
        gone = [(release, arn) for release, (arn, _) in self._all().items() if not any(f"-v{version}-" in release for version in keep)]
        return [release for release, arn in gone if self.aws.delete("model_package", ModelPackageName=arn)]

    def _all(self) -> dict[str, tuple[str, str]]:
        """Return ARN and status of each release that is registered."""
        if not self.wanted.registry:
            return {}
        try:
            pages = self.aws.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=self.group)
            return {
                each.get("ModelPackageDescription", each["ModelPackageArn"]): (each["ModelPackageArn"], each["ModelApprovalStatus"])
                for page in pages
                for each in page["ModelPackageSummaryList"]
            }
        except ClientError as error:
            if not refused(error, ABSENT):
                raise
            return {}
