"""Bodies of `<model>_train` after its snapshot: fit, register, judge, bless."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.ratchet.domain import specs
from include.ratchet.domain.errors import RegistryError, Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.occasion import occasion
from include.ratchet.domain.records import Json, Verdict, Window, digest
from include.ratchet.tasks import reading, recipe
from include.ratchet.tasks.reported import reported
from include.ratchet.tasks.snapshot import split_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from include.ratchet.adapters.probe import Probe
    from include.ratchet.steps.frames import Split


def fit(job: Json) -> Json:
    """Compare one candidate's trials on the folds, and fit the best of them on all train rows.

    `job["recorded"]`, the trials of an earlier fit, makes it a replay of just these; with `job["explained"]` false nobody
    looks at its learning curve and importances, and none are made.
    """
    from include.ratchet.adapters import open_work
    from include.ratchet.adapters.models import save_skops
    from include.ratchet.steps.folds import folds
    from include.ratchet.steps.pipeline import training_rows
    from include.ratchet.steps.search import Trial
    from include.ratchet.steps.train import fit_candidate

    snapshot, candidate = job["snapshot"], job["candidate"]
    spec = specs.model(snapshot["run"]["model"], training=snapshot["run"].get("training"))
    chosen = next(each for each in spec.training.candidates if each.name == candidate)
    rows, parts = split_rows(spec, snapshot)
    train = rows.filter(parts.train)
    compared = folds(train, spec, Window.from_json(snapshot["run"]["window"]))
    recorded = [Trial.from_json(each) for each in job.get("recorded", [])]
    fitted = fit_candidate(spec, chosen, training_rows(train, spec), compared, recorded, explained=job.get("explained", True))
    path, work = f"{_work(snapshot['run'])}/{candidate}.skops", open_work()
    with work.part() as part:
        save_skops(fitted.pipeline, part)
        work.adopt(part, path)
    return {
        "snapshot": snapshot,
        "name": candidate,
        "score": fitted.score,
        "best": fitted.best.to_json(),
        "trials": [each.to_json() for each in fitted.trials],
        "curve": [list(point) for point in fitted.curve],
        "importances": fitted.importances,
        "seconds": round(fitted.seconds, 3),
        "path": path,
    }


def register(candidates: list[Json]) -> Json:
    """Register the candidate with the best validation score: the fitted object itself, no refit.

    Raises:
        Skip: The run is an experiment, which is only tracked; the reason says where.
    """
    from include.ratchet.adapters import open_registry, open_work
    from include.ratchet.adapters.models import load_skops

    best = max(candidates, key=lambda each: (each["score"], each["name"]))
    snapshot, registry, work = best["snapshot"], open_registry(), open_work()
    run = snapshot["run"]
    if run.get("experiment"):
        place = registry.track(reported(candidates, best))
        work.drop(_work(run))
        message = f"an experiment, tracked and never registered: {best['name']} {best['score']:.6g}; {place}"
        raise Skip(message)
    pipeline = None
    # Gone when this task was ended after it had registered: the registry knows the run then, and needs no pipeline.
    if work.exists(best["path"]):
        with work.local(best["path"]) as fitted:
            pipeline = load_skops(fitted)
    baseline = _baseline(specs.model(run["model"]), snapshot) if pipeline is not None else None
    made = registry.register(reported(candidates, best, pipeline, baseline))
    recipe.keep(best, made.version)
    registry.point(made.model, {"challenger": made.version})
    work.drop(_work(run))
    return {"run": run, "snapshot": snapshot, "version": made.version, "chosen": best["name"], "validation_score": best["score"]}


def _baseline(spec: ModelSpec, snapshot: Json) -> Any:
    """Fit the trivial model, which the service answers with when every version fails."""
    from include.ratchet.steps.baselines import fit_trivial
    from include.ratchet.steps.frames import features, labels

    rows, parts = split_rows(spec, snapshot)
    return fit_trivial(spec, (features(rows, spec.columns)[parts.train], labels(rows, spec)[parts.train]))


def judge(challenger: Json) -> Json:
    """Apply the gate to the registered challenger; the verdict goes into the ledger, whatever it is."""
    from include.ratchet.adapters import open_ledger, open_registry
    from include.ratchet.steps.evaluate import evaluate, window_tested

    run, version = challenger["run"], int(challenger["version"])
    if run.get("experiment"):
        message = f"run {run['run_id']} is an experiment of {run['model']}; it is never judged or blessed. Start a training run."
        raise RegistryError(message)
    spec, ledger, registry = specs.model(run["model"]), open_ledger(), open_registry()
    champion = ledger.champion(spec.name)
    rows, parts = split_rows(spec, challenger["snapshot"])
    pipeline = registry.load(spec.name, version)
    sha, proved, trivial = by_itself(challenger, rows, parts)
    incumbent = reading.champion(spec.name, champion) if champion is not None else None
    window = window_tested(spec, rows, parts)
    circumstances = occasion(spec, run, ledger.verdicts(spec.name), window)
    decision, figures = evaluate(spec, rows, parts, pipeline, incumbent, proved, circumstances, trivial)
    figures |= {"test_window": window, "looks": circumstances.looks, "by_hand": circumstances.by_hand}
    verdict = ledger.judge(
        Verdict(
            spec.name,
            version,
            run["run_id"],
            decision.outcome,
            decision.sentence,
            decision.rules,
            {**figures, "candidate": challenger["chosen"], "snapshot": challenger["snapshot"]["digest"], "suites": _suites(spec)},
            champion,
            datetime.now(UTC),
            artifact=sha,
        )
    )
    registry.tag(spec.name, version, {"ratchet.verdict": verdict.outcome, "ratchet.verdict_digest": verdict.digest})
    return {
        "model": spec.name,
        "version": version,
        "outcome": verdict.outcome,
        "digest": verdict.digest,
        "sentence": verdict.sentence,
        **figures,
    }


def by_itself(challenger: Json, rows: pa.Table, parts: Split) -> tuple[str, Probe, Mapping[str, Any]]:
    """Find what a verdict needs of a challenger whoever the champion is; the policies of a backtest share it by their memory.

    Args:
        challenger: What `register` returned.
        rows: The rows of its snapshot.
        parts: Which of them are for what.

    Returns:
        The SHA-256 of its artifact, what a fresh process said of it, and the fitted baselines by name.
    """
    from include.ratchet.adapters import open_memory, open_registry
    from include.ratchet.adapters.models import sha256_of
    from include.ratchet.adapters.probe import Probe, probe
    from include.ratchet.steps.baselines import fit_baselines
    from include.ratchet.steps.frames import features, labels

    spec, memory = specs.model(challenger["run"]["model"]), open_memory()
    artifact = open_registry().artifact(spec.name, int(challenger["version"]))
    sha = sha256_of(artifact)
    proved = memory.record(["probe", sha], lambda: probe(artifact, features(rows.filter(parts.test), spec.columns).head(50)), Probe)

    def trivial() -> dict[str, Any]:
        train = rows.filter(parts.train)
        return fit_baselines(spec, (features(train, spec.columns), labels(train, spec)))

    return sha, proved, memory.pipelines(["baselines", challenger["snapshot"]["digest"]], trivial)


def bless(verdict: Json) -> Json:
    """Announce a promote verdict; anything else ends here, as a green run.

    Raises:
        Skip: The verdict is refuse or inconclusive.
    """
    if verdict["outcome"] != "promote":
        raise Skip(verdict["sentence"])
    return {key: verdict[key] for key in ("model", "version", "digest", "dossier") if key in verdict}


def _work(run: Json) -> str:
    return f"{run['model']}/{digest(run['run_id'])[:16]}"


def _suites(spec: ModelSpec) -> dict[str, str]:
    """Name the rules that the rows of each feed are held against: the suites are versioned with the model."""
    return {name: specs.feed(name).suite_digest for name in specs.all_feeds(spec)}
