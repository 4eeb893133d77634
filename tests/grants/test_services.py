from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError, IllegalTransition
from apps.core.policies import ALLOW
from apps.grants import tasks
from apps.grants.models import Grant, Justification
from apps.grants.services.agents import agent_activate
from apps.grants.services.grants import (
    grant_resume,
    grant_revoke,
    grant_suspend,
    grants_end,
)
from apps.grants.services.justifications import (
    NewJustification,
    grant_justify,
    justifications_add,
    reason_digest,
)
from apps.grants.services.permissions import permission_override
from apps.grants.states import GRANT_MOVES, LIVE, GrantState, Level, Tag
from tests.factories.grants import (
    GrantFactory,
    GrantStatementFactory,
    JustificationFactory,
    PermissionFactory,
)
from tests.factories.inventory import AgentFactory, BindingFactory, TaskFactory

pytestmark = pytest.mark.django_db


def test_justifying_a_grant_keeps_the_older_reason_beside_the_new_one(steward):
    grant = JustificationFactory(reason="For the migration").grant
    until = timezone.localdate() + timedelta(days=90)

    grant_justify(
        grant_id=grant.pk, reason="For the support desk", until=until, actor=Person(steward)
    )

    grant.refresh_from_db()
    assert grant.justification.reason == "For the support desk"
    assert grant.justified_until == until
    assert grant.justifications.count() == 2
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.reason) == ("grants.grant.justified", "For the support desk")


def test_who_answers_for_the_agent_may_justify_and_a_stranger_may_not(reviewer):
    mine = BindingFactory(agent__owner=reviewer)
    grant, other = GrantFactory(identity=mine.identity), GrantFactory()

    grant_justify(grant_id=grant.pk, reason="Sets the priority", actor=Person(reviewer))
    with pytest.raises(PermissionDenied, match="answer for an agent that holds it"):
        grant_justify(grant_id=other.pk, reason="Mischief", actor=Person(reviewer))

    assert list(Justification.objects.values_list("grant", flat=True)) == [grant.pk]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"reason": "  "}, "Say why"),
        ({"reason": "x", "until": timezone.localdate() - timedelta(days=1)}, "before today"),
    ],
)
def test_a_justification_makes_sense(steward, values, said):
    grant = GrantFactory()

    with pytest.raises(DomainError, match=said):
        grant_justify(grant_id=grant.pk, actor=Person(steward), **values)

    assert not Justification.objects.exists()


def test_a_justification_names_only_a_task_of_an_agent_that_holds_the_grant(steward):
    binding = BindingFactory()
    grant = GrantFactory(identity=binding.identity)
    own, foreign = TaskFactory(agent=binding.agent), TaskFactory()

    grant_justify(grant_id=grant.pk, reason="Serves it", task_id=own.pk, actor=Person(steward))
    with pytest.raises(DomainError, match="does not hold this grant"):
        grant_justify(
            grant_id=grant.pk, reason="Serves it", task_id=foreign.pk, actor=Person(steward)
        )

    grant.refresh_from_db()
    assert grant.justification.task == own


def test_many_grants_are_justified_all_or_none(steward):
    grants = [GrantFactory(), GrantFactory(revoked=True)]
    rows = [NewJustification(grant.pk, "For the desk") for grant in grants]

    with pytest.raises(DomainError, match="has ended"):
        justifications_add(rows=rows, actor=Person(steward), authority=ALLOW)
    assert not Justification.objects.exists()
    justifications_add(rows=rows[:1], actor=Person(steward), authority=ALLOW)

    assert AuditEntry.objects.get().target_id == grants[0].pk


def test_justifying_many_costs_as_many_queries_as_justifying_one(
    steward, django_assert_num_queries
):
    few, many = ([GrantFactory().pk for _ in range(n)] for n in (1, 12))

    for grants in (few, many):
        rows = [NewJustification(pk, "For the desk") for pk in grants]
        with django_assert_num_queries(6):
            justifications_add(rows=rows, actor=Person(steward), authority=ALLOW)


def test_the_same_text_has_one_digest_however_it_is_written():
    assert reason_digest("For  the\ndesk") == reason_digest("for the desk")
    assert reason_digest("For the desk") != reason_digest("For a desk")


def test_a_justification_never_changes(steward):
    given = grant_justify(grant_id=GrantFactory().pk, reason="Needed", actor=Person(steward))

    with pytest.raises(IntegrityError):
        Justification.objects.filter(pk=given.pk).update(reason="Other")


@pytest.mark.parametrize("now", GrantState)
@pytest.mark.parametrize("target", GrantState)
def test_every_move_of_a_grant_follows_its_table(system, now, target):
    grant = GrantFactory(state=now, ended_at=None if now in LIVE else timezone.now())
    if target == GrantState.EXPIRED:
        Grant.objects.filter(pk=grant.pk).update(
            first_seen_at=timezone.now() - timedelta(days=2),
            expires_at=timezone.now() - timedelta(days=1),
            gone_at=timezone.now(),
        )
    allowed = GRANT_MOVES.can(now, target)
    move = {
        GrantState.ACTIVE: lambda: grant_resume(
            grant_id=grant.pk, reason="r", actor=system, authority=ALLOW
        ),
        GrantState.SUSPENDED: lambda: grant_suspend(
            grant_id=grant.pk, reason="r", actor=system, authority=ALLOW
        ),
        GrantState.REVOKED: lambda: grant_revoke(
            grant_id=grant.pk, reason="r", actor=system, authority=ALLOW
        ),
        GrantState.EXPIRED: tasks.expire_gone_grants,
    }[target]

    try:
        move()
    except IllegalTransition:
        assert not allowed

    grant.refresh_from_db()
    assert grant.state == (target if allowed else now)
    assert (grant.ended_at is None) is (grant.state in LIVE)
    assert AuditEntry.objects.filter(target_type="grants.grant").count() == int(allowed)


