"""Answers that span several tables: the figures of home, and findings of several agents."""

from collections import defaultdict
from collections.abc import Collection

from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

from apps.core.actors import System
from apps.findings.models import Finding
from apps.grants.models import Grant
from apps.inventory.models import Agent, Binding, Credential, Identity, Source


def nothing_is_read() -> bool:
    """Whether Countersign knows nothing yet, so that a figure of 0 would say too much."""
    return not Source.objects.exists() and not Agent.objects.exists()


def figures_now() -> dict[str, int]:
    """Every figure kept per day, as it is now. Whole counts: call from a task, not a page."""
    today = timezone.localdate()
    writing = Grant.objects.present().writing()
    unjustified = Grant.objects.unjustified(today).count()
    bound = Binding.objects.live().filter(identity=OuterRef("pk"))
    identities = Identity.objects.present()
    agents = Agent.objects.standing()
    by_rule = dict(
        Finding.objects.standing().values_list("rule").annotate(n=Count("pk")).order_by("rule")
    )
    by_severity = dict(
        Finding.objects.standing()
        .values_list("severity")
        .annotate(n=Count("pk"))
        .order_by("severity")
    )
    written = writing.count()
    return {
        "agents": agents.count(),
        "agents_without_owner": agents.filter(owner__isnull=True).count(),
        "agents_without_trail": agents.filter(trail_connected=False).count(),
        "agents_unexplained": agents.unexplained(System("figures")).count(),
        "identities": identities.count(),
        "identities_without_agent": identities.exclude(Exists(bound)).count(),
        "endless_credentials": Credential.objects.never_expires_or_rotates().count(),
        "shared_credentials": by_rule.get("credential-shared", 0),
        "writing_grants": written,
        "unjustified_grants": unjustified,
        "justified_grants": written - unjustified,
        **{f"findings:{rule}": count for rule, count in by_rule.items()},
        **{f"severity:{severity}": count for severity, count in by_severity.items()},
    }


def standing_findings_of(agent_ids: Collection[int]) -> dict[int, list[Finding]]:
    """The standing findings of several agents, worst first."""
    grouped: dict[int, list[Finding]] = defaultdict(list)
    rows = Finding.objects.standing().filter(agent__in=agent_ids)
    for finding in rows.order_by("-severity_rank", "pk"):
        grouped[finding.agent_id or 0].append(finding)
    return grouped
