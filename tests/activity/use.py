"""Use as the systems' logs tell it, for tests: hours of it, and logs that reach so far."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from apps.activity.models import KnownCall, Stream, UseHour
from apps.grants.models import Grant
from apps.grants.states import Level
from apps.inventory.models import Identity, System
from tests.factories.grants import GrantFactory, GrantStatementFactory


def used(identity: Identity, name: str, calls: int = 1, ago: int = 1, **more) -> UseHour:
    """So many calls, so many days ago."""
    at = timezone.now() - timedelta(days=ago)
    return UseHour.objects.create(
        log_id=1,
        hour=at.replace(minute=0, second=0, microsecond=0),
        system_id=identity.system_id,
        identity_id=identity.pk,
        name=name,
        calls=calls,
        **{"proven": 0, "failed": 0, "denied": 0, "first_at": at, "last_at": at} | more,
    )


def granted(identity: Identity, *actions: str, resources=("*",), **more) -> Grant:
    more.setdefault("level", Level.READ)
    grant = GrantFactory(identity=identity, **more)
    if actions:
        GrantStatementFactory(grant=grant, actions=list(actions), resources=list(resources))
    return grant


def logged(
    system: System,
    days: int = 200,
    until: datetime | None = None,
    *,
    log_format: str = "cloudtrail",
    shows: Sequence[str] = ("s3:GetObject", "dynamodb:GetItem", "lambda:Invoke"),
) -> Stream:
    """The log of a system is here without a gap for so many days, and once held these calls."""
    now = timezone.now()
    KnownCall.objects.bulk_create(
        [KnownCall(system_id=system.pk, name=name) for name in shows], ignore_conflicts=True
    )
    return Stream.objects.create(
        system=system,
        log_format=log_format,
        complete_from=now - timedelta(days=days),
        complete_until=until or now,
    )


def known_for_long[Kept: Identity | Grant](kept: Kept, days: int = 200) -> Kept:
    """It was here already when what a test tells of happened."""
    kept.first_seen_at = timezone.now() - timedelta(days=days)
    kept.save(update_fields=["first_seen_at"])
    return kept
