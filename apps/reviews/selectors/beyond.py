"""Access in the scope of a campaign that its frozen population does not hold."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When

from apps.grants.models import Grant
from apps.grants.states import LEVEL_RANK, WRITING
from apps.inventory.models import Credential
from apps.reviews.models import Campaign
from apps.reviews.querysets.population import credentials_in, grants_in
from apps.reviews.scope import Scope

_RANK = Case(
    *(When(level=level, then=Value(rank)) for level, rank in LEVEL_RANK.items()),
    default=Value(0),
    output_field=IntegerField(),
)


@dataclass(frozen=True, slots=True)
class Beyond:
    """What is new, the highest level first."""

    grants: QuerySet[Grant]
    credentials: QuerySet[Credential]

    @property
    def count(self) -> int:
        return self.grants.count() + self.credentials.count()

    @property
    def writing(self) -> int:
        return self.grants.filter(level__in=WRITING).count()


def scope_beyond(campaign: Campaign) -> Scope:
    """The scope of a campaign, without what it froze."""
    return replace(Scope.of(campaign.scope), beyond=campaign.pk)


def beyond(campaign: Campaign) -> Beyond:
    scope = scope_beyond(campaign)
    return Beyond(
        grants=grants_in(scope).select_related("system").order_by(_RANK.desc(), "pk"),
        credentials=credentials_in(scope).select_related("identity__system").order_by("pk"),
    )


def asked_about_in(campaign: Campaign) -> QuerySet[Campaign]:
    """The campaigns that were made for what is new beside this one."""
    return Campaign.objects.filter(scope__beyond=campaign.pk).order_by("pk")


def told(new: Beyond) -> Iterator[dict[str, Any]]:
    """Every record that is new, as plain values for the closing's reconciliation."""
    for grant in new.grants:
        yield {
            "subject": f"grant:{grant.pk}",
            "label": grant.label,
            "level": grant.level,
            "system": grant.system.name,
            "first_seen_at": grant.first_seen_at.isoformat(),
        }
    for credential in new.credentials:
        yield {
            "subject": f"credential:{credential.pk}",
            "label": str(credential),
            "level": "",
            "system": credential.identity.system.name,
            "first_seen_at": credential.first_seen_at.isoformat(),
        }
