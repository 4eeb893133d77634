"""What agents said and systems recorded, for the rules that compare the two."""

from datetime import timedelta

from django.utils import timezone

from apps.activity.models import Stream
from apps.activity.readings import Reading
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from tests.factories.grants import GrantFactory, GrantStatementFactory

SECOND = 10**9
TRACE = "0af7651916cd43dd8448eb211c80319c"


def ago(days=0, **more):
    """A time in the middle of an hour, so that no test depends on when it runs."""
    moment = timezone.now() - timedelta(days=days, **more)
    return moment.replace(minute=30, second=0, microsecond=0)


def at(moment):
    return int(moment.timestamp()) * SECOND


def call(name="s3:GetObject", *, moment=None, **more):
    when = at(moment or ago(3))
    return Reading("api", name, when, when, **{"outcome": "ok", **more})


def told(kind="call", name="s3:GetObject", *, moment=None, trace=TRACE, **more):
    when = at(moment or ago(3))
    return Reading(kind, name, when, when + SECOND, trace_id=trace, **{"outcome": "ok", **more})


def held(rule, system):
    findings_recheck(actor=system, rules=[rule])
    return {one.subject_id: one.detail for one in Finding.objects.holding().filter(rule=rule)}


def whole_log(system, since=None, until=None):
    return Stream.objects.create(
        system=system,
        log_format="cloudtrail",
        complete_from=since or ago(60),
        complete_until=until or timezone.now(),
    )


def granted(identity, actions, *, service="s3", **more):
    grant = GrantFactory(identity=identity, system=identity.system, service=service, **more)
    GrantStatementFactory(grant=grant, actions=actions)
    first = {"first_seen_at": ago(50), "content_changed_at": ago(50)}
    grant.__class__.objects.filter(pk=grant.pk).update(**first)
    identity.__class__.objects.filter(pk=identity.pk).update(first_seen_at=ago(50))
    grant.refresh_from_db()
    return grant
