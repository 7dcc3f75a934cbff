"""The name of a fit: the same in every process, another for anything that answers differently."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from include.ratchet.adapters.canonical import _content, digest_of, pipeline_digest
from include.ratchet.adapters.models import save_skops
from include.ratchet.domain.specs import PROJECT

X = np.random.default_rng(7).normal(size=(120, 3))
Y = X[:, 0] + 0.3 * X[:, 1] > 0
MODELS = {
    "logistic": LogisticRegression(),
    "tree": DecisionTreeClassifier(max_depth=3, random_state=1),
    "forest": RandomForestClassifier(5, random_state=1),
    "boosting": HistGradientBoostingClassifier(max_iter=3, random_state=1),
    "network": MLPClassifier((4,), max_iter=5, random_state=1),
    "neighbours": KNeighborsClassifier(3),
}
AGAIN = """
from include.ratchet.adapters.canonical import digest_of
from tests.adapters.test_canonical import fitted, MODELS
print(*[digest_of(fitted(name)) for name in MODELS])
"""


def fitted(name: str) -> Any:
    """Fit one of the models."""
    return make_pipeline(StandardScaler(), MODELS[name]).fit(X, Y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_another_process_gives_the_same_name() -> None:
    """Other addresses, another hash seed, another heap: fitted anew there, every model has the same digest as here."""
    env = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", AGAIN], cwd=PROJECT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [digest_of(fitted(name)) for name in MODELS]


def test_files_differ_where_names_do_not(tmp_path: Path) -> None:
    """The reason for all this: two dumps of one fit are other bytes."""
    for name in "ab":
        save_skops(fitted("tree"), tmp_path / name)
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()
    assert pipeline_digest(tmp_path / "a") == pipeline_digest(tmp_path / "b")


@pytest.mark.parametrize("name", ["logistic", "tree", "boosting"])
def test_another_fit_has_another_name(name: str) -> None:
    """One row's label changed, or one parameter that is only kept."""
    base, changed = digest_of(fitted(name)), Y.copy()
    changed[0] ^= True
    assert digest_of(make_pipeline(StandardScaler(), MODELS[name]).fit(X, changed)) != base
    assert digest_of(fitted(name).set_params(standardscaler__copy=False)) != base


def test_one_bit_of_an_array_counts() -> None:
    """The smallest change of one coefficient."""
    one = fitted("logistic")
    base = digest_of(one)
    one[-1].coef_[0, 0] = np.nextafter(one[-1].coef_[0, 0], np.inf)
    assert digest_of(one) != base


def test_texts_and_sparse_arrays() -> None:
    """Vocabularies repeat, and a zipped array is named by what is in it."""
    words = ["red blue", "blue green", "green red red"]
    assert digest_of(make_pipeline(TfidfVectorizer()).fit(words)) == digest_of(make_pipeline(TfidfVectorizer()).fit(words))
    assert _content("a.bin", b"x") != _content("a.bin", b"y")


def test_zip_times_do_not_count(tmp_path: Path) -> None:
    """An npz file holds when it was written."""
    names = []
    for number, value in enumerate((1.0, 1.0, 2.0)):
        path = tmp_path / f"{number}.npz"
        sparse.save_npz(path, sparse.csr_matrix(np.eye(3) * value))
        names.append(_content("a.npz", path.read_bytes()))
    assert names[0] == names[1] != names[2]
