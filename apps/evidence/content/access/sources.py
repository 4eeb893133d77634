"""Which readings the package leans on, and what it does not speak of."""

from typing import Any

from django.db.models import Q, QuerySet

from apps.approvals.models import BreakGlass, RequestProof
from apps.evidence.content.access.scope import Scope, start_of
from apps.evidence.content.readings import gap
from apps.inventory.models import Source


def sources_of(scope: Scope) -> QuerySet[Source]:
    """Readings that showed what was approved, or that told last of what it led to."""
    proofs = RequestProof.objects.filter(request__in=scope.pks).order_by().values("source")
    grants = scope.requests.order_by().values("grant__source")
    rows: QuerySet[Source] = Source.objects.filter(Q(pk__in=proofs) | Q(pk__in=grants))
    return rows.order_by("pk")


def source_pks(scope: Scope) -> QuerySet:
    return sources_of(scope).order_by().values("pk")


def not_covered(scope: Scope) -> list[dict[str, Any]]:
    """What the package does not speak of, and why, in words."""
    found = _of_period(scope) if scope.request_id is None else []
    unknown = scope.requests.filter(grant__isnull=False, grant__use_is_known=False).count()
    if unknown:
        what = "Whether the access was used, where use_is_known in data/grants.csv says no"
        found.append(gap(what, "No source tells of its use.", unknown))
    always = (
        (
            "Access that was given without a request",
            "Requests are what was asked for in Countersign. What sources show beyond that is in "
            "the inventory, and in the packages of reviews.",
        ),
        (
            "Other access of the same agents, and the parts of dangerous combinations",
            "They may lie on systems that whoever reads this may not see. "
            "data/requests.jsonl names the combinations that a request would complete.",
        ),
        (
            "Owners of agents in the past, by name and number",
            "data/beneficiaries.csv tells who answers for an agent now, and since when. Earlier "
            "owners stand in data/governance.jsonl by name alone, and are not compared with votes.",
        ),
        (
            "The text of policies as they were",
            "The chain of each request is frozen with it (data/chain.csv). How its policy was "
            "changed stands in data/governance.jsonl.",
        ),
        (
            "The raw files that the sources were read from",
            "They are deleted once imported. data/sources.csv holds the SHA-256 of each.",
        ),
        (
            "What agents did with the access",
            "The package shows who may do what and who decided; it holds no activity logs.",
        ),
    )
    return [*found, *(gap(what, why) for what, why in always)]


def _of_period(scope: Scope) -> list[dict[str, Any]]:
    earlier = scope.before.count()
    uses = BreakGlass.objects.filter(
        taken_at__lt=start_of(scope.since), ended_at__gte=start_of(scope.since)
    )
    if scope.system is not None:
        uses = uses.filter(system=scope.system)
    found = [
        gap(
            "Requests asked for before the period, and not over when it began",
            "They belong to the period in which they were asked for.",
            earlier,
        ),
        gap(
            "Break-glass uses taken before the period, and not over when it began",
            "They belong to the period in which they were taken.",
            uses.count(),
        ),
    ]
    if scope.system is not None:
        found.append(gap("Every system but this one", f"It is of {scope.system} alone."))
    return found
