"""Preprocessing, inside the pipeline: what was fitted on the train rows is what serves."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from include.ratchet.domain.modelspec import Columns

RARE = 20
"""A category seen fewer times than this is read as the one infrequent category."""
MAX_CATEGORIES = 254
"""The histogram booster keeps at most 255 bins, one of them for missing."""
MAX_INDICATORS = 100
"""One column per category, at most so many; the rest is infrequent: 300,000 rows of 100 columns are 240 MB."""
MAX_WORDS = 2000
MAX_WORDS_DENSE = 200
"""Words per text column; fewer where the estimator cannot do without the zeros."""


def preparation(columns: Columns, *, coded: bool, sparse: bool) -> ColumnTransformer:
    """Fill, scale and encode.

    An infinite number is read as missing. An all-empty column is kept and filled: the booster of scikit-learn 1.9
    raises on one ("window shape cannot be larger than input array shape"), and a real monthly batch will hold one.

    Args:
        columns: What each column is.
        coded: Categories become numbers, and each filled number gets a flag beside it: for boosted trees.
        sparse: The estimator takes sparse rows, which texts then are.
    """
    whole: Any = FunctionTransformer(np.nan_to_num, kw_args={"nan": np.nan, "posinf": np.nan, "neginf": np.nan})
    numbers = [("finite", whole), ("fill", SimpleImputer(strategy="median", add_indicator=coded, keep_empty_features=True))]
    if coded:
        words: Any = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, max_categories=MAX_CATEGORIES
        )
    else:
        numbers.append(("scale", StandardScaler()))
        words = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE, max_categories=MAX_INDICATORS, sparse_output=False)
    parts: list[tuple[str, Any, Any]] = []
    if columns.categorical:
        parts.append(("categorical", words, list(columns.categorical)))
    if columns.numeric:
        parts.append(("numeric", Pipeline(numbers), list(columns.numeric)))
    most = MAX_WORDS if sparse else MAX_WORDS_DENSE
    parts.extend((f"text_{name}", TfidfVectorizer(max_features=most), name) for name in columns.text)
    return ColumnTransformer(parts, sparse_threshold=1.0 if sparse and columns.text else 0.0, verbose_feature_names_out=False)
