"""Break-glass by a named person, and time that passes over it."""

from datetime import timedelta

import pytest

from apps.approvals.models import BreakGlass
from apps.approvals.services.break_glass import (
    Emergency,
    break_glass_take,
)
from apps.core.actors import Person
from apps.grants.models import Grant
from apps.notices.models import Notice
from tests.factories.accounts import UserFactory
from tests.factories.approvals import GroupMemberFactory, KnownGroupFactory

# Each act is committed, as in life: one entry about one thing belongs to one transaction.
COMMITTED = pytest.mark.django_db(transaction=True)
WHY = "The queue stands still and nobody of the team can be reached."


def named(key, **person):
    member = GroupMemberFactory(group=KnownGroupFactory(key=key), person=UserFactory(**person))
    return member.person


def emergency_of(company, **changes) -> Emergency:
    values = {
        "agent_id": company.agent.pk,
        "identity_id": company.identity.pk,
        "service": "customers",
        "actions": [company.write.key],
        "reason": WHY,
        "hours": 2,
        **changes,
    }
    return Emergency(**values)


def take(company, person, **changes) -> BreakGlass:
    return break_glass_take(emergency=emergency_of(company, **changes), actor=Person(person)).use


def sent(kind):
    rows = Notice.objects.filter(kind=kind).order_by("recipient__display_name")
    return list(rows.values_list("recipient__display_name", flat=True))


def let_time_pass(use, **passed):
    moments = {"taken_at": use.taken_at, "ends_at": use.ends_at}
    BreakGlass.objects.filter(pk=use.pk).update(
        **{name: at - timedelta(**passed) for name, at in moments.items()}
    )
    grant = use.grant
    Grant.objects.filter(pk=grant.pk, expires_at__isnull=False).update(
        first_seen_at=grant.first_seen_at - timedelta(**passed),
        expires_at=grant.expires_at and grant.expires_at - timedelta(**passed),
    )
