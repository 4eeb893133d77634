"""The audit entries that belong to what agents did: those of the chain, or all of a period."""

import heapq
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from django.db.models import Max, Min, Q

from apps.activity.models import Invocation
from apps.approvals.models import AccessRequest, RequestNote, Vote
from apps.audit.headers import GOVERNANCE
from apps.audit.models import AuditEntry, Seal
from apps.evidence.content.items import CHUNK
from apps.evidence.content.logs import Run, signed_log
from apps.evidence.content.record import FIELDS, entries_about
from apps.evidence.content.trail.chain import Chain
from apps.evidence.content.trail.scope import Tale, moments_of
from apps.grants.models import Grant
from apps.inventory.models import Agent, Binding, Identity
from apps.reviews.models import ReviewItem

# Who signed in, and what an auditor's seat covers, is of people, and left out by its hash.
OF_PEOPLE = Q(verb__startswith="accounts.")


def entries_of_chain(tale: Tale, chain: Chain) -> Iterator[dict[str, Any]]:
    """The entries about the agent and all that allowed it, in order, in constant memory."""
    of_requests = {"request__in": chain.request_pks}
    items = ReviewItem.objects.filter(grant__in=chain.grant_pks)
    about: dict[Any, Any] = {
        Agent: chain.agents,
        Binding: chain.bindings.order_by().values("pk"),
        Identity: chain.identities,
        Grant: chain.grant_pks,
        AccessRequest: chain.request_pks,
        Vote: Vote.objects.filter(**of_requests).values("pk"),
        RequestNote: RequestNote.objects.filter(**of_requests).values("pk"),
        ReviewItem: items.order_by().values("pk"),
        Invocation: tale.invocations.order_by().values("pk") if tale.invocation else [],
    }
    streams = [entries_about(model._meta.label_lower, ids) for model, ids in about.items()]
    read = [rows.values(*FIELDS).iterator(CHUNK) for rows in streams]
    return heapq.merge(*read, key=itemgetter("pk"))


def range_of_period(tale: Tale) -> Run | None:
    """The range of the governance log that the entries of a period lie in, as far as signed."""
    signed = signed_log(GOVERNANCE)
    start, end = moments_of(tale.since, tale.until)
    sealed = Seal.objects.filter(entry__occurred_at__gte=start, entry__occurred_at__lt=end)
    found: dict[str, Any] = sealed.aggregate(first=Min("leaf_index"), last=Max("leaf_index"))
    if signed is None or found["first"] is None or found["first"] >= signed.size:
        return None
    return found["first"], min(found["last"] + 1, signed.size)


def entries_of_period(tale: Tale, claimed: Run | None) -> Iterator[dict[str, Any]]:
    """Every entry of a period but those about people's own accounts, in order."""
    start, end = moments_of(tale.since, tale.until)
    of = Q(occurred_at__gte=start, occurred_at__lt=end)
    if claimed is not None:
        first, behind = claimed
        of |= Q(seal__leaf_index__gte=first, seal__leaf_index__lt=behind)
    rows = AuditEntry.objects.filter(of).exclude(OF_PEOPLE).order_by("pk")
    found: Iterator[dict[str, Any]] = rows.values(*FIELDS).iterator(CHUNK)
    return found


def left_out_of_period(tale: Tale) -> int:
    start, end = moments_of(tale.since, tale.until)
    rows = AuditEntry.objects.filter(OF_PEOPLE, occurred_at__gte=start, occurred_at__lt=end)
    return rows.count()
