"""Before labels come, the estimate's interval covers what comes; when what the inputs mean changes, it is switched off soon."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.book import Json, Proof

COVERAGE, FALSELY_OFF, SOON, FEWEST_OFF = 0.90, 0.05, 1000, 0.80
METRICS = ("roc_auc", "accuracy", "neg_brier_score", "neg_mean_absolute_error")
COVERED, TURNED = 50, 15
CHUNKS = 2


def run(part: int) -> Json:
    """Draw a chunk of worlds of one metric under covariate shift, and one under concept shift."""
    from proofs.inside import labels

    metric = METRICS[part % len(METRICS)]
    covered = [labels.covered(metric, part * COVERED + i) for i in range(COVERED)]
    until = [labels.labels_until_off(metric, part * TURNED + i) for i in range(TURNED)]
    return {
        "metric": metric,
        "worlds": COVERED,
        "covered": sum(each is True for each in covered),
        "abstained": sum(each is None for each in covered),
        "turned": TURNED,
        "off": [each for each in until if each is not None],
    }


def judge(parts: Sequence[Json]) -> tuple[bool, str]:
    """Want every metric covered, seldom off for nothing, and off soon for something."""
    holds, said = True, []
    for metric in dict.fromkeys(part["metric"] for part in parts):
        of = [part for part in parts if part["metric"] == metric]
        worlds, covered, abstained, turned = (sum(part[name] for part in of) for name in ("worlds", "covered", "abstained", "turned"))
        soon = sum(count <= SOON for part in of for count in part["off"])
        share, off, found = covered / max(worlds - abstained, 1), abstained / worlds, soon / turned
        holds &= share >= COVERAGE and off <= FALSELY_OFF and found >= FEWEST_OFF
        said.append(f"{metric}: covers {share:.1%} of {worlds - abstained}, abstains in {off:.1%}; off in {found:.0%} of {turned}")
    return holds, "; ".join(said)


LABELS = Proof(
    "labels",
    f"Labels 0 to 60 days late, some still out: under covariate shift the interval covers what comes in {COVERAGE:.0%} and at most "
    f"{FALSELY_OFF:.0%} abstain; under concept shift the estimate is off within {SOON} matured labels in {FEWEST_OFF:.0%}",
    (
        *(f"include/ratchet/steps/{name}.py" for name in ("calibrated", "estimate", "estimated", "expected", "residuals", "series")),
        "proofs/labels.py",
        "proofs/inside/labels.py",
    ),
    CHUNKS * len(METRICS),
    run,
    judge,
)
