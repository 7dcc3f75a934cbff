"""Who is told, as `ratchet.yaml` says it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ratchet.domain.alertspec import OFTEN, Alerts, Channel


def test_a_channel_names_itself() -> None:
    """By kind, connection and addresses: that is what its messages are kept under; the connection has Airflow's default."""
    assert Channel(kind="smtp", to=("a@b", "c@d")).name == "smtp smtp_default a@b c@d"
    assert Alerts(channels=(Channel(kind="webhook", connection="chat"),)).names == ["webhook chat"]
    assert Channel(kind="smtp", sender="x@y", to=("a@b",)).name == "smtp smtp_default from x@y a@b"


def test_a_channel_is_named_once() -> None:
    """Two of one name would both be told through the last; another sender makes another channel."""
    mail = {"kind": "smtp", "to": ["a@b"]}
    assert len(Alerts.model_validate({"channels": [mail, mail | {"sender": "x@y"}]}).names) == 2
    with pytest.raises(ValidationError, match="more than once"):
        Alerts.model_validate({"channels": [mail, mail]})


def test_telling_again_waits_for_a_sweep() -> None:
    """With no time between, each look of each task would tell everything again."""
    assert Alerts.model_validate({"repeat": "10m"}).repeat == OFTEN
    with pytest.raises(ValidationError, match="10 minutes"):
        Alerts.model_validate({"repeat": "0s"})


@pytest.mark.parametrize(("kind", "to"), [("smtp", ()), ("webhook", ("a@b",)), ("sns", ()), ("sns", ("a", "b"))])
def test_a_channel_needs_its_place(kind: str, to: tuple[str, ...]) -> None:
    """E-mail has addresses, SNS one topic, and a webhook's address is its connection; anything else is said at the start."""
    with pytest.raises(ValidationError, match="allowed is"):
        Channel.model_validate({"kind": kind, "to": to})
