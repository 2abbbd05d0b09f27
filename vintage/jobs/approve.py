"""Writes what a person is asked before the evaluated model may serve, or why nobody need be."""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from vintage.flow.evaluated import made_now
from vintage.flow.job import Job
from vintage.registry import agreement
from vintage.registry.choice import PromotionCandidate, why_not_ask
from vintage.registry.tracking import Tracking
from vintage.report.markdown import as_text, links_of
from vintage.report.summary import Champion, summary_of

log = logging.getLogger(__name__)


class Question(BaseModel):
    """What a person is asked.

    Attributes:
        evaluation: key of the evaluation that it is about; the answer is about no other.
        why_not: why no approval is needed; empty when a person's word decides.
        text: what there is to know, in Markdown.
    """

    model_config = ConfigDict(frozen=True)

    evaluation: str
    why_not: str
    text: str


def run(job: Job, question: str | None = None) -> Question:
    """Return the question about the model of the run's date; nothing is decided and nothing registered.

    Args:
        job: pipeline and date.
        question: file to write it to, as JSON.

    Raises:
        StoreError: the model has not been fitted and evaluated, or is not in the store as it was made; or
            ledger and registry contradict each other.
        TrackingError: MLflow cannot be reached.
    """
    tracking = Tracking.of(job.home)
    tracking.check()
    now = agreement.standing(job.store, tracking)
    evaluation, model = made_now(job)
    champion, known = now.champion, now.registered.with_key(model.key)
    case = PromotionCandidate.of(evaluation, key=model.key, mode=job.pipeline.promote)
    summary = summary_of(job.store, evaluation, version=known.version if known else None)
    if champion is not None:
        serving = Champion(version=champion.version, date=champion.date, key=champion.key)
        summary = summary.model_copy(update={"champion": serving})
    asked = Question(
        evaluation=evaluation.key,
        why_not=why_not_ask(case, champion, now.ledger.entries),
        text=as_text(summary, links_of(job.home, job.store, evaluation)),
    )
    if question:
        Path(question).write_text(asked.model_dump_json(), encoding="utf-8")
    log.info("%s", f"nobody is asked: {asked.why_not}" if asked.why_not else "a person is asked")
    return asked
