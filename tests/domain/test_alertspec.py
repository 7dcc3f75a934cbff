"""Who is told, as `ratchet.yaml` says it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ratchet.domain.alertspec import Alerts, Channel


def test_a_channel_names_itself() -> None:
    """By kind, connection and addresses: that is what its messages are kept under; the connection has Airflow's default."""
    assert Channel(kind="smtp", to=("a@b", "c@d")).name == "smtp smtp_default a@b c@d"
    assert Alerts(channels=(Channel(kind="webhook", connection="chat"),)).names == ["webhook chat"]


@pytest.mark.parametrize(("kind", "to"), [("smtp", ()), ("webhook", ("a@b",)), ("sns", ()), ("sns", ("a", "b"))])
def test_a_channel_needs_its_place(kind: str, to: tuple[str, ...]) -> None:
    """E-mail has addresses, SNS one topic, and a webhook's address is its connection; anything else is said at the start."""
    with pytest.raises(ValidationError, match="allowed is"):
        Channel.model_validate({"kind": kind, "to": to})
