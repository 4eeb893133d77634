"""Long work of a campaign: named phases in steps, each one transaction, resumable anywhere.

A step does one chunk and moves the job's cursor in the same transaction. A worker killed at any
moment leaves whole steps behind it, and whoever takes the job up goes on after the last one; two
workers on one job take turns at its row, so no chunk is done twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.jobs import job_actor, job_advance, job_claim, job_fail, job_finish
from apps.core.models import Job
from apps.reviews.models import Campaign

CHUNK = 1000


@dataclass(slots=True)
class Work:
    """What a step works with. `after` is the last primary key the phase has dealt with."""

    job: Job
    campaign: Campaign
    actor: Actor
    after: int = 0
    done: int = 0
    message: str = ""

    def went_through(self, pks: list[int]) -> bool:
        """Move past a chunk; says whether a full chunk was there, so that more may follow."""
        self.done += len(pks)
        if pks:
            self.after = pks[-1]
        return len(pks) == CHUNK


# A phase does one step and says whether there is more of it to do.
type Phase = Callable[[Work], bool]


def run_phases(
    *,
    job_id: int,
    phases: Mapping[str, Phase],
    failed: Callable[[Work, str], None] | None = None,
) -> None:
    """Do every phase of a campaign's job in order, going on where an earlier worker stopped.

    A `DomainError` ends the job with its message, after `failed` has said so on the campaign.
    """
    job = job_claim(job_id)
    if job is None:
        return
    actor = job_actor(job)
    try:
        while _step(job_id, phases, actor):
            pass
    except DomainError as error:
        _give_up(job_id, actor, str(error), failed)


@transaction.atomic
def _step(job_id: int, phases: Mapping[str, Phase], actor: Actor) -> bool:
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.is_over:
        return False
    names = list(phases)
    name = job.cursor.get("phase", names[0])
    work = Work(
        job=job,
        campaign=Campaign.objects.locked(job.subject_id or 0),
        actor=actor,
        after=job.cursor.get("after", 0),
        done=job.done,
    )
    if phases[name](work):
        _advance(work, {"phase": name, "after": work.after})
        return True
    position = names.index(name) + 1
    if position == len(names):
        job_advance(job, done=work.done)
        job_finish(job, message=work.message)
        return False
    _advance(work, {"phase": names[position], "after": 0})
    return True


def _advance(work: Work, cursor: Mapping[str, Any]) -> None:
    job_advance(work.job, done=work.done, message=work.message, cursor=cursor)


@transaction.atomic
def _give_up(
    job_id: int, actor: Actor, message: str, failed: Callable[[Work, str], None] | None
) -> None:
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.is_over:
        return
    if failed is not None:
        failed(Work(job, Campaign.objects.locked(job.subject_id or 0), actor), message)
    job_fail(job, message=message)
