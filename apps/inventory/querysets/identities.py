from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Case, Count, Exists, F, Min, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce

from apps.core.actors import Actor, Machine, Person, Role
from apps.inventory.querysets.scope import (
    is_limited_auditor,
    reads_all_systems,
    rows_of,
    seat_systems,
)
from apps.inventory.states import AgentState

if TYPE_CHECKING:
    from apps.inventory.models import Binding, Identity


class BindingQuerySet(models.QuerySet["Binding"]):
    def live(self) -> Self:
        return self.filter(ended_at__isnull=True)

    def standing(self) -> Self:
        """Live bindings of agents that are not retired: the ones that make somebody answer."""
        return self.live().exclude(agent__state=AgentState.RETIRED)

    def visible_to(self, actor: Actor) -> Self:
        if reads_all_systems(actor):
            return self
        if is_limited_auditor(actor):
            return self.filter(identity__system_id__in=seat_systems(actor))
        return self.of_agents_of(actor)

    def of_agents_of(self, actor: Actor) -> Self:
        """Bindings of the agents a reviewer owns or manages, or a machine's own."""
        if isinstance(actor, Machine):
            return self.filter(agent=actor.agent_id)
        if not isinstance(actor, Person) or actor.role != Role.REVIEWER:
            return self.none()
        user = actor.user
        return self.filter(
            Q(agent__owner=user) | Q(agent__technical_owner=user) | Q(agent__team__manager=user)
        )

    def for_table(self) -> Self:
        return self.select_related("agent__owner", "identity__system", "bound_by").fetch_mode(
            models.FETCH_RAISE
        )

    def locked(self, pk: int) -> "Binding":
        return self.select_for_update(of=["self"]).get(pk=pk)


class IdentityQuerySet(models.QuerySet["Identity"]):
    def visible_to(self, actor: Actor) -> Self:
        """Stewards all; auditors by seat; others the identities their agents act as."""
        if reads_all_systems(actor):
            return self
        if is_limited_auditor(actor):
            return self.filter(system_id__in=seat_systems(actor))
        bindings = rows_of(self.model, "bindings")
        mine = bindings.live().of_agents_of(actor).filter(identity=OuterRef("pk"))
        return self.filter(Exists(mine))

    def present(self) -> Self:
        return self.filter(gone_at__isnull=True)

    def with_accountable(self) -> Self:
        """Adds `accountable_id`: the only agent bound to it, else the steward's choice, else null.

        Retired agents answer for nothing.
        """
        bindings = rows_of(self.model, "bindings")
        only = (
            bindings.standing()
            .filter(identity=OuterRef("pk"))
            .order_by()
            .values("identity")
            .annotate(bound=Count("pk"), only=Min("agent"))
            .filter(bound=1)
            .values("only")
        )
        chosen = Case(
            When(~Q(accountable_agent__state=AgentState.RETIRED), then=F("accountable_agent_id"))
        )
        return self.annotate(
            accountable_id=Coalesce(
                Subquery(only), chosen, output_field=models.BigIntegerField(null=True)
            )
        )

    def only_of_agent(self, agent_id: int) -> Self:
        """Identities that this agent acts as, and no other that is not retired."""
        bindings = rows_of(self.model, "bindings")
        mine = bindings.live().filter(identity=OuterRef("pk"), agent=agent_id)
        others = bindings.standing().filter(identity=OuterRef("pk")).exclude(agent=agent_id)
        return self.filter(Exists(mine), ~Exists(others))

    def of_agent(self, agent_id: int) -> Self:
        """Identities that an agent acts as now."""
        bindings = rows_of(self.model, "bindings")
        return self.filter(Exists(bindings.live().filter(identity=OuterRef("pk"), agent=agent_id)))

    def not_of_agent(self, agent_id: int) -> Self:
        """Identities that an agent does not act as now."""
        bindings = rows_of(self.model, "bindings")
        return self.exclude(Exists(bindings.live().filter(identity=OuterRef("pk"), agent=agent_id)))

    def matching(self, words: str) -> Self:
        """Identities whose id on their system holds every word."""
        rows = self
        for word in words.split()[:8]:
            rows = rows.filter(search__icontains=word)
        return rows

    def agentless(self) -> Self:
        """Identities that no agent answers for, service-linked ones aside."""
        chosen = Q(accountable_agent__isnull=False) & ~Q(
            accountable_agent__state=AgentState.RETIRED
        )
        return self.filter(
            ~Q(standing_count=1), is_service_linked=False, gone_at__isnull=True
        ).exclude(chosen)

    def gone(self) -> Self:
        """Records their source no longer shows."""
        return self.filter(gone_at__isnull=False)

    def for_table(self) -> Self:
        return self.select_related("system", "accountable_agent").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Identity":
        return self.select_for_update(of=["self"]).get(pk=pk)
