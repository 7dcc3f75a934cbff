"""Airflow's notifiers against real servers on loopback, and what calls them."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_string
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from airflow.sdk import TaskInstanceState
from airflow.sdk.definitions.deadline import DeadlineReference

from include.ratchet.adapters import open_ledger
from include.ratchet.dagkit import alerts
from include.ratchet.domain.alertspec import Channel
from include.ratchet.domain.errors import Skip
from tests.s3server import S3Server
from tests.tiny import MODEL, Project

HEADLINE, BODY = "Ratchet: m: drift", "What happened: x <moved> & {{ stays }}\nHow sure: so"


@contextmanager
def serving(handler: Any, server: Any) -> Iterator[int]:
    """Run a server on a free port of loopback; give the port."""
    with server(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made.server_address[1]
        made.shutdown()


@contextmanager
def smtp(got: list[str]) -> Iterator[int]:
    """Take e-mails as an SMTP server does."""

    class Mail(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().decode().strip().upper():
                if line == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    got.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                self.wfile.write(b"221 bye\r\n" if line == "QUIT" else b"250 ok\r\n")
                if line == "QUIT":
                    return

    with serving(Mail, socketserver.ThreadingTCPServer) as port:
        yield port


@contextmanager
def webhook(got: list[Any], status: int = 200) -> Iterator[int]:
    """Take what is posted, as Slack's webhook does."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Hook, ThreadingHTTPServer) as port:
        yield port


def context(state: TaskInstanceState, dag: str = f"{MODEL}_train") -> Any:
    """Return what Airflow gives a callback, as far as it is looked at."""
    return {"dag_run": SimpleNamespace(dag_id=dag, run_id="next"), "ti": SimpleNamespace(state=state), "dag": None}


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Give what makes a webhook's port the one channel of this deployment."""

    def use(port: int) -> None:
        monkeypatch.setenv("RATCHET__ALERTS__CHANNELS", '[{"kind": "webhook", "connection": "chat"}]')
        monkeypatch.setenv(
            "AIRFLOW_CONN_CHAT", json.dumps({"conn_type": "slackwebhook", "password": f"http://127.0.0.1:{port}/services/T0"})
        )

    return use


def test_an_email_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Subject, sender, every address, and a body whose signs are signs; what looks like a template stays as it is."""
    got: list[str] = []
    with smtp(got) as port:
        options = "from_email=ratchet%40example.org&disable_ssl=true&disable_tls=true&retry_limit=1"
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", f"smtp://127.0.0.1:{port}/?{options}")
        alerts.deliver(Channel(kind="smtp", connection="mail", to=("ann@example.org", "bob@example.org")), HEADLINE, BODY)
    (mail,) = map(message_from_string, got)
    assert (mail["Subject"], mail["From"]) == (HEADLINE, "ratchet@example.org")
    assert mail["To"] == "ann@example.org, bob@example.org"
    (part,) = [each for each in mail.walk() if each.get_content_type() == "text/html"]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.decode().strip() == "What happened: x &lt;moved&gt; &amp; {{ stays }}<br>\nHow sure: so"


def test_a_webhook_is_posted_to(chat: Callable[[int], None]) -> None:
    """Slack's form, at the address that the connection keeps as its password."""
    got: list[Any] = []
    with webhook(got) as port:
        chat(port)
        alerts.deliver(Channel(kind="webhook", connection="chat"), HEADLINE, BODY)
    ((path, content),) = got
    assert path == "/services/T0"
    assert content["text"] == "*Ratchet: m: drift*\nWhat happened: x &lt;moved&gt; &amp; {{ stays }}\nHow sure: so"


def test_a_topic_is_published_to(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that listens to the topic of Amazon SNS (moto's server) receives subject and body."""
    where: dict[str, Any] = {
        "region_name": "us-east-1",
        "endpoint_url": s3.endpoint,
        "aws_access_key_id": "key",
        "aws_secret_access_key": "secret",
    }
    sns, sqs = boto3.client("sns", **where), boto3.client("sqs", **where)
    topic, queue = sns.create_topic(Name="alerts")["TopicArn"], sqs.create_queue(QueueName="alerts")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:alerts")
    monkeypatch.setenv("AIRFLOW_CONN_CLOUD", f"aws://key:secret@/?region_name=us-east-1&endpoint_url={quote(s3.endpoint, safe='')}")
    alerts.deliver(Channel(kind="sns", connection="cloud", to=(topic,)), HEADLINE, BODY)
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    said = json.loads(message["Body"])
    assert (said["Subject"], said["Message"]) == (HEADLINE, BODY)


def test_a_task_that_failed_tells_at_once(landed: Project, chat: Callable[[int], None]) -> None:
    """Airflow's callback looks at the subject of the run that failed for good, and what is new is sent."""
    from include.ratchet.tasks import arbitrate

    got: list[Any] = []
    with pytest.raises(ValueError, match="nope"):
        landed.run(arbitrate.arbitrate, MODEL, candidates=["nope"])
    with webhook(got) as port:
        chat(port)
        alerts.TELL(context(TaskInstanceState.SUCCESS))
        assert got == []
        alerts.TELL(context(TaskInstanceState.FAILED))
        alerts.TELL(context(TaskInstanceState.FAILED))
    ((_, content),) = got
    assert content["text"].startswith(
        f"*Ratchet: {MODEL}: {MODEL}_train failed in next*\nWhat happened: {MODEL}_train.arbitrate failed in next"
    )


def test_a_channel_that_is_down_fails_nothing(landed: Project, chat: Callable[[int], None]) -> None:
    """A run that is late is told to a webhook that answers 500: the message waits, and the sweep sends it."""
    assert landed.home.exists()
    got: list[Any] = []
    with webhook(got, status=500) as port:
        chat(port)
        alerts.late({"dag_run": {"dag_id": f"{MODEL}_train", "dag_run_id": "r"}}, seconds=60)
    (waits,) = open_ledger().messages()
    assert waits.tries == 1
    with webhook(got) as port:
        chat(port)
        assert alerts.alert() == {"told": 0, "sent": 1}
    with pytest.raises(Skip, match="nothing new to tell"):
        alerts.alert()


def test_a_deadline_counts_from_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of an asset has no logical date; the callback is one that an executor can import by its name. `dag.test()` has none."""
    assert alerts.deadline(timedelta(hours=6)) is None
    monkeypatch.setenv(alerts.PROCESS, "client")
    made = alerts.deadline(timedelta(hours=6))
    assert made
    assert made.reference == DeadlineReference.DAGRUN_QUEUED_AT
    assert made.interval == timedelta(hours=6)
    assert (made.callback.path, made.callback.kwargs) == ("include.ratchet.dagkit.alerts.late", {"seconds": 21600.0})


def test_a_run_that_failed_is_not_late(landed: Project) -> None:
    """Airflow keeps its deadline; that it failed was told before."""
    assert landed.home.exists()
    alerts.late({"dag_run": {"dag_id": f"{MODEL}_train", "dag_run_id": "r", "state": "failed"}}, seconds=60)
    assert open_ledger().alerts() == []
