from typing import TYPE_CHECKING, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import JSONObject

from apps.core.actors import Actor
from apps.inventory.querysets.scope import agents_of, is_limited_auditor, rows_of, seat_systems
from apps.inventory.states import AgentState

if TYPE_CHECKING:
    from apps.inventory.models import Agent, System

# The rules of findings that say somebody's recent activity is not explained.
UNEXPLAINED_BY = ("identity-unexplained", "agent-unconfirmed")
# The one that says it of an identity which several agents share, and of each of them.
SHARED_BY = "identity-attribution-lost"


class AgentQuerySet(models.QuerySet["Agent"]):
    def visible_to(self, actor: Actor) -> Self:
        """Every list and every lookup by id starts here, so a stranger's agent is a 404."""
        if is_limited_auditor(actor):
            binding = rows_of(self.model, "bindings")
            bound = binding.filter(
                agent=OuterRef("pk"), identity__system_id__in=seat_systems(actor)
            )
            return self.filter(Exists(bound))
        return self.filter(agents_of(actor))

    def standing(self) -> Self:
        """Agents that count: not retired."""
        return self.exclude(state=AgentState.RETIRED)

    def with_gaps(self) -> Self:
        """Agents that were activated although something was missing that still is."""
        return self.standing().exclude(activation_gaps=[])

    def ownerless(self) -> Self:
        """Agents that count and for which nobody active answers."""
        return self.standing().filter(Q(owner__isnull=True) | Q(owner__is_active=False))

    def with_trail(self, *, connected: bool) -> Self:
        """Agents that count, by whether their activity can be read."""
        return self.standing().filter(trail_connected=connected)

    def unexplained(self, actor: Actor) -> Self:
        """The fifth question of home: agents that count, of which what they did is not all known.

        Systems saw what no run claims, or what one of several did, or nothing of what they said
        they did; or no trail is here. By what the reader may see, as `with_reasons` tells it.
        """
        findings, bindings = rows_of(self.model, "findings"), rows_of(self.model, "bindings")
        found = findings.visible_to(actor).standing().filter(rule__in=UNEXPLAINED_BY)
        lost = findings.standing().filter(rule=SHARED_BY).values("subject_id")
        seen = rows_of(bindings.model, "identity").visible_to(actor).filter(pk__in=lost)
        sharing = bindings.live().filter(identity__in=seen.values("pk")).values("agent")
        return self.standing().filter(
            Q(trail_connected=False) | Q(pk__in=found.values("agent")) | Q(pk__in=sharing)
        )

    def with_reasons(self, actor: Actor) -> Self:
        """With why each is `unexplained`, as far as the reader may see it.

        Identities of calls that no run tells of, whether what it said is not confirmed, and
        identities that it shares and whose calls are nobody's: each by its name, with its `pk`.
        """
        bindings, findings = rows_of(self.model, "bindings"), rows_of(self.model, "findings")
        calls, actions = UNEXPLAINED_BY
        standing = findings.visible_to(actor).standing()
        untold = standing.filter(rule=calls, agent=OuterRef(OuterRef("pk")))
        # What is shared is a finding about the identity, and of no one agent: whoever sees the
        # identity may know of it.
        lost = findings.standing().filter(rule=SHARED_BY)
        acts_as = bindings.live().filter(agent=OuterRef(OuterRef("pk")))
        named = (
            rows_of(bindings.model, "identity")
            .visible_to(actor)
            .order_by("name", "pk")
            .values(one=JSONObject(pk="pk", name="name"))
        )
        return self.annotate(
            untold_as=ArraySubquery(named.filter(pk__in=untold.values("subject_id"))),
            is_unconfirmed=Exists(standing.filter(rule=actions, agent=OuterRef("pk"))),
            shared_as=ArraySubquery(
                named.filter(pk__in=acts_as.values("identity")).filter(
                    pk__in=lost.values("subject_id")
                )
            ),
        )

    def acting_on(self, system: "System") -> Self:
        """Agents that act as some identity of a system now."""
        binding = rows_of(self.model, "bindings")
        bound = binding.live().filter(agent=OuterRef("pk"), identity__system=system)
        return self.filter(Exists(bound))

    def acting_as(self, identity_id: int) -> Self:
        """Agents that act as one identity now."""
        binding = rows_of(self.model, "bindings")
        return self.filter(
            Exists(binding.live().filter(agent=OuterRef("pk"), identity=identity_id))
        )

    def for_table(self) -> Self:
        """Load what a row shows; anything forgotten raises instead of querying per row."""
        return self.select_related("owner", "technical_owner", "team").fetch_mode(
            models.FETCH_RAISE
        )

    def locked(self, pk: int) -> "Agent":
        """Read one agent for update. Callers decide on what they read here, not before."""
        return self.select_for_update(of=["self"]).get(pk=pk)
