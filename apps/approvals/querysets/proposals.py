from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.approvals.states import ProposalState
from apps.core.actors import Actor, Person, Role, reads_everything
from apps.remediation.models import Order

if TYPE_CHECKING:
    from apps.approvals.models import RemovalProposal


class ProposalQuerySet(models.QuerySet["RemovalProposal"]):
    def open(self) -> Self:
        return self.filter(state=ProposalState.OPEN)

    def answerable_by(self, actor: Actor) -> Self:
        """Open ones that a person may answer: the rule is `can_answer_proposal`."""
        if reads_everything(actor):
            return self.open()
        if not isinstance(actor, Person) or actor.role != Role.REVIEWER:
            return self.none()
        mine = Q(request__agent__owner=actor.user)
        mine |= Q(request__agent__technical_owner=actor.user)
        mine |= Q(request__asked_by=actor.user)
        return self.open().filter(mine)

    def moot(self, *, since: datetime) -> Self:
        """Open ones whose access was used since then, is over, or is being removed already."""
        removal = Order.objects.removing().filter(grant=OuterRef("request__grant"))
        used = Q(request__grant__use_is_known=True, request__grant__last_used_at__gte=since)
        over = Q(request__access_ended_at__isnull=False)
        return self.open().filter(used | over | Exists(removal))

    def locked(self, pk: int) -> "RemovalProposal":
        return self.select_for_update(of=["self"]).get(pk=pk)
