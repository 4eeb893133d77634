from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError, IllegalTransition
from apps.core.policies import ALLOW
from apps.inventory import services, tasks
from apps.inventory.models import Agent, Binding, Credential
from apps.inventory.selectors.accountability import accountable_agent_of
from apps.inventory.states import (
    CREDENTIAL_MOVES,
    CREDENTIAL_OVER,
    AgentState,
    CredentialState,
    StoredIn,
)
from tests.factories.accounts import UserFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
)

pytestmark = pytest.mark.django_db


def test_binding_and_unbinding_leave_an_entry_each(steward):
    agent, identity = AgentFactory(), IdentityFactory()

    binding = services.binding_create(
        agent_id=agent.pk, identity_id=identity.pk, actor=Person(steward)
    )
    services.binding_end(binding_id=binding.pk, reason="Moved", actor=Person(steward))

    binding.refresh_from_db()
    assert binding.ended_at is not None
    assert list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True)) == [
        "inventory.binding.created",
        "inventory.binding.ended",
    ]


def test_an_agent_is_bound_to_an_identity_only_once_at_a_time(steward):
    binding = BindingFactory()

    with pytest.raises(DomainError, match="bound to this identity already"):
        services.binding_create(
            agent_id=binding.agent_id, identity_id=binding.identity_id, actor=Person(steward)
        )

    assert Binding.objects.count() == 1


def test_an_owner_binds_nothing(reviewer):
    agent = AgentFactory(owner=reviewer)

    with pytest.raises(PermissionDenied, match="Only a steward"):
        services.binding_create(
            agent_id=agent.pk, identity_id=IdentityFactory().pk, actor=Person(reviewer)
        )


def test_a_retired_agent_acts_as_nobody(steward):
    agent = AgentFactory(state=AgentState.RETIRED)

    with pytest.raises(DomainError, match="retired agent"):
        services.binding_create(
            agent_id=agent.pk, identity_id=IdentityFactory().pk, actor=Person(steward)
        )


def test_the_only_bound_agent_answers_for_an_identity():
    binding = BindingFactory()

    assert accountable_agent_of(binding.identity_id) == binding.agent


def test_where_several_are_bound_the_stewards_choice_answers(steward):
    identity = IdentityFactory()
    first, second = (BindingFactory(identity=identity).agent for _ in range(2))
    assert accountable_agent_of(identity.pk) is None

    services.identity_choose_accountable(
        identity_id=identity.pk, agent_id=second.pk, reason="Uses it most", actor=Person(steward)
    )

    assert accountable_agent_of(identity.pk) == second
    assert AuditEntry.objects.get().changes == {"accountable_agent": [None, second.name]}
    assert first != second


def test_a_retired_agent_answers_for_nothing():
    binding = BindingFactory(agent__state=AgentState.RETIRED)
    other = BindingFactory(identity=binding.identity)
    chosen = IdentityFactory(accountable_agent=binding.agent)

    assert accountable_agent_of(binding.identity_id) == other.agent
    assert accountable_agent_of(chosen.pk) is None


def test_where_a_secret_is_kept_can_be_said_by_whoever_answers_for_it(reviewer):
    credential = CredentialFactory()
    BindingFactory(identity=credential.identity, agent__technical_owner=reviewer)

    services.credential_change(
        credential_id=credential.pk,
        stored_in=StoredIn.SECRET_MANAGER,
        stored_at="Vault, kv/helper",
        actor=Person(reviewer),
    )

    credential.refresh_from_db()
    assert credential.stored_in == StoredIn.SECRET_MANAGER
    assert AuditEntry.objects.get().changes == {
        "stored_in": ["unknown", "secret-manager"],
        "stored_at": ["", "Vault, kv/helper"],
    }


def test_a_stranger_says_nothing_about_a_credential(reviewer):
    credential = CredentialFactory()

    with pytest.raises(PermissionDenied, match="answer for its agents"):
        services.credential_change(
            credential_id=credential.pk, stored_in=StoredIn.CODE, actor=Person(reviewer)
        )

    credential.refresh_from_db()
    assert credential.stored_in == StoredIn.UNKNOWN


