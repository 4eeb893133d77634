"""How often each grant was really used, as the logs of systems tell."""

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import AllowedCall, GrantUse, Invocation, UseHour
from apps.activity.readings import Reading
from apps.activity.services.append import Delivery, deliveries_append
from apps.activity.services.measuring import use_measure, use_rebuild, use_tell
from apps.activity.services.projecting import events_project
from apps.core.actors import System
from apps.core.policies import ALLOW
from apps.grants.services.grants import grant_revoke
from apps.grants.states import Level
from tests.activity.use import granted, logged, used
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import BindingFactory, IdentityFactory, SystemFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def identity():
    return IdentityFactory(system=SystemFactory(kind="aws"))


def sums(grant):
    rows = GrantUse.objects.filter(grant_id=grant.pk)
    return sum(row.calls for row in rows), sum(row.sole for row in rows)


def test_a_call_counts_for_every_grant_that_would_have_allowed_it(identity):
    all_reading = granted(identity, "s3:Get*")
    one_call = granted(identity, "s3:GetObject")
    other = granted(identity, "s3:Put*", level=Level.WRITE)
    used(identity, "s3:GetObject", 7)
    used(identity, "s3:GetBucketAcl", 2, ago=3)

    assert use_measure() == 1

    assert (sums(all_reading), sums(one_call), sums(other)) == ((9, 2), (7, 0), (0, 0))


def test_what_the_log_calls_otherwise_is_still_allowed_by_its_permission(identity):
    bucket = granted(identity, "s3:ListBucket")
    metrics = granted(identity, "cloudwatch:PutMetricData", level=Level.WRITE)
    functions = granted(identity, "lambda:Get*")
    used(identity, "s3:ListObjectsV2", 3)
    used(identity, "monitoring:PutMetricData", 4)
    used(identity, "lambda:GetFunction20150331v2", 5)

    use_measure()

    assert (sums(bucket), sums(metrics), sums(functions)) == ((3, 3), (4, 4), (5, 5))


def test_refused_calls_are_nobodys_use(identity):
    grant = granted(identity, "s3:*")
    used(identity, "s3:GetObject", 5, denied=5)
    used(identity, "s3:PutObject", 5, denied=2)

    use_measure()

    assert sums(grant) == (3, 3)


def test_without_statements_service_and_level_tell(identity):
    reading = granted(identity, service="s3")
    writing = granted(identity, service="s3", level=Level.WRITE)
    elsewhere = granted(identity, service="iam")
    used(identity, "s3:GetObject", 2)
    used(identity, "s3:PutObject", 3)

    use_measure()

    assert (sums(reading), sums(writing), sums(elsewhere)) == ((2, 0), (5, 3), (0, 0))


def test_a_denial_of_the_grant_goes_before_what_it_allows(identity):
    grant = granted(identity, "s3:*")
    GrantStatementFactory(grant=grant, effect="deny", actions=["s3:Delete*"])
    used(identity, "s3:DeleteObject", 2)
    used(identity, "s3:GetObject", 1)

    use_measure()

    assert sums(grant) == (1, 1)


def test_another_identitys_grant_is_not_used_by_it(identity):
    other = granted(IdentityFactory(system=identity.system), "s3:*")
    used(identity, "s3:GetObject")

    use_measure()

    assert sums(other) == (0, 0)


def test_a_change_of_grants_measures_all_of_the_past_anew(identity):
    first = granted(identity, "s3:Get*")
    used(identity, "s3:GetObject", 4, ago=40)
    use_measure()
    second = granted(identity, "s3:GetObject")

    assert use_measure() == 1

    assert (sums(first), sums(second)) == ((4, 0), (4, 0))
    assert use_measure() == 0


def test_a_grant_that_ended_keeps_its_days_and_covers_nothing_any_more(identity):
    gone = granted(identity, "s3:*")
    stays = granted(identity, "s3:Get*")
    used(identity, "s3:GetObject", 4)
    use_measure()
    grant_revoke(grant_id=gone.pk, reason="Verified", actor=System("test.run"), authority=ALLOW)

    use_measure()

    assert (sums(stays), sums(gone)) == ((4, 4), (4, 0))


def test_an_hour_that_was_summed_anew_is_measured_anew(identity):
    grant = granted(identity, "s3:*")
    row = used(identity, "s3:GetObject", 4)
    use_measure()
    UseHour.objects.filter(pk=row.pk).delete()
    used(identity, "s3:GetObject", 6)

    use_measure()

    assert sums(grant) == (6, 6)


def test_measuring_anew_from_nothing_gives_the_same(identity):
    grant = granted(identity, "s3:*")
    used(identity, "s3:GetObject", 4)
    use_measure()
    AllowedCall.objects.all().delete()

    use_rebuild()

    assert sums(grant) == (4, 4)


