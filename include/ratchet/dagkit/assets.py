"""Every asset, made in this one module: Airflow wants one URI per name in the whole deployment."""

from __future__ import annotations

from airflow.sdk import Asset

from include.ratchet.domain.modelspec import ModelSpec


def clean(feed: str) -> Asset:
    """New rows are in the feed's clean table."""
    return _asset(f"{feed}_clean")


def retrain(spec: ModelSpec) -> Asset:
    """The monitor found a reason to retrain; the ledger holds it."""
    return _asset(f"{spec.name}_retrain")


def blessed(spec: ModelSpec) -> Asset:
    """A version carries a promote verdict."""
    return _asset(f"{spec.name}_blessed")


def champion(spec: ModelSpec) -> Asset:
    """Another version serves."""
    return _asset(f"{spec.name}_champion")


def predictions(spec: ModelSpec) -> Asset:
    """New predictions are in the lake."""
    return _asset(f"{spec.name}_predictions")


def _asset(name: str) -> Asset:
    return Asset(name=name, uri=f"x-ratchet://{name}", group="ratchet")
