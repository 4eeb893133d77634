from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.inventory.models import Binding, Credential
from apps.inventory.querysets.scope import reads_all_systems
from apps.remediation.states import SETTLED

if TYPE_CHECKING:
    from apps.remediation.models import Order


class OrderQuerySet(models.QuerySet["Order"]):
    def visible_to(self, actor: Actor) -> Self:
        """An order is visible with its subject."""
        if reads_all_systems(actor):
            return self
        return self.filter(
            Q(grant__in=Grant.objects.visible_to(actor).values("pk"))
            | Q(credential__in=Credential.objects.visible_to(actor).values("pk"))
            | Q(binding__in=Binding.objects.visible_to(actor).values("pk"))
        )

    def unsettled(self) -> Self:
        return self.exclude(state__in=SETTLED)

    def of_campaign(self, campaign_id: int) -> Self:
        return self.filter(campaign_id=campaign_id)

    def for_table(self) -> Self:
        return self.select_related(
            "grant__system",
            "credential__identity__system",
            "binding__identity__system",
            "decided_by",
            "executed_by",
        ).fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Order":
        return self.select_for_update(of=["self"]).get(pk=pk)
