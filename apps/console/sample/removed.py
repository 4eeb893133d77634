"""Grants that a review of the past removed: they stay, ended, as everything does."""

from collections.abc import Sequence
from datetime import datetime

from apps.console.sample.catalogue import ACTIONS
from apps.grants.models import Grant, GrantStatement
from apps.grants.states import GrantState, Level
from apps.inventory.models import Identity, Source


def removed_grants(*, count: int, first_seen_at: datetime, ended_at: datetime) -> Sequence[Grant]:
    """Insert grants as they stand after their removal, of identities that have none such now."""
    source = Source.objects.current().order_by("pk").first()
    grants: list[Grant] = []
    actions: dict[str, list[str]] = {}
    for identity in Identity.objects.select_related("system").order_by("-pk"):
        for service, listed in ACTIONS[identity.system.kind].items():
            held = Grant.objects.filter(identity=identity, service=service, level=Level.WRITE)
            if len(grants) == count or held.exists():
                continue
            label = f"{identity.name} · {identity.system.name} · {service} · write"
            actions[label] = [action for action, level, _ in listed if level == "write"]
            grants.append(
                Grant(
                    identity=identity,
                    system=identity.system,
                    service=service,
                    level=Level.WRITE,
                    label=label,
                    action_count=len(actions[label]),
                    actions_sample=", ".join(actions[label]),
                    source=source,
                    stream=source.stream if source else "",
                    state=GrantState.REVOKED,
                    first_seen_at=first_seen_at,
                    last_seen_at=ended_at,
                    gone_at=ended_at,
                    ended_at=ended_at,
                )
            )
            break
    Grant.objects.bulk_create(grants)
    GrantStatement.objects.bulk_create(
        GrantStatement(
            grant=grant, position=0, actions=actions[grant.label], policy=f"{grant.service} write"
        )
        for grant in grants
    )
    return grants
