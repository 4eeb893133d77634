"""Which incident a package is about, and whether anything in it is still to come."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from apps.evidence.content.review import FINAL, INTERIM
from apps.inventory.models import Binding, Source
from apps.remediation.models import Incident, Leak, Order, OrderProof
from apps.remediation.states import GONE, SETTLED, IncidentState, OrderKind, OrderState

WITH = (
    "credential__identity__system",
    "credential__source",
    "credential__made_by",
    "order__decided_by",
)


@dataclass(frozen=True, slots=True)
class Case:
    """An incident, and the records that tell of it."""

    incident: Incident
    status: str = FINAL
    note: str = ""

    @property
    def package(self) -> str:
        return f"incident-{self.incident.pk}"

    @property
    def orders(self) -> QuerySet[Order]:
        """Every order about the credential: its kill, what took back what it made, and others."""
        return orders_of(self.incident)

    @property
    def order_pks(self) -> QuerySet:
        return self.orders.order_by().values("pk")

    @property
    def leaks(self) -> QuerySet[Leak]:
        return Leak.objects.filter(credential=self.incident.credential_id).order_by("pk")

    @property
    def bindings(self) -> QuerySet[Binding]:
        """Agents that could use the credential at any time since it was exposed."""
        since = Q(ended_at__isnull=True) | Q(ended_at__gte=self.incident.exposed_since)
        rows = Binding.objects.filter(since, identity=self.incident.credential.identity_id)
        return rows.order_by("pk")

    @property
    def sources(self) -> QuerySet[Source]:
        """Readings that told of the credential, or that proved that something is gone."""
        proofs = OrderProof.objects.filter(order__in=self.order_pks).order_by().values("source")
        rows: QuerySet[Source] = Source.objects.filter(
            Q(pk=self.incident.credential.source_id) | Q(pk__in=proofs)
        )
        return rows.order_by("pk")


def case_of(incident_id: int) -> Case:
    """The incident as things stand now."""
    incident = Incident.objects.select_related(*WITH).get(pk=incident_id)
    note = still_to_come(incident)
    return Case(incident, INTERIM, note) if note else Case(incident)


def orders_of(incident: Incident) -> QuerySet[Order]:
    rows: QuerySet[Order] = Order.objects.filter(credential=incident.credential_id)
    return rows.order_by("pk")


def still_to_come(incident: Incident) -> str:
    """Why a package of the incident is interim, in words; empty once everything is over."""
    orders = orders_of(incident)
    unsettled = orders.exclude(state__in=SETTLED).count()
    kills = orders.filter(kind=OrderKind.KILL, confirmed_at__isnull=True)
    unconfirmed = kills.exclude(state=OrderState.ROLLED_BACK).count()
    said = (
        (incident.state == IncidentState.OPEN, "the incident is open"),
        (unsettled, f"orders not settled: {unsettled}"),
        (unconfirmed, f"kills that nobody else confirmed: {unconfirmed}"),
    )
    found = [words for holds, words in said if holds]
    return f"Not everything is over ({'; '.join(found)}), so this will change." if found else ""


OUTCOMES = {
    "taken_back": "Taken back",
    "ordered": "Being taken back",
    "put_back": "Was taken back, and that was undone",
    "left": "Stands; it can be taken back",
    "by_hand": "Nothing here can take it back",
}


def outcome_of(made: dict[str, Any]) -> str:
    """What became of one thing that was made with the credential."""
    if made["order_id"] is None:
        return "left" if made["steps"] else "by_hand"
    if made["order__state"] == OrderState.ROLLED_BACK:
        return "put_back"
    return "taken_back" if made["order__state"] in GONE else "ordered"
