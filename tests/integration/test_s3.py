"""The whole chain with everything on S3: what arrives, the raw bytes, the lake, MLflow's artifacts."""

from __future__ import annotations

import json

import pytest

from include.ratchet.adapters import open_lake
from include.ratchet.adapters.store import Store
from include.ratchet.tasks import score
from include.ratchet.tasks.lineage import trained_on
from include.ratchet.tasks.retain import retain
from tests.s3server import S3Server
from tests.tiny import DAYS, FEED, MODEL, ROWS_A_DAY, Project, visits

FOR_MLFLOW = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "MLFLOW_S3_ENDPOINT_URL")


@pytest.mark.integration
def test_from_an_object_to_scored_rows(project: Project, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object becomes a champion and predictions; the disk holds nothing but the two databases; lineage reaches the object."""
    for name in FOR_MLFLOW:
        monkeypatch.setenv(name, "")  # put back after the test: what opens the registry sets them
        monkeypatch.delenv(name)
    bucket = s3.bucket()
    monkeypatch.setenv("AIRFLOW_CONN_LAKES", s3.connection)
    stores = {name: {"uri": f"{bucket}/{name}", "connection": "lakes"} for name in ("landing", "main")}
    monkeypatch.setenv("RATCHET__STORES", json.dumps(stores))
    for name, place in (("RAW", "main://raw"), ("LAKE", "main://lake"), ("MLFLOW__ARTIFACTS", "main://mlflow")):
        monkeypatch.setenv(f"RATCHET__{name}", place)
    body = visits().to_csv(index=False).encode()
    s3.call("put_object", Bucket=bucket.removeprefix("s3://"), Key="landing/visits/first.csv", Body=body)
    project.ingest()
    assert project.train()["outcome"] == "promote"
    assert project.promote()["version"] == 1
    assert project.run(score.score, MODEL, stage="score")["rows"] == DAYS * ROWS_A_DAY - 1
    (table,) = trained_on(MODEL, 1)["tables"]
    assert [each["uri"] for each in table["batches"]] == [f"{bucket.removeprefix('s3://')}/landing/visits/first.csv"]
    assert open_lake().dataset(f"clean/{FEED}", table["version"]).count_rows() == DAYS * ROWS_A_DAY
    assert set(retain().values()) == {0}
    kinds = {"/".join(each.name.split("/")[:3]) for each in Store(bucket, s3.access).listed()}
    assert {"landing/visits/first.csv", "main/raw/visits", "main/lake/clean", "main/lake/predictions", "main/mlflow/buys"} <= kinds
    local = {path.relative_to(project.home).parts[0] for path in project.home.rglob("*") if path.is_file()}
    assert local <= {"ledger.db", "ledger.db.locks", "mlflow", "docs", "dossiers"}
    assert not list((project.home / "mlflow").rglob("*.skops"))
