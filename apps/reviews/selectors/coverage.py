"""What a scope leaves out, in counts and words; and the fallback's share."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from apps.grants.models import Grant
from apps.grants.states import ENDED, LIVE, Level
from apps.inventory.models import Credential
from apps.reviews.models import Campaign
from apps.reviews.scope import CREDENTIAL, GRANT, Scope

PROVIDERS_OWN = "The provider owns and uses them; the scope leaves them out."


def left_out_of(scope: Scope, frozen: Mapping[str, int]) -> list[dict[str, Any]]:
    """Every kind of record that is not in the population, how many, and why.

    `frozen` says how many of each kind are in it: counting them anew would take as long again.
    With the population itself the counts make up all grants, or credentials, that there are. A
    count links to the list of just those, where filters can say which they are.
    """
    lines = _grants_left_out(scope, frozen[GRANT]) if GRANT in scope.subjects else _no_grants()
    lines += (
        _credentials_left_out(scope, frozen[CREDENTIAL])
        if CREDENTIAL in scope.subjects
        else _no_credentials()
    )
    return [line for line in lines if line["count"] > 0]


def _grants_left_out(scope: Scope, frozen: int) -> list[dict[str, Any]]:
    present = Grant.objects.present()
    linked = 0 if scope.include_service_linked else present.service_linked(linked=True).count()
    live = Grant.objects.live()
    return [
        _line(
            "Grants of service-linked identities",
            linked,
            PROVIDERS_OWN,
            _grants(present="on", service_linked="yes"),
        ),
        _line(
            "Grants outside the scope",
            present.count() - linked - frozen,
            scope_in_words(scope),
            _grants_outside(scope),
        ),
        _line(
            "Grants gone from their source",
            live.gone().count(),
            "The newest reading no longer shows them.",
            _grants(gone="on", state=LIVE),
        ),
        _line(
            "Grants that ended",
            Grant.objects.ended().count(),
            "They were revoked or expired before.",
            _grants(state=ENDED),
        ),
    ]


def _grants_outside(scope: Scope) -> str:
    """The list of them, where levels are the only limit: no filter says "not of these teams"."""
    if scope != Scope(
        subjects=scope.subjects,
        levels=scope.levels,
        include_service_linked=scope.include_service_linked,
    ):
        return ""
    own = {} if scope.include_service_linked else {"service_linked": "no"}
    others = [level for level in Level if level not in scope.levels]
    return _grants(present="on", level=others, **own)


def _credentials_left_out(scope: Scope, frozen: int) -> list[dict[str, Any]]:
    standing = Credential.objects.standing()
    linked = 0 if scope.include_service_linked else standing.service_linked(linked=True).count()
    return [
        _line(
            "Credentials of service-linked identities",
            linked,
            PROVIDERS_OWN,
            _credentials(standing="on", service_linked="yes"),
        ),
        _line(
            "Credentials outside the scope",
            standing.count() - linked - frozen,
            scope_in_words(scope),
            "",
        ),
        _line(
            "Credentials that ended or are gone",
            Credential.objects.over().count(),
            "They are revoked, expired, or no longer in their source.",
            _credentials(over="on"),
        ),
    ]


def _no_grants() -> list[dict[str, Any]]:
    count = Grant.objects.present().count()
    return [_line("Grants", count, "Not asked about here.", _grants(present="on"))]


def _no_credentials() -> list[dict[str, Any]]:
    count = Credential.objects.standing().count()
    return [_line("Credentials", count, "Not asked about here.", _credentials(standing="on"))]


def _grants(**filters: Any) -> str:
    return f"{reverse('grants:grant_list')}?{urlencode(filters, doseq=True)}"


def _credentials(**filters: Any) -> str:
    return f"{reverse('inventory:credential_list')}?{urlencode(filters, doseq=True)}"


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