def test_a_steward_notes_no_end_that_the_source_denies(steward):
    grant = GrantFactory(stream="aws-authorization-details:123456789012")

    with pytest.raises(PermissionDenied, match="Its source still shows it"):
        grant_revoke(grant_id=grant.pk, reason="Gone, surely", actor=Person(steward))

    grant.refresh_from_db()
    assert grant.state == GrantState.ACTIVE


def test_many_grants_end_and_a_second_run_ends_none(system):
    grants = [GrantFactory() for _ in range(3)]
    end = {
        "grant_ids": [grant.pk for grant in grants],
        "state": GrantState.REVOKED,
        "verb": Verb.GRANT_REVOKED,
        "reason": "Verified gone",
        "actor": system,
        "authority": ALLOW,
    }

    assert grants_end(**end) == 3
    assert grants_end(**end) == 0

    assert AuditEntry.objects.filter(verb=Verb.GRANT_REVOKED).count() == 3


def test_grants_expire_once_their_time_is_up_and_they_are_seen_to_be_gone():
    now, past = timezone.now(), timezone.now() - timedelta(days=1)
    dated = {"first_seen_at": past - timedelta(days=9), "expires_at": past}
    gone = GrantFactory(gone_at=now, **dated)
    there, by_hand = GrantFactory(stream="aws:1", **dated), GrantFactory(**dated)
    GrantFactory(gone_at=now, expires_at=now + timedelta(days=1))

    assert tasks.expire_gone_grants() == 1
    assert tasks.expire_gone_grants() == 0

    states = dict(Grant.objects.values_list("pk", "state"))
    assert [states[one.pk] for one in (gone, there, by_hand)] == ["expired", "active", "active"]


def test_one_identity_holds_a_level_of_a_service_once_at_a_time():
    grant = GrantFactory()
    again = {"identity": grant.identity, "service": grant.service, "level": grant.level}
    GrantFactory(revoked=True, **again)

    with pytest.raises(IntegrityError, match="grants_grant_one_live"):
        GrantFactory(**again)


def test_what_was_asked_for_here_always_expires():
    with pytest.raises(IntegrityError, match="requested_write_expires"):
        GrantFactory(request_id=7, level=Level.WRITE)


def test_classifying_a_permission_gives_its_tags_to_the_grants_that_list_it(steward):
    permission = PermissionFactory(key="tickets:Close", tags=[Tag.DELETES])
    other = PermissionFactory(key="tickets:Purge", tags=[Tag.DELETES])
    alone = _grant_listing("tickets:Close")
    both = _grant_listing("tickets:Close", other.key)
    untouched = _grant_listing("tickets:Read")

    permission_override(
        permission_id=permission.pk,
        level=Level.WRITE,
        tags=[Tag.SENDS_OUT],
        reason="It mails the customer",
        actor=Person(steward),
    )

    for grant in (alone, both, untouched):
        grant.refresh_from_db()
    permission.refresh_from_db()
    assert alone.tags == ["sends-out"]
    assert both.tags == ["deletes", "sends-out"]
    assert untouched.tags == ["deletes"]
    assert permission.evidence["replaced"]["tags"] == ["deletes"]
    assert AuditEntry.objects.get().changes["grants_with_new_tags"] == [None, 2]


def test_only_a_steward_classifies_and_only_with_a_reason(steward, reviewer):
    permission = PermissionFactory(level=Level.WRITE)
    override = {"permission_id": permission.pk, "level": Level.READ, "tags": []}

    with pytest.raises(PermissionDenied, match="Only a steward"):
        permission_override(**override, reason="It reads", actor=Person(reviewer))
    with pytest.raises(DomainError, match="Say why"):
        permission_override(**override, reason="", actor=Person(steward))

    permission.refresh_from_db()
    assert permission.level == Level.WRITE


def test_writes_without_a_reason_are_part_of_readiness(steward):
    agent = AgentFactory(purpose="Answers.", trail_connected=True)
    binding = BindingFactory(agent=agent, identity__system__log_connected=True)
    TaskFactory(agent=agent)
    grant = GrantFactory(identity=binding.identity)

    with pytest.raises(DomainError, match="something is missing"):
        agent_activate(agent_id=agent.pk, actor=Person(steward))
    grant_justify(grant_id=grant.pk, reason="Sets the priority", actor=Person(steward))
    agent_activate(agent_id=agent.pk, actor=Person(steward))

    agent.refresh_from_db()
    assert agent.activation_gaps == []


def test_a_gap_of_the_activation_closes_once_it_is_put_right():
    agent = AgentFactory(active=True, activation_gaps=["trail", "no-static-key"])
    TaskFactory(agent=agent)

    assert tasks.refresh_activation_gaps() == 1
    assert tasks.refresh_activation_gaps() == 0

    agent.refresh_from_db()
    assert agent.activation_gaps == ["trail"]
    entry = AuditEntry.objects.get()
    assert entry.changes == {"activation_gaps": [["trail", "no-static-key"], ["trail"]]}


def _grant_listing(*keys: str) -> Grant:
    grant = GrantFactory(tags=["deletes"], identity__system__kind="crm")
    GrantStatementFactory(grant=grant, actions=list(keys))
    return grant
