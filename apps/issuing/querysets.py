from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When

from apps.core.actors import Actor
from apps.grants.states import ENDED, GrantState
from apps.inventory.models import Agent
from apps.inventory.querysets.scope import (
    is_limited_auditor,
    reads_all_systems,
    rows_of,
    seat_systems,
)
from apps.inventory.states import AgentState, ClientState
from apps.issuing.states import OPEN, IssuanceState
from apps.remediation.models import Order
from apps.remediation.states import OrderKind, OrderState

if TYPE_CHECKING:
    from apps.issuing.models import Issuance

GOES = (OrderKind.REVOKE, OrderKind.KILL, OrderKind.SUSPEND)


def removals_of_grants() -> models.QuerySet[Order]:
    """Orders by which a grant is to go, decided and under way; a held batch is neither."""
    return Order.objects.unsettled().filter(kind__in=GOES).exclude(state=OrderState.SCHEDULED)


class IssuanceQuerySet(models.QuerySet["Issuance"]):
    def visible_to(self, actor: Actor) -> Self:
        """Whoever sees the agent sees what it was issued; a limited auditor by the system."""
        if reads_all_systems(actor):
            return self
        if is_limited_auditor(actor):
            return self.filter(identity__system_id__in=seat_systems(actor))
        return self.filter(agent__in=Agent.objects.visible_to(actor).values("pk"))

    def open(self) -> Self:
        """What may still open something."""
        return self.filter(state__in=OPEN)

    def of_agent(self, agent_id: int) -> Self:
        return self.filter(agent=agent_id)

    def of_grant(self, grant_id: int) -> Self:
        cuts = rows_of(self.model, "cuts").filter(issuance=OuterRef("pk"), grant=grant_id)
        return self.filter(Exists(cuts))

    def asked_under(self, client_id: int, key: str) -> Self:
        return self.filter(client=client_id, key=key)

    def asked_before(self, moment: datetime) -> Self:
        """Asked for so long ago that no answer will come any more."""
        return self.filter(state=IssuanceState.ASKED, asked_at__lt=moment)

    def over_at(self, moment: datetime) -> Self:
        """Whose time is up, and that say something else yet. What was asked for is not: first it
        is seen that its answer is lost."""
        return self.open().exclude(state=IssuanceState.ASKED).filter(expires_at__lte=moment)

    def awake_at(self, moment: datetime) -> Self:
        return self.filter(wake_at__lte=moment).order_by("wake_at", "pk")

    def unended(self) -> Self:
        """What should be dead, and is not known to be."""
        return self.filter(state=IssuanceState.END_FAILED)

    def with_why_over(self, moment: datetime) -> Self:
        """Adds `why_over`: why it must end before its time; empty while its grounds stand."""
        cuts = rows_of(self.model, "cuts").filter(issuance=OuterRef("pk"))
        going = removals_of_grants().filter(grant=OuterRef("grant"))
        killed = Order.objects.in_force().filter(
            kind=OrderKind.KILL,
            credential__identity=OuterRef("identity"),
            decided_at__gte=OuterRef("asked_at"),
        )
        said = "A grant that it was cut from "
        reasons: list[tuple[Q | Exists, str]] = [
            (~Q(agent__state=AgentState.ACTIVE), "The agent is stopped."),
            (Q(client__state=ClientState.REVOKED), "The client that asked for it is revoked."),
            (
                Q(client__rotated_at__gte=F("asked_at")),
                "The client that asked for it got a new secret.",
            ),
            (Q(binding__ended_at__isnull=False), "The agent no longer acts as this identity."),
            (Q(identity__gone_at__isnull=False), "The identity is gone from its source."),
            (Exists(killed), "A credential of this identity was killed."),
            (Exists(cuts.filter(grant__state=GrantState.SUSPENDED)), f"{said}is suspended."),
            (Exists(cuts.filter(grant__state__in=ENDED)), f"{said}has ended."),
            (Exists(cuts.filter(grant__gone_at__isnull=False)), f"{said}is gone."),
            (Exists(cuts.filter(grant__expires_at__lte=moment)), f"{said}has expired."),
            (Exists(cuts.filter(Exists(going))), f"{said}is ordered to be removed."),
            (
                Exists(cuts.exclude(content_sha256=F("grant__content_sha256"))),
                f"{said}allows something else now.",
            ),
        ]
        return self.annotate(
            why_over=Case(
                *(When(condition, then=Value(text)) for condition, text in reasons),
                default=Value(""),
                output_field=models.TextField(),
            )
        )

    def why_over(self, pk: int, moment: datetime) -> str:
        """Why one must end before its time; empty while its grounds stand."""
        told = self.with_why_over(moment).filter(pk=pk).values_list("why_over", flat=True)
        return str(told.get())

    def fallen_at(self, moment: datetime) -> Self:
        """What works, or may, though its grounds no longer stand."""
        may_work = self.filter(state__in=(IssuanceState.ACTIVE, IssuanceState.LOST))
        return may_work.with_why_over(moment).exclude(why_over="").order_by("pk")

    def for_table(self) -> Self:
        return self.select_related(
            "agent__team", "identity__system", "connection", "client"
        ).fetch_mode(models.FETCH_RAISE)

    def for_machines(self) -> Self:
        """As the API tells it, with the grants it was cut from."""
        related = self.select_related("identity__system").prefetch_related("cuts")
        return related.fetch_mode(models.FETCH_RAISE)

    def in_state(self, state: str) -> Self:
        return self.filter(state=state)

    def locked(self, pk: int) -> "Issuance":
        related = self.select_related("agent__team", "connection")
        return related.select_for_update(of=["self"]).get(pk=pk)

    def taken(self, pk: int) -> "Issuance | None":
        """Lock one for an act; None where another worker has it."""
        free = self.filter(pk=pk).select_for_update(of=["self"], skip_locked=True)
        return free.select_related("agent", "connection").first()
