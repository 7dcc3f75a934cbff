"""Train a challenger when there is a reason to, and let the gate judge it.

**Starts on** the model's schedule, new clean data of its feeds, a retrain signal, a sweep every half an hour, and the
form. `arbitrate` then decides: it gives every pending signal its disposition, and ends the run as *skipped* when none
may start one now.

**Does** pin a snapshot of the data, fit the candidates side by side, register the best as challenger, and `judge` it
against the business bound, a trivial baseline and the champion, on test rows that no candidate saw. `dossier` then
writes one page on the verdict, whatever it is: the button *Dossier* of that task opens it in MLflow.

**A refused challenger** ends in *skipped*, not *failed*: the champion stays, and the reason is in the log of `bless`.

**An experiment** (a choice of the form) fits and compares candidates, tracks them in MLflow under `<model>_experiments`,
and ends in *skipped* at `register`: it answers no signal, looks at no test row, and can never register or bless.

**After a failure** clear the failed task; every step is safe to run again.
"""

from __future__ import annotations

from airflow.sdk import dag

from include.ratchet.dagkit import assets, defaults, forms, links, parsing, schedules
from include.ratchet.dagkit.alerts import TELL
from include.ratchet.dagkit.seam import step
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.tasks import arbitrate, dossier, snapshot
from include.ratchet.tasks import train as body


def build(spec: ModelSpec) -> None:
    """Wire the training stages of one model."""

    @dag(
        dag_id=f"{spec.name}_train",
        schedule=schedules.train(spec),
        description=spec.description or f"Challengers of {spec.name}.",
        params=forms.train(spec),
        doc_md=__doc__,
        **defaults.dag("train", spec.owner, subject=spec.name, late=spec.late),
    )
    def train() -> None:
        run = step(arbitrate.arbitrate, pool=defaults.pool(spec.name))(spec.name)
        fitted = step(body.fit).expand(job=step(snapshot.snapshot)(run))
        challenger = step(body.register, pool=defaults.pool(spec.name))(fitted)
        page = links.dossier(step(dossier.dossier)(step(body.judge, on_success_callback=TELL)(challenger), fitted))
        step(body.bless, outlets=[assets.blessed(spec)])(page)

    train()


for each in parsing.models("train"):
    build(each)
