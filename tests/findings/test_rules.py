"""Each rule, over the nearest pair of subjects: it holds for one and not for the other."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.services.settings import setting_change
from apps.core.actors import Person
from apps.findings.models import Finding
from apps.findings.rules import all_rules, rule_named
from apps.findings.services import findings_recheck
from apps.findings.states import FindingState
from apps.grants.states import Level
from apps.inventory.states import AgentState, CredentialKind, StoredIn
from tests.factories.grants import GrantFactory, GrantStatementFactory, JustificationFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
)

pytestmark = pytest.mark.django_db

# The Non-Human Identities Top 10 of 2025, as OWASP names its entries.
OWASP = {
    "NHI1:2025 Improper Offboarding",
    "NHI2:2025 Secret Leakage",
    "NHI3:2025 Vulnerable Third-Party NHI",
    "NHI4:2025 Insecure Authentication",
    "NHI5:2025 Overprivileged NHI",
    "NHI6:2025 Insecure Cloud Deployment Configurations",
    "NHI7:2025 Long-Lived Secrets",
    "NHI8:2025 Environment Isolation",
    "NHI9:2025 NHI Reuse",
    "NHI10:2025 Human Use of NHI",
}
NOW = timezone.now()
MOMENT = timedelta(microseconds=1)


def ago(days: int):
    return timezone.now() - timedelta(days=days)


def holds(rule: str) -> list[int]:
    """For which subjects a rule holds at NOW, to the moment."""
    found = rule_named(rule)
    assert found is not None
    return list(found.subjects(NOW).order_by("pk").values_list("pk", flat=True))


def held(rule: str, system) -> list[int]:
    findings_recheck(actor=system, rules=[rule])
    return list(
        Finding.objects.holding()
        .filter(rule=rule)
        .order_by("subject_id")
        .values_list("subject_id", flat=True)
    )


def test_every_rule_says_why_how_and_which_owasp_entry():
    for rule in all_rules():
        assert rule.title
        assert rule.why.endswith(".")
        assert rule.mend.endswith(".")
        assert rule.owasp in OWASP


def test_a_static_key_over_90_days_is_long_lived(system):
    old = CredentialFactory(issued_at=ago(91))
    CredentialFactory(issued_at=ago(89))
    CredentialFactory(issued_at=ago(200), rotated_at=ago(3))
    CredentialFactory(issued_at=ago(200), kind=CredentialKind.MANAGED)

    assert held("credential-long-lived", system) == [old.pk]


def test_neither_expiry_nor_rotation_is_without_end(system):
    endless = CredentialFactory()
    CredentialFactory(rotation_days=30)
    CredentialFactory(expires_at=timezone.now() + timedelta(days=5))
    CredentialFactory(gone=True)

    assert held("credential-without-end", system) == [endless.pk]


def test_unused_is_only_said_where_use_is_known(system):
    idle = CredentialFactory(use_is_known=True, last_used_at=ago(46))
    never = CredentialFactory(use_is_known=True, issued_at=ago(60))
    CredentialFactory(use_is_known=False, issued_at=ago(60))
    CredentialFactory(use_is_known=True, last_used_at=ago(44))

    assert held("credential-unused", system) == [idle.pk, never.pk]


def test_two_agents_behind_one_identity_share_its_credential(system):
    shared = CredentialFactory()
    BindingFactory(identity=shared.identity)
    BindingFactory(identity=shared.identity)
    alone = CredentialFactory()
    BindingFactory(identity=alone.identity)

    assert held("credential-shared", system) == [shared.pk]


def test_one_secret_on_two_systems_is_shared(system):
    pair = [CredentialFactory(fingerprint="f" * 64) for _ in range(2)]
    CredentialFactory(fingerprint="e" * 64)

    assert held("credential-shared", system) == [credential.pk for credential in pair]


def test_a_past_expiry_still_shown_is_expired_but_present(system):
    past = CredentialFactory(issued_at=ago(9), expires_at=ago(1))
    CredentialFactory(issued_at=ago(9), expires_at=ago(1), gone=True)

    assert held("credential-expired-present", system) == [past.pk]


def test_a_secret_in_code_is_a_finding(system):
    leaked = CredentialFactory(stored_in=StoredIn.CODE)
    CredentialFactory(stored_in=StoredIn.SECRET_MANAGER)

    assert held("credential-in-code", system) == [leaked.pk]


def test_write_needs_a_justification_that_still_stands(system):
    bare = GrantFactory()
    lapsed = GrantFactory()
    standing = GrantFactory()
    for grant, until in [(lapsed, ago(1).date()), (standing, None)]:
        grant.justification = JustificationFactory(grant=grant, until=until)
        grant.justified_until = until
        grant.save()
    GrantFactory(level=Level.READ)
    GrantFactory(revoked=True)

    assert held("grant-unjustified", system) == [bare.pk, lapsed.pk]


def test_every_action_is_everything_admin(system):
    everything = GrantFactory(level=Level.ADMIN)
    GrantStatementFactory(grant=everything, actions=["*"])
    some = GrantFactory(level=Level.ADMIN)
    GrantStatementFactory(grant=some, actions=["iam:CreateUser"])

    assert held("grant-everything-admin", system) == [everything.pk]


def test_several_agents_or_a_retired_one_before_make_an_identity_shared(system):
    several, inherited, dedicated = (IdentityFactory() for _ in range(3))
    BindingFactory(identity=several)
    BindingFactory(identity=several)
    BindingFactory(identity=inherited, ended_at=timezone.now(), agent__state=AgentState.RETIRED)
    BindingFactory(identity=inherited)
    BindingFactory(identity=dedicated)

    assert held("identity-shared", system) == [several.pk, inherited.pk]


def test_an_identity_that_no_agent_acts_as_is_a_finding(system):
    alone = IdentityFactory()
    IdentityFactory(is_service_linked=True)
    BindingFactory()

    assert held("identity-without-agent", system) == [alone.pk]


def test_an_owner_who_left_is_no_owner(system):
    orphan = AgentFactory(owner__is_active=False, owner__deactivated_at=timezone.now())
    AgentFactory()
    AgentFactory(owner=None, state=AgentState.RETIRED)

    assert held("agent-without-owner", system) == [orphan.pk]


def test_a_purpose_older_than_the_last_change_is_stale(system):
    stale = AgentFactory(active=True, design_changed_at=timezone.now() + timedelta(hours=1))
    empty = AgentFactory(purpose="")
    AgentFactory(active=True, design_changed_at=ago(3))

    assert held("agent-purpose-stale", system) == sorted([stale.pk, empty.pk])


def test_a_finding_belongs_to_the_only_agent_or_the_one_a_steward_chose(system):
    only = BindingFactory(identity=CredentialFactory().identity)
    chosen = CredentialFactory()
    BindingFactory(identity=chosen.identity)
    other = BindingFactory(identity=chosen.identity)
    chosen.identity.accountable_agent = other.agent
    chosen.identity.save()

    held("credential-without-end", system)

    agents = Finding.objects.order_by("subject_id").values_list("agent_id", flat=True)
    assert list(agents) == [only.agent_id, other.agent_id]


def test_a_return_is_a_recurrence_on_the_same_row(system):
    credential = CredentialFactory()
    held("credential-without-end", system)
    finding = Finding.objects.get()

    credential.rotation_days = 30
    credential.save()
    assert held("credential-without-end", system) == []
    finding.refresh_from_db()
    assert (finding.state, finding.recurrences) == (FindingState.RESOLVED, 0)

    credential.rotation_days = None
    credential.save()
    assert held("credential-without-end", system) == [credential.pk]
    finding.refresh_from_db()
    assert (finding.state, finding.recurrences) == (FindingState.OPEN, 1)
    assert Finding.objects.count() == 1


def test_a_second_check_changes_nothing(system):
    CredentialFactory()
    findings_recheck(actor=system)

    again = findings_recheck(actor=system)

    assert (again.opened, again.recurred, again.resolved) == (0, 0, 0)


def test_admin_over_fifty_services_is_shown_once_for_the_identity(system):
    identity = IdentityFactory()
    for number in range(49):
        GrantFactory(identity=identity, level=Level.ADMIN, service=f"service-{number}")
    most = GrantFactory(identity=identity, level=Level.ADMIN, service="iam")
    GrantFactory(level=Level.ADMIN, service="iam")

    assert held("grant-everything-admin", system) == [most.pk]


def test_what_an_agent_went_live_without_is_said_in_words(system):
    AgentFactory(active=True, activation_gaps=["no-static-key", "trail"])

    held("agent-not-ready", system)

    detail = Finding.objects.get(rule="agent-not-ready").detail
    assert detail == "Missing: credentials other than static keys, a connected trail"


def test_a_static_key_is_long_lived_past_its_last_moment_and_not_at_it():
    limit = NOW - timedelta(days=90)
    past = CredentialFactory(issued_at=limit - MOMENT)
    CredentialFactory(issued_at=limit)
    CredentialFactory(issued_at=limit - timedelta(days=9), rotated_at=limit)
    rotated_too_early = CredentialFactory(
        issued_at=limit - timedelta(days=9), rotated_at=limit - MOMENT
    )

    assert holds("credential-long-lived") == [past.pk, rotated_too_early.pk]


def test_a_credential_is_unused_past_the_last_moment_and_not_at_it():
    limit = NOW - timedelta(days=45)
    past = CredentialFactory(use_is_known=True, last_used_at=limit - MOMENT)
    CredentialFactory(use_is_known=True, last_used_at=limit)
    never = CredentialFactory(use_is_known=True, issued_at=limit - MOMENT)
    CredentialFactory(use_is_known=True, issued_at=limit)

    assert holds("credential-unused") == [past.pk, never.pk]


@pytest.mark.parametrize(
    ("rule", "setting", "facts"),
    [
        ("credential-long-lived", "static_key_days", {"issued_at": ago(40)}),
        ("credential-unused", "unused_credential_days", {"last_used_at": ago(40)}),
    ],
)
def test_the_thresholds_are_settings(rule, setting, facts, steward):
    young = CredentialFactory(use_is_known=True, **facts)
    before = holds(rule)

    setting_change(key=setting, value=30, reason="Our own policy", actor=Person(steward))

    assert (before, holds(rule)) == ([], [young.pk])


def test_a_credential_expires_at_its_date_and_not_before():
    CredentialFactory(issued_at=ago(9), expires_at=NOW)
    past = CredentialFactory(issued_at=ago(9), expires_at=NOW - MOMENT)

    assert holds("credential-expired-present") == [past.pk]


def test_a_justification_stands_through_its_last_day():
    through_today, through_yesterday = GrantFactory(), GrantFactory()
    for grant, until in [(through_today, NOW.date()), (through_yesterday, ago(1).date())]:
        grant.justification = JustificationFactory(grant=grant, until=until)
        grant.justified_until = until
        grant.save()

    assert holds("grant-unjustified") == [through_yesterday.pk]


def test_a_purpose_written_with_the_change_is_not_older_than_it():
    AgentFactory(active=True, purpose_changed_at=NOW, design_changed_at=NOW)
    stale = AgentFactory(active=True, purpose_changed_at=NOW, design_changed_at=NOW + MOMENT)

    assert holds("agent-purpose-stale") == [stale.pk]


def test_one_agent_bound_twice_over_time_shares_with_nobody():
    again = BindingFactory(ended_at=timezone.now())
    BindingFactory(identity=again.identity, agent=again.agent)
    handed_over = BindingFactory(ended_at=timezone.now())
    BindingFactory(identity=handed_over.identity)

    assert holds("identity-shared") == []


def test_an_identity_whose_only_binding_ended_has_no_agent():
    ended = BindingFactory(ended_at=timezone.now())

    assert holds("identity-without-agent") == [ended.identity_id]


def test_admin_over_one_service_fewer_than_nearly_all_is_not_everything():
    identity = IdentityFactory()
    GrantFactory(identity=identity, level=Level.ADMIN, service="iam")
    for number in range(48):
        GrantFactory(identity=identity, level=Level.ADMIN, service=f"service-{number}")

    assert holds("grant-everything-admin") == []


def test_write_access_is_unused_only_where_that_is_known_and_it_is_old_enough():
    old = {"first_seen_at": ago(91), "use_is_known": True}
    unused = GrantFactory(**old, use_is_logged=True)
    long_ago = GrantFactory(**old, last_used_at=ago(91))
    GrantFactory(**old, last_used_at=ago(89))
    GrantFactory(**old | {"use_is_known": False})
    GrantFactory(**old | {"first_seen_at": ago(89)})
    GrantFactory(**old, read=True)
    GrantFactory(**old, identity=IdentityFactory(is_service_linked=True))

    found = rule_named("grant-unused").subjects(timezone.now())

    assert {row.pk: row.finding_detail for row in found} == {
        unused.pk: "Not used in 90 days, and the system's log is complete",
        long_ago.pk: "Not used in 90 days, as its source tells",
    }
