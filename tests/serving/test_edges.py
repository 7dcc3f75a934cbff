"""What `fast` is proved on reaches everything that a version knows."""

from __future__ import annotations

import numpy as np

from include.ratchet.serving.edges import UNHEARD, probes
from include.ratchet.serving.fast import compiled
from include.ratchet.serving.frames import to_frame
from tests.serving.fakes import COLUMNS, prepared


def test_every_word_and_the_outermost_thresholds_are_probed() -> None:
    """With more categories than rows are usually drawn, each of them, null and an unheard word; and a tree's highest threshold."""
    draw = np.random.default_rng(2)
    carriers = [f"C{number:03}" for number in range(300)]
    rows = [{"distance": float(draw.normal()), "hour": float(draw.normal()), "carrier": carriers[number % 300]} for number in range(3000)]
    frame = to_frame(COLUMNS, rows)
    pipeline = prepared(COLUMNS).fit(frame, (frame["hour"] + draw.normal(size=3000) > 0).astype(int))
    found = compiled(pipeline, COLUMNS)
    assert found is not None
    made = probes(found, COLUMNS)
    assert {each["carrier"] for each in made} == {*carriers, None, UNHEARD}
    nodes = np.concatenate([tree.nodes for trees in pipeline[-1]._predictors for tree in trees])
    numbers = nodes[(nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)]
    assert found.trees is not None
    hours = [column for column, place in enumerate(found.trees.order) if place == found.numbers[1].place]
    thresholds = numbers["num_threshold"][np.isin(numbers["feature_idx"], hours)]
    assert len(set(thresholds)) > 64
    assert {thresholds.min(), thresholds.max()} <= {each["hour"] for each in made}
