"""The lake: Delta tables and immutable Parquet files, on local disk or an object store."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
from deltalake import ColumnProperties, CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from include.ratchet.adapters.s3 import S3Access
from include.ratchet.adapters.store import Store
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.ports import Lake, TableFiles
from include.ratchet.domain.records import Stored

ATTEMPTS = 5
# Delta forgets old versions 30 days after a checkpoint; a registered model needs its snapshot for years.
RETENTION = {
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
}


class DeltaLake(Lake):
    """Tables at `<place>/<table>`."""

    def __init__(self, place: str, access: S3Access | None = None) -> None:
        """Keep everything under `place`, a path or a URL; `access` is how S3 is reached."""
        self._place = place
        self._access = (access or S3Access()) if place.startswith("s3://") else None
        self._options = self._access.for_delta if self._access else None

    @functools.cached_property
    def _store(self) -> Store:
        return Store(self._place, self._access)

    def version(self, table: str) -> int | None:
        """Return the table's newest version, None when it does not exist."""
        found = self._open(table)
        return found.version() if found else None

    def dataset(self, table: str, version: int | None = None) -> pads.Dataset:
        """Return the rows of a version as an Arrow dataset: columns and rows are read when asked for."""
        return self._existing(table, version).to_pyarrow_dataset()

    def parquet(self, table: str, version: int | None = None) -> TableFiles:
        """Return the files of a version; partitions and deletion vectors say of rows what no file says."""
        found = self._existing(table, version)
        features, partitions = found.protocol().reader_features or [], found.metadata().partition_columns
        hidden = [name for name in features if name in ("deletionVectors", "columnMapping")] + [f"partition {name}" for name in partitions]
        if hidden:
            message = f"table {table}: found {', '.join(hidden)}, which its files alone do not tell; read it with engine: duckdb"
            raise DataError(message)
        return TableFiles(tuple(found.file_uris()), pa.schema(found.schema().to_arrow()), found.to_pyarrow_dataset())

    def whole(self, table: str, version: int) -> bool:
        """Say whether a version is in the log, and all its files are there."""
        try:
            found = self._open(table, version)
        except (DeltaError, DataError):
            return False
        there = {each.name for each in self._store.listed(table)} if found else set()
        return found is not None and all(f"{table}/{uri.rpartition(f'/{table}/')[2]}" in there for uri in found.file_uris())

    def write(self, table: str, rows: pa.Table, *, write_id: str, mode: str, key: Sequence[str] = ()) -> int:
        """Write rows as one new version; Delta's own transaction ids make it happen once per `write_id`."""
        uri = self._uri(table)
        for attempt in range(ATTEMPTS):
            found = self._open(table)
            if found and found.transaction_version(write_id) is not None:
                return found.version()
            properties = CommitProperties(app_transactions=[Transaction(write_id, 1)])
            try:
                if mode not in ("merge", "insert"):
                    self._add(found or uri, rows, "overwrite" if mode == "replace" else "append", properties)
                elif found:
                    self._merge(found, rows, key, properties, update=mode == "merge")
                else:
                    # Of two writers that both make a table the second is refused, and looks by key what is there: Delta
                    # itself would try its commit again as an append, and keep both rows of a key.
                    self._add(uri, rows, "error", CommitProperties(app_transactions=[Transaction(write_id, 1)], max_commit_retries=0))
            except DeltaError as error:
                made = found is None and self._open(table) is not None
                if attempt == ATTEMPTS - 1 or not (made or isinstance(error, CommitFailedError)):
                    raise
                continue  # another writer was first: look again on a fresh handle
            break
        return DeltaTable(uri, storage_options=self._options).version()

    def wrote(self, table: str, write_ids: Sequence[str]) -> set[str]:
        """Return which of some writes are in the table, by Delta's own transaction ids."""
        found = self._open(table) if write_ids else None
        return {each for each in write_ids if found and found.transaction_version(each) is not None}

    def revise(self, table: str, rows: pa.Table, *, column: str, value: str, write_id: str) -> int:
        """Put rows in place of those with a value, by one commit."""
        where = f"{column} = '{value.replace(chr(39), chr(39) * 2)}'"
        for attempt in range(ATTEMPTS):
            found = self._open(table)
            if found is None:
                message = f"table {table}: nothing was written to it yet; there is nothing to revise"
                raise DataError(message)
            if found.transaction_version(write_id) is not None:
                break
            properties = CommitProperties(app_transactions=[Transaction(write_id, 1)])
            try:
                if rows.num_rows:
                    write_deltalake(found, rows, mode="overwrite", predicate=where, commit_properties=properties)
                else:
                    found.delete(where, commit_properties=properties)
            except CommitFailedError:
                if attempt == ATTEMPTS - 1:
                    raise
                continue
            break
        return DeltaTable(self._uri(table), storage_options=self._options).version()

    def keep(self, name: str, rows: pa.Table | pa.RecordBatchReader) -> str:
        """Write an immutable Parquet file, atomically; return its place."""
        with self._store.part(str(Path(name).parent)) as part:
            fractions = _fractions(rows.schema)
            with pq.ParquetWriter(part, rows.schema, use_dictionary=[n for n in rows.schema.names if n not in fractions]) as writer:
                for batch in [rows] if isinstance(rows, pa.Table) else rows:
                    writer.write(batch)
            return self._store.adopt(part, name)

    def kept(self, name: str) -> pa.Table:
        """Read a file that `keep` wrote."""
        try:
            with self._store.open(name) as content:
                return pq.ParquetFile(content).read()
        except DataError:
            message = f"{name}: not in the lake at {self._place}"
            raise DataError(message) from None

    def drop(self, *names: str) -> None:
        """Remove files that `keep` wrote and that nothing needs any more."""
        self._store.remove(*names)

    def tables(self) -> list[str]:
        """Name the tables."""
        log = "/_delta_log/"
        return sorted({each.name.partition(log)[0] for each in self._store.listed() if log in each.name})

    def files(self, folder: str) -> list[Stored]:
        """List what `keep` wrote below a folder."""
        return self._store.listed(folder)

    def clean(self, table: str, keep: Collection[int], older: timedelta) -> int:
        """Remove the files that only versions replaced for longer than `older` need, but not one that a version of `keep` needs."""
        found = self._open(table)
        if found is None:
            return 0
        lost = [version for version in sorted(keep) if not self._readable(table, version)]
        if lost:
            message = f"table {table}: versions {lost} are needed and no longer in its log, so nothing of it is removed; restore _delta_log"
            raise DataError(message)
        hours = int(older.total_seconds() // 3600)
        spent = found.vacuum(hours, dry_run=True, enforce_retention_duration=False, keep_versions=sorted(keep) or None)
        # Delta's own removal makes two versions of the table that hold nothing new, and counts again what went before.
        there = {each.name for each in self._store.listed(table)}
        gone = sorted({f"{table}/{name}" for name in spent} & there)
        self._store.remove(*gone)
        return len(gone)

    def abort(self, before: datetime) -> list[str]:
        """Remove what writers left unfinished that died before a moment."""
        return self._store.abort(before)

    def _add(
        self, table: DeltaTable | str, rows: pa.Table, how: Literal["overwrite", "append", "error"], properties: CommitProperties
    ) -> None:
        if isinstance(table, str) and self._access and not self._safe:
            message = (
                f"lake at {self._place}: this store ignores conditional puts (If-None-Match), and two writers would lose rows; "
                "allowed is one that keeps them, such as Amazon S3, MinIO or Ceph"
            )
            raise DataError(message)
        write_deltalake(
            table,
            rows,
            mode=how,
            schema_mode="overwrite" if how == "overwrite" else "merge",
            configuration=RETENTION if isinstance(table, str) else None,
            commit_properties=properties,
            writer_properties=_written(rows.schema),
            storage_options=self._options,
        )

    @functools.cached_property
    def _safe(self) -> bool:
        """Whether of two who put the same new object one is refused: without that, of two commits one would vanish."""
        name = f"_probe-{uuid.uuid4().hex}"
        try:
            self._store.create(name)
            self._store.create(name)
        except FileExistsError:
            return True
        finally:
            self._store.remove(name)
        return False

    def _merge(self, table: DeltaTable, rows: pa.Table, key: Sequence[str], properties: CommitProperties, *, update: bool) -> None:
        same = " AND ".join(f't."{name}" = s."{name}"' for name in key)
        merge = table.merge(rows, same, source_alias="s", target_alias="t", merge_schema=True, commit_properties=properties)
        (merge.when_matched_update_all() if update else merge).when_not_matched_insert_all().execute()

    def _existing(self, table: str, version: int | None) -> DeltaTable:
        found = self._open(table, version)
        if found is None:
            message = f"table {table}: nothing was written to it yet; run its ingest first"
            raise DataError(message)
        return found

    def _open(self, table: str, version: int | None = None) -> DeltaTable | None:
        try:
            return DeltaTable(self._uri(table), version=version, storage_options=self._options)
        except TableNotFoundError:
            return None
        except DeltaError as error:
            newest = self.version(table) if version is not None else None
            if version is None or newest is None or version <= newest:
                raise
            message = f"table {table}: version {version} is not there; the newest is {newest}"
            raise DataError(message) from error

    def _readable(self, table: str, version: int) -> bool:
        try:
            return self._open(table, version) is not None
        except (DeltaError, DataError):
            return False

    def _uri(self, table: str) -> str:
        uri = f"{self._place}/{table}"
        if "://" not in uri:
            Path(uri).mkdir(parents=True, exist_ok=True)
        return uri


def _fractions(schema: pa.Schema) -> list[str]:
    """Name the columns of fractions: hardly a value comes twice, and to look for those that do took two thirds of writing."""
    return [field.name for field in schema if pa.types.is_floating(field.type)]


def _written(schema: pa.Schema) -> WriterProperties:
    plain = ColumnProperties(dictionary_enabled=False)
    return WriterProperties(compression="SNAPPY", column_properties=dict.fromkeys(_fractions(schema), plain))
