"""Tell whoever `lineage:` in ratchet.yaml names how a step began or ended; never at the cost of the task."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.records import Json

if TYPE_CHECKING:
    from include.ratchet.domain.config import Config

_log = logging.getLogger(__name__)


def tell(step: Json) -> None:
    """Send the event of a step; what goes wrong is a warning in the task's log."""
    from include.ratchet.domain.config import load_config
    from include.ratchet.domain.openlineage import run_event

    try:
        config = load_config()
        if config.lineage.url or config.lineage.path:
            _send(run_event(step, config.lineage.namespace, _feeds(step["dag_id"])), config)
    except Exception as error:  # noqa: BLE001 - a model is not trained less well because nobody heard of it
        _log.warning("lineage: the event of %s.%s was not sent: %s: %s", step["dag_id"], step["task_id"], type(error).__name__, error)


def _send(event: Json, config: Config) -> None:
    from include.ratchet.adapters import open_connections, openlineage

    wanted = config.lineage
    if wanted.path:
        openlineage.append(config.lineage_file, event)
        return
    token = open_connections(config).get(wanted.connection).password if wanted.connection else ""
    openlineage.post(wanted.url, event, token=token, timeout=wanted.timeout)


def _feeds(dag_id: str) -> tuple[str, ...]:
    """Return the feeds that a DAG's subject reads; a feed itself reads none."""
    subject, _, stage = dag_id.rpartition("_")
    if stage in ("train", "score", "monitor"):
        return specs.all_feeds(specs.model(subject))
    return specs.view(subject).feeds if stage == "materialize" else ()