def test_a_grant_tells_when_it_was_last_used(identity):
    grant = granted(identity, "s3:*")
    row = used(identity, "s3:GetObject", 4, ago=3)

    use_measure()

    grant.refresh_from_db()
    assert (grant.last_used_at, grant.use_is_known) == (row.last_at, True)


def test_what_its_source_saw_later_stays(identity):
    later = timezone.now()
    grant = granted(identity, "s3:*", last_used_at=later, use_is_known=True)
    used(identity, "s3:GetObject", 4, ago=3)

    use_measure()

    grant.refresh_from_db()
    assert (grant.last_used_at, grant.use_is_logged) == (later, False)


def test_never_used_is_only_known_where_the_log_is_complete(identity):
    grant = granted(identity, "s3:*")
    elsewhere = GrantFactory()
    stream = logged(identity.system)

    use_tell(timezone.now())

    grant.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (grant.use_is_known, elsewhere.use_is_known) == (True, False)

    stream.complete_until = timezone.now() - timedelta(days=4)
    stream.save()
    use_tell(timezone.now())

    grant.refresh_from_db()
    assert grant.use_is_known is False


def test_a_log_that_begins_too_late_makes_nothing_known(identity):
    grant = granted(identity, "s3:*")
    logged(identity.system, days=60)

    use_tell(timezone.now())

    grant.refresh_from_db()
    assert grant.use_is_known is False


def test_what_a_source_told_stays_known_when_the_log_lapses(identity):
    grant = granted(identity, "s3:*", use_is_known=True)
    logged(identity.system, until=timezone.now() - timedelta(days=9))

    use_tell(timezone.now())

    grant.refresh_from_db()
    assert grant.use_is_known is True


def keep(*readings, whose):
    digest = hashlib.sha256(repr(readings).encode()).digest()
    deliveries_append([Delivery("log:1", digest, [(one, whose) for one in readings])])


def heard(name, target, at, **more):
    nanoseconds = int(at.timestamp() * 1e9)
    return Reading("api", name, nanoseconds, nanoseconds, target=target, outcome="ok", **more)


def test_the_resource_tells_which_grant_allowed_it_where_the_log_names_it(identity):
    crm = granted(identity, "s3:GetObject", resources=["arn:aws:s3:::crm/*"])
    mail = granted(identity, "s3:GetObject", resources=["arn:aws:s3:::mail/*"])
    at = timezone.now() - timedelta(days=1)
    whose = Whose(identity_id=identity.pk, system_id=identity.system_id)
    keep(
        heard("s3:GetObject", "arn:aws:s3:::crm/a", at),
        heard("s3:GetObject", "crm", at),
        heard("s3:GetObject", "", at),
        whose=whose,
    )
    used(identity, "s3:GetObject", 3)

    use_measure()

    assert (sums(crm), sums(mail)) == ((3, 2), (1, 0))


def test_a_path_tells_which_grant_of_vault_allowed_it():
    identity = IdentityFactory(system=SystemFactory(kind="vault"))
    crm = granted(identity, "read secret/data/crm/*", resources=["secret/data/crm/*"])
    one = granted(identity, "read secret/data/+/key", resources=["secret/data/+/key"])
    at = timezone.now() - timedelta(days=1)
    keep(
        heard("vault:read", "secret/data/crm/key", at),
        heard("vault:read", "secret/data/crm/other", at),
        heard("vault:read", "secret/data/hr/other", at),
        whose=Whose(identity_id=identity.pk, system_id=identity.system_id),
    )
    used(identity, "vault:read", 3)

    use_measure()

    assert (sums(crm), sums(one)) == ((2, 1), (1, 0))


def test_each_day_keeps_a_run_that_shows_it(identity):
    binding = BindingFactory(identity=identity)
    grant = granted(identity, "s3:*")
    at = timezone.now() - timedelta(days=1)
    trace, nanoseconds = "0af7651916cd43dd8448eb211c80319c", int(at.timestamp() * 1e9)
    told = Reading(
        "invocation", "refunds", nanoseconds, nanoseconds, trace_id=trace, span_id="a" * 16
    )
    keep(told, whose=Whose(agent_id=binding.agent_id))
    keep(
        heard("s3:GetObject", "crm", at, correlation=trace, carried_by="header"),
        whose=Whose(identity_id=identity.pk, system_id=identity.system_id),
    )
    events_project()
    used(identity, "s3:GetObject", 1)

    use_measure()

    assert GrantUse.objects.get(grant_id=grant.pk).sample_id == Invocation.objects.get().pk
