from typing import TYPE_CHECKING, Self

from django.db import models

from apps.core.actors import Actor
from apps.inventory.querysets.scope import rows_of
from apps.inventory.states import ClientState

if TYPE_CHECKING:
    from apps.inventory.models import AgentClient


class AgentClientQuerySet(models.QuerySet["AgentClient"]):
    def visible_to(self, actor: Actor) -> Self:
        """Whoever sees the agent sees its client."""
        agents = rows_of(self.model, "agent")
        return self.filter(agent__in=agents.visible_to(actor).values("pk"))

    def active(self) -> Self:
        return self.filter(state=ClientState.ACTIVE)

    def for_table(self) -> Self:
        """Load what a row shows; anything forgotten raises instead of querying per row."""
        return self.select_related("agent", "made_by").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "AgentClient":
        """Read one client for update. Callers decide on what they read here, not before."""
        return self.select_for_update(of=["self"]).select_related("agent").get(pk=pk)
