"""The `alerts:` part of `ratchet.yaml`: who is told, and how often again."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from include.ratchet.domain.durations import Duration
from include.ratchet.domain.strict import Strict

_DEFAULTS = {"smtp": "smtp_default", "webhook": "slack_default", "sns": "aws_default"}
OFTEN = timedelta(minutes=10)
"""How often `ratchet_alerts` looks: telling again sooner would tell at every look of every task."""


class Channel(Strict):
    """One way to tell people: e-mail, a Slack-compatible webhook, or an Amazon SNS topic; secrets are in the connection."""

    kind: Literal["smtp", "webhook", "sns"]
    connection: str = ""
    to: tuple[str, ...] = ()
    """E-mail addresses, or the ARN of one topic; a webhook's address is its connection."""
    sender: str = ""
    """Of an e-mail; the connection's `from_email` when left out."""

    @model_validator(mode="after")
    def _has_a_place(self) -> Channel:
        wanted = {"smtp": "one address or more", "sns": "the ARN of one topic", "webhook": "none, the connection is the address"}[self.kind]
        if not {"smtp": len(self.to) >= 1, "sns": len(self.to) == 1, "webhook": not self.to}[self.kind]:
            message = f"to: found {list(self.to)} with kind {self.kind}; allowed is {wanted}"
            raise ValueError(message)
        return self

    @property
    def connection_id(self) -> str:
        """The id of the connection that is used."""
        return self.connection or _DEFAULTS[self.kind]

    @property
    def name(self) -> str:
        """What names the channel in the ledger."""
        return " ".join([self.kind, self.connection_id, *([f"from {self.sender}"] if self.sender else []), *self.to])


class Alerts(Strict):
    """Who is told, how often again while a condition holds, and when undecided verdicts are worth a word."""

    channels: tuple[Channel, ...] = ()
    repeat: Duration = Field(default="1d", validate_default=True, ge=OFTEN)
    inconclusive: int = Field(3, ge=1)
    """Verdicts in a row that decided nothing."""

    @model_validator(mode="after")
    def _once_each(self) -> Alerts:
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            message = f"channels: found {twice} more than once; allowed is each channel once: each would be told twice"
            raise ValueError(message)
        return self

    @property
    def names(self) -> list[str]:
        """What names each channel."""
        return [each.name for each in self.channels]
