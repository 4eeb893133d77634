"""Staging freezes a campaign's population, reviewers, policy, and each agent's fingerprints."""

import hashlib
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import batched

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, System
from apps.core.errors import DomainError
from apps.core.jobs import job_start
from apps.core.policies import enforce
from apps.core.preferences import all_preferences
from apps.reviews.models import Campaign, CampaignSource, PopulationPart, ReviewItem
from apps.reviews.policies import campaigns as policies
from apps.reviews.querysets.population import credentials_in, grants_in
from apps.reviews.scope import CREDENTIAL, GRANT, Scope
from apps.reviews.selectors.coverage import left_out_of, needs_fallback_reason
from apps.reviews.services.carrying import carry_forward
from apps.reviews.services.freezing import (
    Freezer,
    NewItem,
    frozen_credentials,
    frozen_grants,
    items_write,
)
from apps.reviews.services.launching import campaign_launch
from apps.reviews.services.letters import tell_runner
from apps.reviews.services.moves import campaign_move
from apps.reviews.services.phases import CHUNK, Phase, Work, run_phases
from apps.reviews.services.sources import sources_now, sources_of, told
from apps.reviews.states import CampaignState, FoundBy, ItemState

# Subjects frozen in one step: enough that what a step costs by itself does not count.
PART = 5 * CHUNK
AT_FALLBACK = (FoundBy.FALLBACK, FoundBy.NO_AGENT, FoundBy.SELF_REVIEW)


@transaction.atomic
def campaign_stage(
    *, campaign_id: int, actor: Actor, stale_reason: str = "", launch: bool = False
) -> Campaign:
    """Start freezing the population; a campaign staged before is frozen anew.

    Refuses stale sources unless `stale_reason` says why they will do; the evidence prints it.
    `launch` launches as soon as everything is frozen, if nothing asks for a person's reason.
    """
    campaign = Campaign.objects.locked(campaign_id)
    enforce(policies.can_stage(actor, campaign))
    campaign.policy = all_preferences()
    campaign.stale_reason = stale_reason.strip()
    campaign.staging_message = ""
    scope = Scope.of(campaign.scope)
    sources = sources_now(campaign, sources_of(scope), "staging", campaign.policy)
    stale = [one for one in sources if one.is_stale]
    if stale and not campaign.stale_reason:
        raise DomainError(
            f"Read again first, or give a reason to go on with what is stale: {told(stale)}."
        )
    campaign_move(
        campaign,
        CampaignState.STAGING,
        actor=actor,
        reason=campaign.stale_reason,
        also=["policy", "stale_reason", "staging_message"],
    )
    job_start(
        kind="staging",
        task="reviews.stage_campaign",
        subject=campaign,
        actor=actor,
        parameters={"launch": launch},
    )
    return campaign


def staging_run(*, job_id: int) -> None:
    """Do, or go on with, the staging of a campaign."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="freezing") as thread:
        phases: dict[str, Phase] = {
            "clear": _clear,
            "begin": _begin,
            "freeze": _while_staging(_freezing(thread)),
            "carry": _while_staging(carry_forward),
            "finish": _while_staging(_finish),
            "launch": _launch,
        }
        run_phases(job_id=job_id, phases=phases, failed=_failed)


def _scope(work: Work) -> Scope:
    return Scope.of(work.campaign.scope)


def _while_staging(phase: Phase) -> Phase:
    """Stop quietly where the campaign was cancelled meanwhile."""
    return lambda work: work.campaign.state == CampaignState.STAGING and phase(work)


def _clear(work: Work) -> bool:
    """Remove what an earlier staging froze: it was never launched, so nobody was asked."""
    PopulationPart.objects.filter(campaign=work.campaign).delete()
    items = ReviewItem.objects.filter(campaign=work.campaign).order_by("pk")
    pks = list(items.values_list("pk", flat=True)[:PART])
    ReviewItem.objects.filter(pk__in=pks).delete()
    return bool(pks)


def _begin(work: Work) -> bool:
    """Note the sources, then choose the population: one read in between is seen at the end.

    The subjects of an identity stand together, so that what is around it is read once.
    """
    scope = _scope(work)
    CampaignSource.objects.filter(campaign=work.campaign).delete()
    CampaignSource.objects.bulk_create(
        sources_now(work.campaign, sources_of(scope), "staging", work.campaign.policy)
    )
    chosen = {
        kind: list(rows.order_by("identity", "pk").values_list("pk", flat=True))
        for kind, rows in ((GRANT, grants_in(scope)), (CREDENTIAL, credentials_in(scope)))
    }
    PopulationPart.objects.bulk_create(
        PopulationPart(campaign=work.campaign, kind=kind, subject_ids=part)
        for kind, pks in chosen.items()
        for part in batched(pks, PART)
    )
    work.done = 0
    work.job.total = sum(map(len, chosen.values()))
    work.job.save(update_fields=["total"])
    return False


_FREEZERS: dict[str, Callable[[Freezer, Collection[int]], list[NewItem]]] = {
    GRANT: frozen_grants,
    CREDENTIAL: frozen_credentials,
}


def _freezing(thread: Executor) -> Phase:
    """Freeze the population part by part; what parts have in common is read once per run.

    While the database stores a part, `thread` reads and makes the next: each waits for the other
    half as long. A part that was made ahead and never stored is simply made again.
    """
    made: list[Freezer] = []
    ahead: dict[int, Future[list[NewItem]]] = {}

    def freeze(work: Work) -> bool:
        parts = list(PopulationPart.objects.filter(campaign=work.campaign).order_by("pk")[:2])
        if not parts:
            return False
        if not made:
            made.append(Freezer(work.campaign))
        part, *following = parts
        begun = ahead.pop(part.pk, None)
        items = _frozen(made[0], part) if begun is None else begun.result()
        for after in following:
            ahead[after.pk] = thread.submit(_frozen_apart, made[0], after)
        items_write(items)
        part.delete()
        work.done += len(part.subject_ids)
        return True

    return freeze


def _frozen(freezer: Freezer, part: PopulationPart) -> list[NewItem]:
    """Make a part's items. Each subject chosen is there: one that is not would be left unasked."""
    items = _FREEZERS[part.kind](freezer, part.subject_ids)
    if len(items) != len(part.subject_ids):
        raise DomainError(
            f"Of {len(part.subject_ids)} chosen {part.kind}s only {len(items)} were found when they"
            " were to be frozen. Stage it again."
        )
    return items


