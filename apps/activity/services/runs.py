"""Runs of agents as published, brought in as invocations: who ran is what the runs claim."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from django.db import transaction

from apps.activity.formats.lines import Bad
from apps.activity.headers import NOBODY, Whose
from apps.activity.policies import can_bring_logs
from apps.activity.readings import Reading
from apps.activity.services.append import LOG, Delivery, deliveries_append
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.policies import enforce
from apps.inventory.models import Agent
from apps.proof.services.logs import log_lock

SENDER = "runs"
# Runs in one transaction; each is a delivery of its own, so that it is kept once by itself.
MOST_RUNS = 100


@dataclass(slots=True)
class RunsReport:
    """What came of a file of runs."""

    runs: int = 0
    repeated: int = 0
    records: int = 0
    unreadable: list[Bad] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)


def runs_import(*, name: str, found: Iterable[Reading | Bad], actor: Actor) -> RunsReport:
    """Keep each run once. An agent is matched by its name alone, and that it was is said."""
    enforce(can_bring_logs(actor))
    report = RunsReport()
    batch: list[list[Reading]] = []
    for run in _runs(found, report):
        batch.append(run)
        if len(batch) == MOST_RUNS:
            _keep(batch, report, actor)
            batch = []
    _keep(batch, report, actor)
    with transaction.atomic():
        counts = {"runs": report.runs, "records": report.records, "already here": report.repeated}
        record(
            actor=actor,
            verb=Verb.RUNS_IMPORTED,
            target=log_lock(LOG),
            changes={said: (None, count) for said, count in counts.items()},
            reason=f"Runs of {name}",
        )
    return report


def _runs(found: Iterable[Reading | Bad], report: RunsReport) -> Iterator[list[Reading]]:
    """The records of each run; they come one run after another."""
    for trace, records in groupby(found, key=lambda one: getattr(one, "trace_id", "")):
        run = list(records)
        if trace:
            yield [one for one in run if isinstance(one, Reading)]
        else:
            report.unreadable += [one for one in run if isinstance(one, Bad)]


def _keep(runs: Sequence[Sequence[Reading]], report: RunsReport, actor: Actor) -> None:
    if not runs:
        return
    whose = _whose({run[0].claimed_agent for run in runs}, actor)
    deliveries = [
        Delivery(
            SENDER,
            hashlib.sha256(run[0].trace_id.encode()).digest(),
            [(one, whose.get(one.claimed_agent, NOBODY)) for one in run],
            is_held=True,
        )
        for run in runs
    ]
    for run, receipt in zip(runs, deliveries_append(deliveries), strict=True):
        report.runs += not receipt.is_repeat
        report.repeated += receipt.is_repeat
        report.records += 0 if receipt.is_repeat else receipt.count
        if run[0].claimed_agent not in whose:
            report.unknown.add(run[0].claimed_agent)


def _whose(names: set[str], actor: Actor) -> dict[str, Whose]:
    return {
        agent.name: Whose(agent_id=agent.pk, agent=agent.name, attested_by=f"import by {actor}")
        for agent in Agent.objects.filter(name__in=names)
    }
