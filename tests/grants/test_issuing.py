import pytest

from apps.audit.models import AuditEntry
from apps.core.errors import DomainError
from apps.core.policies import ALLOW
from apps.grants.models import Grant
from apps.grants.services.issuing import Issue, grant_issue, grant_narrow, grant_widen
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import IdentityFactory

pytestmark = pytest.mark.django_db


def issue_of(identity, **changes) -> Issue:
    values = {
        "request_id": None,
        "identity_id": identity.pk,
        "service": "customers",
        "level": "write",
        "actions": ["customers:Update"],
        "resources": ["*"],
        "tags": ["changes"],
        "expires_at": None,
        "because": "An emergency",
    }
    return Issue(**values | changes)


def allowed(grant):
    return sorted(action for line in grant.statements.all() for action in line.actions)


def test_what_is_added_by_hand_is_noted_on_a_record_that_no_source_tells_of(system):
    identity = IdentityFactory()
    grant = grant_issue(issue=issue_of(identity), actor=system, authority=ALLOW)
    before = grant.content_sha256
    more = issue_of(identity, actions=["customers:Delete"], tags=["deletes"])

    grant_widen(grant_id=grant.pk, issue=more, actor=system, authority=ALLOW)
    grant_widen(grant_id=grant.pk, issue=more, actor=system, authority=ALLOW)

    grant.refresh_from_db()
    assert allowed(grant) == ["customers:Delete", "customers:Update"]
    assert (grant.tags, grant.action_count) == (["changes", "deletes"], 2)
    assert grant.content_sha256 != before
    entry = AuditEntry.objects.get(verb="grants.grant.widened")
    assert (entry.target_id, entry.reason) == (grant.pk, "An emergency")


def test_what_is_seen_to_be_gone_leaves_that_record(system):
    identity = IdentityFactory()
    both = issue_of(identity, actions=["customers:Delete", "customers:Update"])
    grant = grant_issue(issue=both, actor=system, authority=ALLOW)

    grant_narrow(
        grant_id=grant.pk,
        actions=["customers:Update"],
        reason="Order 7",
        actor=system,
        authority=ALLOW,
    )

    assert allowed(grant) == ["customers:Update"]


def test_what_a_source_tells_of_a_grant_nobody_writes_by_hand(system):
    grant = GrantFactory(stream="aws:1")
    GrantStatementFactory(grant=grant)
    more = issue_of(grant.identity, actions=["customers:Delete"])

    grant_widen(grant_id=grant.pk, issue=more, actor=system, authority=ALLOW)
    with pytest.raises(DomainError, match="Its source says"):
        grant_narrow(grant_id=grant.pk, actions=[], reason="x", actor=system, authority=ALLOW)

    assert allowed(Grant.objects.get()) == ["customers:Update"]
