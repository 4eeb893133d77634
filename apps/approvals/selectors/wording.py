"""Policies in words."""

from apps.approvals.matching import Match
from apps.approvals.models import Policy
from apps.inventory.models import System


def match_in_words(policy: Policy) -> str:
    """Which requests a policy is for, as one sentence."""
    match = Match.of(policy.match)
    systems = System.objects.filter(pk__in=match.systems).order_by("name")
    parts = [f"{' and '.join(match.levels)} access" if match.levels else "any access"]
    if match.systems:
        parts.append(f"on {', '.join(system.name for system in systems)}")
    if match.environments:
        parts.append(f"in {' or '.join(match.environments)}")
    if match.tags:
        parts.append(f"that {' or '.join(match.tags)}")
    if "*" in match.combinations:
        parts.append("that would complete a dangerous combination")
    elif match.combinations:
        parts.append(f"that would complete {' or '.join(match.combinations)}")
    return " ".join(parts)
