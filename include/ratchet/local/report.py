"""The last page of the demo: verdicts, holdout figures, the proof, and where to look next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import DeployError
from include.ratchet.local import reasons
from include.ratchet.local.loop import DemoError
from include.ratchet.local.ports import Ports
from include.ratchet.local.proof import Answer, ask_both
from include.ratchet.local.view import View

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger


def conclude(config: Config, ports: Ports, view: View, ledger: Ledger, models: list[str]) -> None:
    """Prove that every champion serves as it should, and print what came of it.

    Raises:
        DeployError: A model has no champion, or the service and the champion differ.
    """
    answers = [_prove(config, ports, view, ledger, name) for name in models]
    view.say("")
    view.say("why training runs started", "bold")
    for kind, (name, why) in reasons.started(ledger, models).items():
        view.say(f"  {kind.replace('_', ' '):12} {name:16} {why.partition(': ')[2] or why}")
    view.say("")
    view.say(f"Airflow      {ports.url('airflow')}")
    view.say(f"MLflow       {config.tracking_place if config.tracking_place.startswith('http') else ports.url('mlflow')}")
    view.say(f"predictions  {ports.url('serving')}/docs")
    for answer in answers:
        view.say(f"\n{answer.curl(ports.url('serving'))}")
    view.say(f"from start to {len(answers)} champions that serve correct predictions: {view.seconds:.0f} s", "bold green")


def require_reasons(ledger: Ledger, models: list[str]) -> None:
    """See that each kind of trigger that the models have, and a person, has started a training run.

    Raises:
        DemoError: One has not.
    """
    if lacking := reasons.missing(ledger, models, [*reasons.by_themselves(models), reasons.BY_HAND]):
        raise DemoError(
            f"no training run of {' or '.join(models)} was started by {', '.join(lacking)}; the demo's months hold a reason of each kind. "
            "Look at triggers in their model.yaml, and at the reports in ./ratchet status"
        )


def _prove(config: Config, ports: Ports, view: View, ledger: Ledger, name: str) -> Answer:
    champion = ledger.champion(name)
    verdict = next((v for v in ledger.verdicts(name) if v.version == champion), None)
    if champion is None or verdict is None:
        raise DeployError(f"{name}: no champion with a verdict; found champion {champion}")
    answer = ask_both(config, ports.url("serving"), name, champion)
    figures = ", ".join(f"{key} {value}" for key, value in verdict.figures.items() if key != "snapshot")
    view.say("")
    view.say(f"{name}: champion is version {champion}", "bold green")
    view.say(f"  verdict    {verdict.sentence}")
    view.say(f"  holdout    {figures}")
    view.say(f"  monitored  {ledger.reports(name)[0].get('sentence', '')}")
    view.say(f"  proved     the service says {answer.served:.6g}, as the champion does in another process")
    return answer
