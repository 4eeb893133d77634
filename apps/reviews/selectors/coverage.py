"""What a scope leaves out, in counts and words; and the fallback's share."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.urls import reverse

from apps.grants.models import Grant
from apps.grants.states import ENDED, LIVE
from apps.inventory.models import Credential
from apps.reviews.models import Campaign
from apps.reviews.querysets.population import service_linked_in
from apps.reviews.scope import CREDENTIAL, GRANT, Scope


def left_out_of(scope: Scope, frozen: Mapping[str, int]) -> list[dict[str, Any]]:
    """Every kind of record that is not in the population, how many, and why.

    `frozen` says how many of each kind are in it: counting them anew would take as long again.
    """
    lines: list[dict[str, Any]] = []
    linked = service_linked_in(scope)
    if linked:
        lines.append(
            _line(
                "Access of service-linked identities",
                linked,
                "The provider owns and uses them; the scope leaves them out.",
                reverse("inventory:identity_list"),
            )
        )
    lines += _grants_left_out(scope, frozen[GRANT]) if GRANT in scope.subjects else _no_grants()
    lines += (
        _credentials_left_out(scope, frozen[CREDENTIAL])
        if CREDENTIAL in scope.subjects
        else _no_credentials()
    )
    return [line for line in lines if line["count"] > 0]


def _grants_left_out(scope: Scope, frozen: int) -> list[dict[str, Any]]:
    href = reverse("grants:grant_list")
    beyond = _asked_about(Grant.objects.present(), scope) - frozen
    live = Grant.objects.filter(state__in=LIVE)
    return [
        _line("Grants outside the scope", beyond, scope_in_words(scope), href),
        _line(
            "Grants gone from their source",
            live.filter(gone_at__isnull=False).count(),
            "The newest reading no longer shows them.",
            href,
        ),
        _line(
            "Grants that ended",
            Grant.objects.filter(state__in=ENDED).count(),
            "They were revoked or expired before.",
            href,
        ),
    ]


def _credentials_left_out(scope: Scope, frozen: int) -> list[dict[str, Any]]:
    href = reverse("inventory:credential_list")
    standing = Credential.objects.standing()
    beyond = _asked_about(standing, scope) - frozen
    return [
        _line("Credentials outside the scope", beyond, scope_in_words(scope), href),
        _line(
            "Credentials that ended or are gone",
            Credential.objects.count() - standing.count(),
            "They are revoked, expired, or no longer in their source.",
            href,
        ),
    ]


def _no_grants() -> list[dict[str, Any]]:
    href = reverse("grants:grant_list")
    return [_line("Grants", Grant.objects.present().count(), "Not asked about here.", href)]


def _no_credentials() -> list[dict[str, Any]]:
    href = reverse("inventory:credential_list")
    count = Credential.objects.standing().count()
    return [_line("Credentials", count, "Not asked about here.", href)]


def _asked_about(rows: models.QuerySet[Any], scope: Scope) -> int:
    """How many there are, without the few of service-linked identities where these stay out."""
    if scope.include_service_linked:
        return rows.count()
    return rows.count() - rows.filter(identity__is_service_linked=True).count()


def _line(what: str, count: int, why: str, href: str) -> dict[str, Any]:
    return {"what": what, "count": count, "why": why, "href": href}


def scope_in_words(scope: Scope) -> str:
    """The limits of a scope as one sentence."""
    limits = [
        f"levels {', '.join(scope.levels)}" if scope.levels else "",
        f"{len(scope.systems)} named systems" if scope.systems else "",
        f"{len(scope.teams)} named teams" if scope.teams else "",
        f"environments {', '.join(scope.environments)}" if scope.environments else "",
        f"findings {', '.join(scope.findings)}" if scope.findings else "",
        f"systems tagged {', '.join(scope.tags)}" if scope.tags else "",
        f"{len(scope.agents)} named agents" if scope.agents else "",
        f"access that “{_named(scope.beyond)}” did not freeze" if scope.beyond else "",
    ]
    said = [limit for limit in limits if limit]
    return f"The scope is limited to {'; '.join(said)}." if said else "The scope has no limit."


def _named(campaign_id: int) -> str:
    return Campaign.objects.values_list("name", flat=True).get(pk=campaign_id)


def needs_fallback_reason(campaign: Campaign) -> bool:
    """Whether so much ends at the fallback that launching asks why."""
    allowed = int(campaign.policy.get("fallback_share", 20))
    return campaign.fallback_count * 100 > campaign.population_count * allowed