def _frozen_apart(freezer: Freezer, part: PopulationPart) -> list[NewItem]:
    """The same in a thread, whose connection to the database is its own and ends with it."""
    try:
        return _frozen(freezer, part)
    finally:
        connection.close()


def _finish(work: Work) -> bool:
    """Seal the population, unless a source was read again while it was being frozen."""
    campaign = work.campaign
    _refuse_moving_sources(campaign)
    items = ReviewItem.objects.filter(campaign=campaign)
    at_fallback = Q(found_by__in=AT_FALLBACK, state=ItemState.OPEN)
    counts = items.aggregate(
        whole=Count("pk"),
        fallback=Count("pk", filter=at_fallback),
        **{kind: Count(f"{kind}_id") for kind in _FREEZERS},
    )
    if not counts["whole"]:
        raise DomainError("Nothing is in scope, so there is nothing to review. Widen the scope.")
    campaign.population_count = counts["whole"]
    campaign.fallback_count = counts["fallback"]
    campaign.population_sha256 = population_sha256(population_of(campaign))
    campaign.excluded = left_out_of(_scope(work), counts)
    campaign.staged_at = timezone.now()
    record(
        actor=work.actor,
        verb=Verb.CAMPAIGN_ITEMS_CREATED,
        target=campaign,
        changes={
            "population_count": (None, campaign.population_count),
            "population_sha256": (None, campaign.population_sha256),
        },
    )
    campaign_move(
        campaign,
        CampaignState.STAGED,
        actor=work.actor,
        also=["population_count", "fallback_count", "population_sha256", "excluded", "staged_at"],
    )
    work.message = f"{campaign.population_count:,} items frozen."
    return False


def _refuse_moving_sources(campaign: Campaign) -> None:
    read = set(campaign.campaign_sources.filter(moment="staging").values_list("source", flat=True))
    now = set(sources_of(Scope.of(campaign.scope)).values_list("pk", flat=True))
    if now - read:
        raise DomainError(
            "A source was read again while the population was being frozen, so parts of it are"
            " of different moments. Stage it again."
        )


def _launch(work: Work) -> bool:
    """Launch where the template says so; what asks for a person's reason waits for one."""
    if work.campaign.state != CampaignState.STAGED:
        return False
    if not work.job.parameters.get("launch"):
        _tell_runner(work, "It is staged: look it over, then launch it.")
    elif needs_fallback_reason(work.campaign):
        work.message = "Staged. It was not launched: the fallback's share needs a reason."
        _tell_runner(work, work.message)
    else:
        campaign_launch(campaign_id=work.campaign.pk, actor=work.actor)
    return False


def _failed(work: Work, message: str) -> None:
    if work.campaign.state == CampaignState.STAGED:
        _tell_runner(work, f"It is staged, and was not launched: {message}")
    if work.campaign.state != CampaignState.STAGING:
        return
    work.campaign.staging_message = message
    campaign_move(
        work.campaign,
        CampaignState.STAGING_FAILED,
        actor=work.actor,
        reason=message,
        also=["staging_message"],
    )
    _tell_runner(work, f"It could not be staged: {message}")


def _tell_runner(work: Work, why: str) -> None:
    """A person who stages sees what became of it; of the schedule's staging they are told."""
    if isinstance(work.actor, System):
        tell_runner(
            work.campaign,
            kind="review-staged",
            subject="A review waits for you",
            body=f"“{work.campaign.name}” came round by itself. {why}",
            actor=work.actor,
        )


def population_of(campaign: Campaign) -> Iterable[str]:
    """The subject of every item frozen at staging, as `grant:12`."""
    rows = ReviewItem.objects.filter(campaign=campaign, supersedes__isnull=True)
    for grant, credential, binding in rows.values_list(
        "grant_id", "credential_id", "binding_id"
    ).iterator(chunk_size=5000):
        yield (
            f"grant:{grant}"
            if grant
            else f"credential:{credential}"
            if credential
            else f"binding:{binding}"
        )


def population_sha256(subjects: Iterable[str]) -> str:
    """One digest of who is in it: the subjects, sorted, one a line."""
    return hashlib.sha256("\n".join(sorted(subjects)).encode()).hexdigest()