@pytest.mark.parametrize("now", CredentialState)
@pytest.mark.parametrize("target", CredentialState)
def test_every_move_of_a_credential_follows_its_table(system, now, target):
    ended_at = timezone.now() if now in CREDENTIAL_OVER else None
    credential = CredentialFactory(state=now, ended_at=ended_at)
    allowed = CREDENTIAL_MOVES.can(now, target)

    try:
        services.credential_move(
            credential_id=credential.pk, state=target, reason="Order 7", actor=system
        )
    except IllegalTransition:
        moved = False
    else:
        moved = True

    credential.refresh_from_db()
    assert moved is allowed
    assert credential.state == (target if allowed else now)
    assert (credential.ended_at is not None) is (credential.state in CREDENTIAL_OVER)
    assert AuditEntry.objects.count() == int(allowed)


def test_a_credential_moves_by_another_rules_authority(reviewer):
    credential = CredentialFactory()
    move = {"credential_id": credential.pk, "state": CredentialState.REVOKING, "reason": "Order 7"}

    with pytest.raises(PermissionDenied, match="go through an order"):
        services.credential_move(**move, actor=Person(reviewer))
    services.credential_move(**move, actor=Person(reviewer), authority=ALLOW)

    credential.refresh_from_db()
    assert credential.state == CredentialState.REVOKING


def test_credentials_whose_time_is_up_expire_once():
    now = timezone.now()
    times = {"issued_at": now - timedelta(days=9)}
    due = CredentialFactory(expires_at=now - timedelta(days=1), **times)
    CredentialFactory(expires_at=now + timedelta(days=1), **times)
    CredentialFactory(expires_at=now - timedelta(days=1), state=CredentialState.REVOKING, **times)

    assert tasks.expire_due_credentials() == 1
    assert tasks.expire_due_credentials() == 0

    assert list(Credential.objects.filter(state=CredentialState.EXPIRED)) == [due]
    assert AuditEntry.objects.get().changes == {"state": ["active", "expired"]}


def test_no_credential_changes_its_state_unrecorded():
    credential = CredentialFactory()

    def move_behind_the_services_back():
        with transaction.atomic():
            Credential.objects.filter(pk=credential.pk).update(state=CredentialState.REVOKING)
            with transaction.get_connection().cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(IntegrityError, match="without an audit entry"):
        move_behind_the_services_back()


def test_everything_somebody_answers_for_changes_hands(steward):
    leaving, taking = UserFactory(), UserFactory()
    owned = AgentFactory(owner=leaving)
    built = AgentFactory(technical_owner=leaving)
    AgentFactory(owner=leaving, state=AgentState.RETIRED)
    system = SystemFactory(owner=leaving)

    count = services.agents_hand_over(
        from_user_id=leaving.pk, to_user_id=taking.pk, reason="Left", actor=Person(steward)
    )

    for record in (owned, built, system):
        record.refresh_from_db()
    assert count == 3
    assert (owned.owner, built.technical_owner, system.owner) == (taking, taking, taking)
    assert AuditEntry.objects.filter(reason="Left").count() == 3


def test_nobody_takes_over_who_cannot_answer(steward, auditor):
    leaving = UserFactory()
    agent = AgentFactory(owner=leaving)

    for taker in (auditor, leaving):
        with pytest.raises(DomainError):
            services.agents_hand_over(
                from_user_id=leaving.pk, to_user_id=taker.pk, reason="Left", actor=Person(steward)
            )

    assert Agent.objects.get(pk=agent.pk).owner == leaving


def test_a_system_is_added_and_changed(steward):
    system = services.system_create(name="CRM", kind="crm", actor=Person(steward))

    services.system_change(system_id=system.pk, tags=["CDE"], actor=Person(steward))

    system.refresh_from_db()
    assert system.tags == ["CDE"]
    assert AuditEntry.objects.count() == 2
    with pytest.raises(DomainError, match="Another system has this name"):
        services.system_create(name="CRM", kind="crm", actor=Person(steward))
