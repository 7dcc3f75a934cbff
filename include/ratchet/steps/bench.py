"""The test rows with every model's answers: what all rules of the gate measure on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps import compare
from include.ratchet.steps.answers import Answers
from include.ratchet.steps.compare import Figure, Mask, Units

MISSING = "(missing)"


@dataclass(frozen=True)
class Bench:
    """Test rows, what is true of them, what each model says, and what was sampled as one.

    Attributes:
        spec: The model.
        answers: By who: challenger, baseline, and champion where there is one that can be asked.
        truth: Labels, shape `(n_rows,)`.
        sampled: The unit of each row.
        test: The rows themselves.
        challenger: The pipeline itself, for what must be asked again.
    """

    spec: ModelSpec
    answers: dict[str, Answers]
    truth: npt.NDArray[Any]
    sampled: Units
    test: pa.Table
    challenger: Any = None
    _known: dict[tuple[str, str], Figure] = field(default_factory=dict)

    def figure(self, metric: str, who: str) -> Figure:
        """Return a metric of one model; computed once."""
        if (metric, who) not in self._known:
            self._known[metric, who] = compare.figure(metric, self.answers[who], self.truth, self.sampled, self.spec.training.seed)
        return self._known[metric, who]

    def gain(self, inside: Mask) -> Figure:
        """Return challenger less champion among some rows."""
        name, truth, sampled = self.spec.gate.metric, self.truth[inside], self.sampled.among(inside)
        mine, theirs = (self.answers[who].take(inside) for who in ("challenger", "champion"))
        seed = self.spec.training.seed
        return compare.figure(name, mine, truth, sampled, seed) - compare.figure(name, theirs, truth, sampled, seed)

    def groups(self, column: str) -> Iterator[tuple[str, Mask]]:
        """Return each value of a column, and which rows have it."""
        yield from groups(self.test, column)


def groups(rows: pa.Table, column: str) -> Iterator[tuple[str, Mask]]:
    """Return each value of a column, as text and in its order, and which rows have it."""
    words = pc.fill_null(pc.cast(rows[column], pa.string()), MISSING).combine_chunks()
    coded = pc.dictionary_encode(words)
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    for value, code in sorted((value, code) for code, value in enumerate(coded.dictionary.to_pylist())):
        yield value, np.asarray(codes == code)
