"""What all DAGs share."""

from __future__ import annotations

from include.ratchet.dagkit import defaults


def test_a_dag_gets_the_house_rules() -> None:
    """One run at a time, no past, tags, an owner, two retries soon; what the DAG file adds is kept."""
    made = defaults.dag("train", "ann", subject="buys", description="d")
    assert (made["max_active_runs"], made["catchup"], made["description"]) == (1, False, "d")
    assert made["tags"] == ["ratchet", "train", "buys"]
    assert made["default_args"]["owner"] == "ann"
    assert made["default_args"]["retries"] == 2


def test_two_dags_share_nothing_that_changes() -> None:
    """A DAG that changed its arguments would change another's otherwise."""
    one, other = defaults.dag("a", "x"), defaults.dag("a", "x")
    assert one == other
    assert one["default_args"] is not other["default_args"]
    assert one["tags"] is not other["tags"]


def test_a_model_has_one_pool() -> None:
    """The name that the plugin, the command line and the DAGs agree on."""
    assert defaults.pool("buys") == "ratchet_buys"
