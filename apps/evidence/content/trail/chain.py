"""Who allowed it: the agent, what it acts as, its grants, and why and by whom they stand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from apps.activity.models import Event
from apps.activity.states import Kind
from apps.approvals.models import AccessRequest, Vote
from apps.evidence.content.files import Files
from apps.evidence.content.items import CHUNK
from apps.evidence.content.trail.scope import Tale, moments_of
from apps.grants.models import Grant, Justification
from apps.inventory.models import Agent, Binding
from apps.reviews.models import Decision

AGENTS = [
    "agent",
    "name",
    "purpose",
    "state",
    "environment",
    "owner_id",
    "owner",
    "technical_owner_id",
    "technical_owner",
    "team",
    "version",
]
BINDINGS = ["binding", "agent", "identity_id", "identity", "system", "how", "bound_at", "ended_at"]
GRANTS = [
    "grant",
    "identity_id",
    "identity",
    "system_id",
    "system",
    "service",
    "level",
    "label",
    "state",
    "first_seen_at",
    "ended_at",
    "expires_at",
    "justification",
    "request",
]
JUSTIFICATIONS = [
    "justification",
    "grant",
    "reason",
    "task",
    "ticket",
    "given_by",
    "given_at",
    "until",
]
REQUESTS = [
    "request",
    "grant",
    "label",
    "level",
    "reason",
    "asked_by",
    "policy",
    "state",
    "submitted_at",
    "decided_at",
    "provisioned_at",
]
VOTES = ["vote", "request", "round", "step", "person_id", "person", "choice", "reason", "voted_at"]
REVIEWS = [
    "item",
    "campaign_id",
    "campaign",
    "grant",
    "outcome",
    "reason",
    "until",
    "decided_by_id",
    "decided_by",
    "decided_at",
]


@dataclass(frozen=True, slots=True)
class Chain:
    """The agents of a tale and what they act as; the rest hangs on these."""

    agents: list[int]
    identities: list[int]

    @property
    def bindings(self) -> QuerySet[Binding]:
        rows: QuerySet[Binding] = Binding.objects.filter(agent__in=self.agents)
        return rows.order_by("pk")

    @property
    def grants(self) -> QuerySet[Grant]:
        rows: QuerySet[Grant] = Grant.objects.filter(identity__in=self.identities)
        return rows.order_by("pk")

    @property
    def grant_pks(self) -> QuerySet[Any, Any]:
        return self.grants.order_by().values("pk")

    @property
    def requests(self) -> QuerySet[AccessRequest]:
        asked = Q(agent__in=self.agents) | Q(grant__in=self.grant_pks)
        rows: QuerySet[AccessRequest] = AccessRequest.objects.filter(asked)
        return rows.order_by("pk")

    @property
    def request_pks(self) -> QuerySet[Any, Any]:
        return self.requests.order_by().values("pk")

    @property
    def decisions(self) -> QuerySet[Decision]:
        rows: QuerySet[Decision] = Decision.objects.filter(item__grant__in=self.grant_pks)
        return rows.order_by("pk")


@dataclass(frozen=True, slots=True)
class PeriodChain(Chain):
    """What stood, was asked for, and was decided at any time in [start, end), of all agents."""

    start: datetime
    end: datetime

    @property
    def bindings(self) -> QuerySet[Binding]:
        over = Q(ended_at__isnull=True) | Q(ended_at__gte=self.start)
        rows: QuerySet[Binding] = Binding.objects.filter(over, bound_at__lt=self.end)
        return rows.order_by("pk")

    @property
    def grants(self) -> QuerySet[Grant]:
        over = Q(ended_at__isnull=True) | Q(ended_at__gte=self.start)
        rows: QuerySet[Grant] = Grant.objects.filter(over, first_seen_at__lt=self.end)
        return rows.order_by("pk")

    @property
    def requests(self) -> QuerySet[AccessRequest]:
        over = Q(access_ended_at__isnull=True) | Q(access_ended_at__gte=self.start)
        rows: QuerySet[AccessRequest] = AccessRequest.objects.filter(
            over, submitted_at__lt=self.end
        )
        return rows.order_by("pk")

    @property
    def decisions(self) -> QuerySet[Decision]:
        rows: QuerySet[Decision] = Decision.objects.filter(
            decided_at__gte=self.start, decided_at__lt=self.end, item__grant__isnull=False
        )
        return rows.order_by("pk")


def chain_of_period(tale: Tale) -> Chain:
    return PeriodChain([], [], *moments_of(tale.since, tale.until))


def chain_of(tale: Tale) -> Chain:
    agents = tale.agents
    bound = Binding.objects.filter(agent__in=agents).values_list("identity", flat=True)
    return Chain(agents, sorted({*bound, *_called_as(tale)}))


def _called_as(tale: Tale) -> set[int]:
    """Identities of the calls that are joined to the run."""
    if tale.invocation is None:
        return set()
    leaves = tale.joins.order_by().values("call_leaf")
    calls = Event.objects.filter(log_id=tale.log_id, kind=Kind.API, leaf_index__in=leaves)
    found = set(calls.values_list("identity_id", flat=True).distinct())
    if tale.stock.shelves:
        found |= {one.event.identity_id for one in tale.records() if one.event.kind == Kind.API}
    return {one for one in found if one is not None}


def write_chain(files: Files, chain: Chain) -> None:
    _write(files, "agents", "The agent", AGENTS, _agents(chain))
    write_access(files, chain)
    _write(files, "requests", "What was asked for", REQUESTS, _requests(chain))


def write_access(files: Files, chain: Chain) -> None:
    """What was held, and why and by whom it stood."""
    _write(files, "bindings", "What agents act as", BINDINGS, _bindings(chain))
    _write(files, "grants", "What that may do", GRANTS, _grants(chain))
    _write(files, "justifications", "Why it may", JUSTIFICATIONS, _justifications(chain))
    _write(files, "votes", "Who approved or denied it", VOTES, _votes(chain))
    _write(files, "reviews", "What reviewers decided", REVIEWS, _reviews(chain))


def _write(
    files: Files, name: str, title: str, columns: list[str], rows: QuerySet[Any, Any]
) -> None:
    with files.csv(f"data/{name}.csv", title, columns) as write:
        for row in rows.iterator(CHUNK):
            write(row)


def _agents(chain: Chain) -> QuerySet[Any, Any]:
    return (
        Agent.objects.filter(pk__in=chain.agents)
        .order_by("pk")
        .values_list(
            "pk",
            "name",
            "purpose",
            "state",
            "environment",
            "owner_id",
            "owner__display_name",
            "technical_owner_id",
            "technical_owner__display_name",
            "team__name",
            "version",
        )
    )


def _bindings(chain: Chain) -> QuerySet[Any, Any]:
    return chain.bindings.values_list(
        "pk",
        "agent_id",
        "identity_id",
        "identity__name",
        "identity__system__name",
        "how",
        "bound_at",
        "ended_at",
    )


def _grants(chain: Chain) -> QuerySet[Any, Any]:
    return chain.grants.values_list(
        "pk",
        "identity_id",
        "identity__name",
        "system_id",
        "system__name",
        "service",
        "level",
        "label",
        "state",
        "first_seen_at",
        "ended_at",
        "expires_at",
        "justification_id",
        "request_id",
    )


def _justifications(chain: Chain) -> QuerySet[Any, Any]:
    rows = Justification.objects.filter(grant__in=chain.grant_pks).order_by("pk")
    fields = ("pk", "grant_id", "reason", "task__title", "ticket", "given_by_label")
    return rows.values_list(*fields, "given_at", "until")


def _requests(chain: Chain) -> QuerySet[Any, Any]:
    return chain.requests.values_list(
        "pk",
        "grant_id",
        "label",
        "level",
        "reason",
        "asked_by_label",
        "policy_name",
        "state",
        "submitted_at",
        "decided_at",
        "provisioned_at",
    )


def _votes(chain: Chain) -> QuerySet[Any, Any]:
    rows = Vote.objects.filter(request__in=chain.request_pks).order_by("pk")
    fields = ("pk", "request_id", "round", "step_at", "person_id", "person__display_name")
    return rows.values_list(*fields, "choice", "reason", "voted_at")


def _reviews(chain: Chain) -> QuerySet[Any, Any]:
    return chain.decisions.values_list(
        "item_id",
        "item__campaign_id",
        "item__campaign__name",
        "item__grant_id",
        "outcome",
        "reason",
        "until",
        "decided_by_id",
        "decided_by__display_name",
        "decided_at",
    )
