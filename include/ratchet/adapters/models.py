"""Fitted pipelines on disk: skops format, never pickle."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import skops.io

from include.ratchet.domain.errors import RegistryError

# Reviewed: classes of scikit-learn, LightGBM and XGBoost that hold only arrays and numbers, and plain containers.
# A type that is not here is refused when a model is loaded, with its name.
TRUSTED = [
    "collections.OrderedDict",
    "collections.defaultdict",
    "functools.partial",  # of a function that is listed here too: the histogram booster keeps one of check_array
    "include.ratchet.steps.coded.CodedLabels",  # ours: a classifier, and the names of its classes
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "numpy.nan_to_num",  # a pure function: infinite numbers are read as missing
    "sklearn._loss.link.HalfLogitLink",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogLink",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.AbsoluteError",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfGammaLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn._loss.loss.HalfPoissonLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss.loss.HalfTweedieLoss",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn._loss.loss.PinballLoss",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.neighbors._ball_tree.BallTree",  # arrays only, as the Tree below
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",  # numbers only; a fitted network keeps it
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",  # a dict whose keys are attributes: stacking and voting keep their parts in one
    "sklearn.utils.validation.check_array",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
]


OWN_CODE = "include.models."
"""A class of a model's `code.py` lies in the repository, where it was reviewed; it is imported, not unpickled."""


def save_skops(pipeline: Any, path: Path) -> None:
    """Write a fitted pipeline, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    skops.io.dump(pipeline, part)
    part.replace(path)


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file, "nothing" where there is none."""
    if not Path(path).is_file():
        return "nothing"
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def trusted_of(pipeline: Any) -> list[str]:
    """Return what is trusted for a pipeline: the list, and classes of a model's own reviewed `code.py`."""
    return _trusted(skops.io.get_untrusted_types(data=skops.io.dumps(pipeline)))


def _trusted(found: Sequence[str]) -> list[str]:
    return [*TRUSTED, *(name for name in found if name.startswith(OWN_CODE))]


def load_skops(path: str | Path) -> Any:
    """Read a fitted pipeline.

    Raises:
        RegistryError: The file is no skops file, or holds a type that nobody reviewed.
    """
    with contextlib.suppress(Exception):  # read and audited once, as nearly all are; what stops it is named below
        return skops.io.load(path, trusted=list(TRUSTED))
    try:
        found = skops.io.get_untrusted_types(file=path)
    except Exception as error:
        message = f"{path}: found something that is no skops file ({type(error).__name__}); allowed are models in skops format only"
        raise RegistryError(message) from error
    trusted = _trusted(found)
    unknown = sorted(set(found) - set(trusted))
    if unknown:
        message = (
            f"{path}: holds types that nobody reviewed: {', '.join(unknown)}. Review them and add them to TRUSTED in adapters/models.py."
        )
        raise RegistryError(message)
    return skops.io.load(path, trusted=trusted)
