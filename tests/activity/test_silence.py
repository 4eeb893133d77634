"""A log that is whole and may not record a call says nothing by its silence about it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.models import KnownCall
from apps.activity.selectors.breaking import (
    breaks_without,
    breaks_without_credential,
    breaks_without_grant,
)
from apps.activity.selectors.measured import measured_of
from apps.activity.services.measuring import use_measure, use_tell
from apps.core.actors import Person
from apps.findings.rules.use import UnusedGrant
from apps.grants.models import Grant
from apps.grants.states import Level
from tests.activity.use import granted, logged, used
from tests.factories.inventory import CredentialFactory, IdentityFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def identity():
    return IdentityFactory(system__kind="aws")


def is_known(grant) -> bool:
    grant.refresh_from_db()
    return bool(grant.use_is_known)


@pytest.mark.parametrize(
    ("service", "actions", "shown_by"),
    [
        ("s3", ["s3:Put*"], "s3:DeleteObject"),
        ("s3", ["s3:*"], "s3:HeadObject"),
        ("lambda", ["lambda:InvokeFunction"], "lambda:Invoke"),
        ("dynamodb", ["dynamodb:PutItem"], "dynamodb:GetItem"),
        ("sqs", [], "sqs:SendMessage"),
    ],
)
def test_data_events_are_unused_only_once_the_log_held_some(identity, service, actions, shown_by):
    logged(identity.system, shows=())
    grant = granted(identity, *actions, level=Level.WRITE, service=service)

    use_tell(timezone.now())
    assert not is_known(grant)

    KnownCall.objects.create(system_id=identity.system_id, name=f"{service}:CreateSomething")
    use_tell(timezone.now())
    assert not is_known(grant)

    KnownCall.objects.create(system_id=identity.system_id, name=shown_by)
    use_tell(timezone.now())
    assert is_known(grant)


@pytest.mark.parametrize(
    ("service", "action"),
    [("s3", "s3:DeleteBucket"), ("iam", "iam:*"), ("dynamodb", "dynamodb:CreateTable")],
)
def test_what_every_trail_records_is_unused_where_it_is_whole(identity, service, action):
    logged(identity.system, shows=())
    grant = granted(identity, action, level=Level.WRITE, service=service)

    use_tell(timezone.now())

    assert is_known(grant)


def test_reads_that_an_audit_log_leaves_out_are_not_unused():
    identity = IdentityFactory(system__kind="github")
    logged(identity.system, log_format="github", shows=())
    reads = granted(identity, level=Level.READ, service="contents")
    writes = granted(identity, level=Level.WRITE, service="contents")

    use_tell(timezone.now())

    assert (is_known(reads), is_known(writes)) == (False, True)


def test_what_was_said_before_is_taken_back(identity):
    logged(identity.system, shows=())
    grant = granted(identity, "s3:PutObject", level=Level.WRITE, service="s3")
    Grant.objects.update(use_is_known=True, use_is_logged=True)

    use_tell(timezone.now())

    assert not is_known(grant)


def test_nobody_is_told_to_revoke_what_the_log_cannot_show(identity, steward):
    """Neither the bench, nor a finding, nor what would break speaks of it as not used."""
    logged(identity.system, shows=())
    credential = CredentialFactory(identity=identity)
    grant = granted(identity, "s3:PutObject", level=Level.WRITE, service="s3")
    Grant.objects.update(first_seen_at=timezone.now() - timedelta(days=200))
    use_tell(timezone.now())
    actor = Person(steward)
    why = "the log of the system held no data events of s3 so far, and may not record them"

    measured = measured_of([grant], actor, days=90)[grant.pk]
    assert (measured.is_known, measured.in_words, measured.coverage) == (False, "not known", why)
    assert not any(measured.known_weeks)
    for breaks in (
        breaks_without_grant(grant, actor),
        breaks_without_credential(credential, actor),
    ):
        assert breaks.in_words == f"What would break is not known: {why}."
    many = breaks_without([credential.pk], [], [identity.system_id], actor)
    assert not many.systems[identity.system_id].is_known
    assert "is not known" in many.in_words
    assert not UnusedGrant().subjects(timezone.now()).exists()

    KnownCall.objects.create(system_id=identity.system_id, name="s3:GetObject")
    use_tell(timezone.now())
    assert measured_of([grant], actor, days=90)[grant.pk].in_words == "not used in 90 days"
    assert "would have failed" in breaks_without_grant(grant, actor).in_words
    assert UnusedGrant().subjects(timezone.now()).get() == grant


def test_use_that_was_seen_stays_known(identity):
    logged(identity.system, shows=())
    grant = granted(identity, "s3:PutObject", level=Level.WRITE, service="s3")
    used(identity, "s3:PutObject")
    use_measure()

    use_tell(timezone.now())

    assert is_known(grant)
