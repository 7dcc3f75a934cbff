"""Plan a backtest: what is replayed, and the folder that belongs to just that."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import yaml

from include.ratchet.adapters import open_lake, open_ledger
from include.ratchet.adapters.ledger import Ledger
from include.ratchet.adapters.ledger.batches import MERGED
from include.ratchet.adapters.models import sha256_of
from include.ratchet.backtest import bed
from include.ratchet.backtest.bed import Bed
from include.ratchet.domain import backtest, specs
from include.ratchet.domain.config import load_config
from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Batch, Json, digest
from include.ratchet.tasks import recipe
from include.ratchet.tasks.age import folder_of

SOURCES = specs.PROJECT / "include" / "ratchet"


def plan(spec: ModelSpec, count: int, search: str = "once") -> Bed:
    """Plan the replay of a model's history; the same plan finds what was done of it before.

    Args:
        spec: The model.
        count: Into how many windows.
        search: `once` or `every`: whether later windows search parameters again, or fit what the oldest model's search found.

    Raises:
        SpecError: The model has no event times, or the windows or the search cannot be.
        DataError: A feed has no data yet, or the history is shorter than one training needs.
    """
    if search not in backtest.SEARCHES:
        near = specs.did_you_mean(search, list(backtest.SEARCHES))
        raise SpecError("search of a backtest", [f"found {search!r}; allowed are {' and '.join(backtest.SEARCHES)}{near}"])
    if spec.columns.time is None:
        found = "columns.time: not there; a backtest replays time, and this model's rows have none"
        raise SpecError(f"models/{spec.name}: cannot be replayed", [found])
    batches = {feed: _merged(feed) for feed in specs.all_feeds(spec)}
    first, last = _span(spec, batches)
    wall = load_config().clock == "wall"
    steps = []
    for number, window in enumerate(backtest.windows(first, last, count), 1):
        tables = backtest.known_at(window.end, batches, wall=wall)
        steps.append({"number": number, "window": window.to_json(), "tables": tables})
    texts = _texts(spec)
    content: Json = {"model": spec.name, "steps": steps, "texts": texts, "made_by": _made_by(spec)}
    content["search"] = search if any(each.search for each in spec.training.candidates) else "every"
    place = folder_of(spec.name) / "work"
    made = Bed(place / digest(content)[:16])
    for other in place.glob("*") if place.is_dir() else ():
        if other != made.folder:
            (other / "plan.json").unlink(missing_ok=True)  # first: what a kill leaves of a folder must not pass for a whole one
            shutil.rmtree(other)  # of another history, spec or code: nothing of it can be used again
    if not (made.folder / "plan.json").exists():
        _lay_out(made, spec, texts)
        bed.write(made.folder / "plan.json", content)
    return made


def possible(made: Bed, asked: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the policies to replay, and why others cannot be: what a policy listens to may not go with the rest of `model.yaml`.

    Args:
        made: The backtest.
        asked: Policies by name; none is all that can be.

    Raises:
        SpecError: One that was asked for cannot be, or none can.
    """
    faults = {policy: _fault(made, policy) for policy in backtest.named(asked)}
    left_out = {policy: fault for policy, fault in faults.items() if fault}
    found = tuple(policy for policy in faults if policy not in left_out)
    if left_out and (asked or not found):
        said = [f"{policy}: {fault}" for policy, fault in left_out.items()]
        raise SpecError(f"models/{made.model}: cannot be replayed so", said, "Mend model.yaml, or leave the policy out.")
    return found, left_out


def _fault(made: Bed, policy: str) -> str:
    try:
        specs.model(made.model, made.folder / "include" / policy)
    except SpecError as error:
        return "; ".join(error.faults) or error.headline
    return ""


def _merged(feed: str) -> list[Batch]:
    found = [each for each in open_ledger().batches(feed, *MERGED) if each.version is not None]
    if not found:
        message = (
            f"feed {feed}: found no merged batch; a backtest replays what has been. Deliver data and run {feed}_ingest, or ./ratchet run"
        )
        raise DataError(message)
    return found


def _span(spec: ModelSpec, batches: Mapping[str, Sequence[Batch]]) -> tuple[datetime, datetime]:
    """Return the first event and the newest that all timed feeds have reached; the clock of a project is its slowest feed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lake, firsts, lasts = open_lake(), [], []
    for feed in batches:
        time = specs.feed(feed).time
        if time is None:
            continue
        times = lake.dataset(f"clean/{feed}").to_table(columns=[time.name], use_threads=False)[time.name]
        ends = pc.min_max(times.cast(pa.timestamp("us", tz="UTC"))).as_py()
        firsts.append(ends["min"])
        lasts.append(ends["max"])
    if not firsts or None in firsts:
        message = f"models/{spec.name}: found no row with an event time; a backtest replays what has been. Deliver data first"
        raise DataError(message)
    first, last = max(firsts), min(*lasts, datetime.now(UTC))
    held = spec.training.split.test
    if last - first <= held + 3 * spec.labels.lag:  # type: ignore[operator]
        message = (
            f"models/{spec.name}: no history yet: its rows reach from {first:%Y-%m-%d} to {last:%Y-%m-%d}, and one training alone "
            f"holds out {held} for its test. Run the backtest when there is more"
        )
        raise DataError(message)
    return first, last


def _texts(spec: ModelSpec) -> dict[str, str]:
    """Return the specs, and the model's own code where it has some, by their path below the include folder."""
    texts = recipe.texts(spec)
    code = specs.INCLUDE / "models" / spec.name / "code.py"
    return texts | ({f"models/{spec.name}/code.py": code.read_text(encoding="utf-8")} if code.is_file() else {})


def _made_by(spec: ModelSpec) -> dict[str, str]:
    """Return what decides about the results: Ratchet's sources as they are, committed or not, and the environment.

    The commit is left out, as most of them change no source; so is the BLAS, which is named only once something has loaded it.
    """
    sources = {str(path.relative_to(SOURCES)): sha256_of(path) for path in SOURCES.rglob("*.py")}
    return {**recipe.made_by(spec), "code": digest(sources), "blas": ""}


def _lay_out(made: Bed, spec: ModelSpec, texts: Mapping[str, str]) -> None:
    """Write an include folder for every policy, and an empty ledger that is copied for each.

    A champion of the past is deployed nowhere: with `deploy.sagemaker` promoting one would change the endpoint that serves today.
    """
    mine = f"models/{spec.name}/{specs.MODEL_FILE}"
    for policy in backtest.POLICIES:
        content = yaml.safe_load(texts[mine]) | {"triggers": backtest.triggers_of(spec, policy), "deploy": {"target": "local"}}
        changed = {**texts, mine: yaml.safe_dump(content, sort_keys=False)}
        for path, text in changed.items():
            bed.write_text(made.folder / "include" / policy / path, text)
    Ledger(f"sqlite:///{made.folder / bed.TEMPLATE}")
