"""Compare a batch's figures with those of earlier batches: changed units, and keys that are written otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.records import Json
from include.ratchet.domain.skew import Change, Known

Floats = npt.NDArray[np.float64]
FEWEST = 30
"""Filled cells that a column needs on both sides before its unit is judged."""
NEAR, FAR = 0.15, 0.5
"""In interquartile ranges: so far off a batch may be once it is converted back, and must be as it came; both further by
1 / sqrt(n), about what a quantile of n cells is off by chance."""
REPEATED = 0.1
"""A share of rows with the key of another row and other values: more, and more than the quarantine takes, and the key has
another meaning."""


@dataclass(frozen=True)
class Unit:
    """A conversion that people forget to announce: from the expected unit to the found one, `scale * x + shift`."""

    name: str
    scale: float
    shift: float = 0.0


def _both(name: str, other: str, scale: float, shift: float = 0.0) -> tuple[Unit, Unit]:
    return Unit(f"{name} to {other}", scale, shift), Unit(f"{other} to {name}", 1 / scale, -shift / scale)


UNITS = (
    *_both("Celsius", "Fahrenheit", 9 / 5, 32),
    *_both("Celsius", "Kelvin", 1, 273.15),
    *_both("miles", "kilometres", 1.609344),
    *_both("feet", "metres", 0.3048),
    *_both("inches", "millimetres", 25.4),
    *_both("pounds", "kilograms", 0.45359237),
    *_both("miles per hour", "metres per second", 0.44704),
    *_both("knots", "kilometres per hour", 1.852),
    *_both("inches of mercury", "millibar", 33.8639),
    *_both("minutes", "seconds", 60),
    *_both("hours", "seconds", 3600),
    *(Unit(f"times {factor:g}", factor) for factor in (10, 100, 1000, 1e6)),
    *(Unit(f"divided by {factor:g}", 1 / factor) for factor in (10, 100, 1000, 1e6)),
)


def changes(rows: pa.Table, figures: Json, spec: FeedSpec, known: Known) -> list[Change]:
    """Name the columns whose unit changed, and what changed about the key; without history only the latter.

    Args:
        rows: The decoded batch.
        figures: Its statistics.
        spec: The feed.
        known: Statistics of earlier batches.
    """
    found = [*_unit_changes(figures, spec, known.history), *_key_changes(rows, figures, spec, known.history)]
    return [each for each in found if each not in known]


def _unit_changes(figures: Json, spec: FeedSpec, history: Sequence[Json]) -> list[Change]:
    found = []
    for name in spec.columns:
        if name in spec.key or spec.units.ignores(name) or "q" not in figures.get(name, {}):
            continue
        earlier = [each[name] for each in history if "q" in each.get(name, {}) and _filled(each[name]) >= FEWEST]
        unit = _unit(figures[name], earlier) if earlier and _filled(figures[name]) >= FEWEST else None
        if unit:
            before, now = np.median([each["q"][4] for each in earlier]), figures[name]["q"][4]
            shown = "" if name in spec.personal else f" a typical {before:.4g} became {now:.4g};"
            found.append(Change("unit", name, unit.name, f"{name}: unit changed?{shown} as from {unit.name}"))
    return found


def _unit(now: Json, earlier: Sequence[Json]) -> Unit | None:
    """Return the conversion that explains a column's new scale, when its own variation does not.

    The nine quantiles are compared, by their median. As they came, they must lie far outside what they ever were, and
    further from the last batch than twice the largest step from one batch to the next, so that a season is none;
    converted back, they must lie within a step of the last batch, with a like spread. On the flights and the weather
    of 2013, by month and by week, no unit is said to have changed.
    """
    past = np.array([each["q"] for each in earlier], dtype=np.float64)
    pooled: Floats = np.median(past, axis=0)
    spread, came = _spread(pooled), np.array(now["q"], dtype=np.float64)
    if not spread or not _spread(came):
        return None
    chance = 1 / min(_filled(now), _filled(earlier[-1])) ** 0.5
    low, high = past.min(axis=0), past.max(axis=0)
    last, step = past[-1], np.abs(np.diff(past, axis=0)).max(axis=0) if len(past) > 1 else np.zeros_like(pooled)
    if (
        np.median(_outside(came, low, high)) <= (FAR + chance) * spread
        or np.median(np.abs(came - last) - 2 * step) <= (FAR + chance) * spread
    ):
        return None
    fits: list[tuple[float, Unit]] = []
    for unit in UNITS:
        back = (came - unit.shift) / unit.scale
        off = float(np.median(np.maximum(np.abs(back - last) - step, 0)) / spread)
        if off <= NEAR + chance and 0.6 <= _spread(back) / spread <= 1 / 0.6:  # noqa: PLR2004 - a like spread, either way
            fits.append((off, unit))
    return min(fits, key=lambda fit: fit[0])[1] if fits else None


def _outside(values: Floats, low: Floats, high: Floats) -> Floats:
    return np.maximum(np.maximum(low - values, values - high), 0.0)


def _spread(quantiles: Floats) -> float:
    """Return the distance of the quartiles; where they are the same, that of the outer quantiles."""
    return float(quantiles[5] - quantiles[3]) or float(quantiles[7] - quantiles[1])


def _filled(figures: Json) -> int:
    return int(figures["n"]) - int(figures["nulls"])


def _key_changes(rows: pa.Table, figures: Json, spec: FeedSpec, history: Sequence[Json]) -> list[Change]:
    found = [] if spec.mode == "append" else _repeated(rows, spec)
    for name in spec.key:
        seen = [each[name]["shapes"] for each in history if "shapes" in each.get(name, {})]
        usual = {shape for shapes in seen for shape in shapes}
        now = figures.get(name, {}).get("shapes", {})
        regular = seen and all(sum(shapes.values()) > 0.9 for shapes in seen)  # noqa: PLR2004 - few shapes make all of it
        if now and regular and sum(share for shape, share in now.items() if shape in usual) < 0.1:  # noqa: PLR2004
            one, other = next(iter(now)), next(iter(seen[-1]))
            found.append(
                Change("key", name, one, f"{name}: the key is written otherwise; found {one!r}, expected {other!r} (a letters, 9 digits)")
            )
    return found


def _repeated(rows: pa.Table, spec: FeedSpec) -> list[Change]:
    keys = rows.select(list(spec.key)).to_pandas()
    most = max(REPEATED, spec.quarantine.max_fraction)
    if keys.duplicated(keep="last").mean() <= most:
        return []
    frame = rows.to_pandas().drop_duplicates()
    again = frame.duplicated(list(spec.key), keep=False)
    if again.mean() <= most:
        return []  # whole rows came twice: nothing is known of another key
    others = [name for name in spec.columns if name not in spec.key and not frame.duplicated([*spec.key, name]).any()]
    guess = f"; with {others[0]} it would be unique" if others else ""
    name = ", ".join(spec.key)
    return [
        Change("key", name, "repeated", f"{name}: the key names {int(again.sum())} of {len(frame)} different rows more than once{guess}")
    ]
