import pytest
from django.core.exceptions import PermissionDenied

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError, IllegalTransition
from apps.inventory import services
from apps.inventory.models import Agent
from apps.inventory.services import NeedDraft, TaskDraft
from apps.inventory.states import AGENT_MOVES, AgentState, CredentialKind
from tests.factories.accounts import TeamFactory, UserFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
    TaskFactory,
)

pytestmark = pytest.mark.django_db


def test_a_proposed_agent_leaves_one_entry(steward):
    owner = UserFactory()

    agent = services.agent_create(name=" helper ", owner_id=owner.pk, actor=Person(steward))

    assert (agent.name, agent.state, agent.owner) == ("helper", AgentState.PROPOSED, owner)
    entry = AuditEntry.objects.get()
    assert entry.verb == "inventory.agent.created"
    assert entry.changes == {"name": [None, "helper"], "owner": [None, str(owner)]}


def test_a_reviewer_proposes_only_agents_of_their_own(reviewer):
    mine = services.agent_create(name="mine", owner_id=reviewer.pk, actor=Person(reviewer))

    with pytest.raises(PermissionDenied, match="that you own"):
        services.agent_create(name="other", owner_id=UserFactory().pk, actor=Person(reviewer))

    assert list(Agent.objects.all()) == [mine]


def test_a_name_is_taken_only_once(steward):
    AgentFactory(name="helper")

    with pytest.raises(DomainError, match="Another agent has this name"):
        services.agent_create(name="helper", actor=Person(steward))


def test_an_auditor_owns_no_agent(steward, auditor):
    with pytest.raises(DomainError, match="auditor owns no agents"):
        services.agent_create(name="helper", owner_id=auditor.pk, actor=Person(steward))


def test_a_change_says_what_changed_and_dates_the_design(reviewer):
    agent = AgentFactory(owner=reviewer, version="1")
    callee = AgentFactory(name="callee")

    services.agent_change(
        agent_id=agent.pk,
        version="2",
        platform="Bedrock",
        calls=[callee.pk],
        actor=Person(reviewer),
    )

    agent.refresh_from_db()
    assert agent.design_changed_at is not None
    entry = AuditEntry.objects.get()
    assert entry.changes == {
        "version": ["1", "2"],
        "platform": ["", "Bedrock"],
        "calls": [[], ["callee"]],
    }


def test_a_change_that_changes_nothing_leaves_no_entry(steward):
    agent = AgentFactory(version="1")

    services.agent_change(agent_id=agent.pk, version="1", actor=Person(steward))

    assert not AuditEntry.objects.exists()


def test_an_agent_never_calls_itself(steward):
    agent = AgentFactory()

    with pytest.raises(DomainError, match="cannot call itself"):
        services.agent_change(agent_id=agent.pk, calls=[agent.pk], actor=Person(steward))


def test_a_stranger_changes_nothing(reviewer):
    agent = AgentFactory(version="1")

    with pytest.raises(PermissionDenied, match="owners, its team's manager, or a steward"):
        services.agent_change(agent_id=agent.pk, version="2", actor=Person(reviewer))

    agent.refresh_from_db()
    assert agent.version == "1"
    assert not AuditEntry.objects.exists()


def test_only_a_steward_names_another_owner(steward):
    agent = AgentFactory()
    new = UserFactory()

    with pytest.raises(PermissionDenied, match="Only a steward"):
        services.agent_change_owner(
            agent_id=agent.pk, owner_id=new.pk, reason="Mine now", actor=Person(agent.owner)
        )
    with pytest.raises(DomainError, match="Say why the owner changes"):
        services.agent_change_owner(
            agent_id=agent.pk, owner_id=new.pk, reason=" ", actor=Person(steward)
        )
    services.agent_change_owner(
        agent_id=agent.pk, owner_id=new.pk, reason="Moved on", actor=Person(steward)
    )

    agent.refresh_from_db()
    assert agent.owner == new
    assert AuditEntry.objects.get().reason == "Moved on"


def test_an_active_agent_keeps_an_owner(steward):
    agent = AgentFactory(active=True)

    with pytest.raises(DomainError, match="An active agent needs an owner"):
        services.agent_change_owner(
            agent_id=agent.pk, owner_id=None, reason="Gone", actor=Person(steward)
        )


def test_the_purpose_is_written_with_its_tasks_and_what_they_need(reviewer):
    agent = AgentFactory(owner=reviewer)
    crm = SystemFactory(name="CRM")
    kept = TaskFactory(agent=agent, title="Read tickets")
    dropped = TaskFactory(agent=agent, title="Send mail")

    services.agent_change_purpose(
        agent_id=agent.pk,
        purpose="Answers tickets.",
        tasks=[
            TaskDraft("Set priority", (NeedDraft(crm.pk, "write", "tickets"),)),
            TaskDraft("Read tickets"),
        ],
        actor=Person(reviewer),
    )

    agent.refresh_from_db()
    kept.refresh_from_db()
    dropped.refresh_from_db()
    assert agent.purpose == "Answers tickets."
    assert agent.purpose_changed_by == reviewer
    assert kept.position == 2
    assert dropped.retired_at is not None
    assert AuditEntry.objects.get().changes["tasks"][1] == [
        {"title": "Set priority", "needs": ["write tickets on CRM"]},
        {"title": "Read tickets", "needs": []},
    ]


def test_a_purpose_changed_later_needs_a_reason(steward):
    agent = AgentFactory(active=True)

    with pytest.raises(DomainError, match="Say why the purpose changes"):
        services.agent_change_purpose(
            agent_id=agent.pk, purpose="Other", tasks=[], actor=Person(steward)
        )

    agent.refresh_from_db()
    assert agent.purpose == "Answers tickets."


def test_a_purpose_written_by_a_beneficiary_explains_nothing_until_the_manager_accepts(reviewer):
    manager = UserFactory()
    agent = AgentFactory(owner=reviewer, team=TeamFactory(manager=manager))
    services.agent_change_purpose(
        agent_id=agent.pk, purpose="Pays invoices.", tasks=[], actor=Person(reviewer)
    )
    agent.refresh_from_db()
    assert not agent.purpose_explains

    with pytest.raises(PermissionDenied, match="You benefit"):
        services.agent_accept_purpose(agent_id=agent.pk, actor=Person(reviewer))
    services.agent_accept_purpose(agent_id=agent.pk, actor=Person(manager))

    agent.refresh_from_db()
    assert agent.purpose_explains
    assert agent.purpose_accepted_by == manager


def test_a_purpose_written_by_a_steward_explains_at_once(steward):
    agent = AgentFactory()

    services.agent_change_purpose(
        agent_id=agent.pk, purpose="Pays invoices.", tasks=[], actor=Person(steward)
    )

    agent.refresh_from_db()
    assert agent.purpose_explains
    with pytest.raises(PermissionDenied, match="No change of purpose waits"):
        services.agent_accept_purpose(agent_id=agent.pk, actor=Person(steward))


def test_two_tasks_never_share_a_title(steward):
    agent = AgentFactory()

    with pytest.raises(DomainError, match="same title"):
        services.agent_change_purpose(
            agent_id=agent.pk,
            purpose="Answers.",
            tasks=[TaskDraft("Read"), TaskDraft("read ")],
            actor=Person(steward),
        )


def test_activating_despite_gaps_needs_a_reason_and_keeps_what_was_missing(steward):
    agent = AgentFactory(purpose="Answers tickets.")
    identity = IdentityFactory()
    BindingFactory(agent=agent, identity=identity)
    CredentialFactory(identity=identity, kind=CredentialKind.API_KEY)
    TaskFactory(agent=agent)

    with pytest.raises(DomainError, match="although something is missing"):
        services.agent_activate(agent_id=agent.pk, actor=Person(steward))
    services.agent_activate(agent_id=agent.pk, reason="Pilot of a week", actor=Person(steward))

    agent.refresh_from_db()
    assert agent.state == AgentState.ACTIVE
    assert agent.activation_gaps == ["dedicated-identity", "no-static-key", "trail"]
    entry = AuditEntry.objects.get()
    assert entry.reason == "Pilot of a week"
    assert entry.changes["missing"] == [None, agent.activation_gaps]


def test_an_agent_with_everything_in_place_starts_without_a_reason(steward):
    agent = AgentFactory(purpose="Answers tickets.", trail_connected=True)
    identity = IdentityFactory(system__log_connected=True)
    BindingFactory(agent=agent, identity=identity)
    TaskFactory(agent=agent)

    services.agent_activate(agent_id=agent.pk, actor=Person(steward))

    agent.refresh_from_db()
    assert (agent.state, agent.activation_gaps) == (AgentState.ACTIVE, [])


@pytest.mark.parametrize(
    ("missing", "said"), [({"owner": None}, "no owner"), ({"purpose": ""}, "no purpose")]
)
def test_no_agent_starts_without_owner_and_purpose(steward, missing, said):
    agent = AgentFactory(**{"purpose": "Answers tickets.", **missing})

    with pytest.raises(PermissionDenied, match=said):
        services.agent_activate(agent_id=agent.pk, reason="Now", actor=Person(steward))


def test_an_owner_never_starts_their_own_agent(reviewer):
    agent = AgentFactory(purpose="Answers.", owner=reviewer, team=TeamFactory(manager=reviewer))

    with pytest.raises(PermissionDenied, match="not being its owner"):
        services.agent_activate(agent_id=agent.pk, reason="Now", actor=Person(reviewer))


def test_suspending_and_resuming_leave_an_entry_each(steward):
    agent = AgentFactory(active=True)

    services.agent_suspend(agent_id=agent.pk, reason="Odd calls", actor=Person(agent.owner))
    services.agent_resume(agent_id=agent.pk, reason="Explained", actor=Person(steward))

    agent.refresh_from_db()
    assert agent.state == AgentState.ACTIVE
    told = AuditEntry.objects.order_by("pk").values_list("verb", "reason")
    assert list(told) == [
        ("inventory.agent.suspended", "Odd calls"),
        ("inventory.agent.resumed", "Explained"),
    ]


def test_a_retired_agent_no_longer_changes(steward):
    agent = AgentFactory(active=True)
    services.agent_retire(agent_id=agent.pk, reason="Replaced", actor=Person(steward))

    with pytest.raises(PermissionDenied, match="retired agent no longer changes"):
        services.agent_change(agent_id=agent.pk, version="9", actor=Person(steward))
    with pytest.raises(PermissionDenied, match="retired already"):
        services.agent_retire(agent_id=agent.pk, reason="Again", actor=Person(steward))


@pytest.mark.parametrize("now", AgentState)
@pytest.mark.parametrize(
    ("target", "service"),
    [
        (AgentState.ACTIVE, services.agent_activate),
        (AgentState.ACTIVE, services.agent_resume),
        (AgentState.SUSPENDED, services.agent_suspend),
        (AgentState.RETIRED, services.agent_retire),
    ],
)
def test_every_move_of_an_agent_follows_its_table(steward, now, target, service):
    agent = AgentFactory(active=True, state=now)
    expected = {
        services.agent_activate: now == AgentState.PROPOSED,
        services.agent_resume: now == AgentState.SUSPENDED,
        services.agent_suspend: now == AgentState.ACTIVE,
        services.agent_retire: now != AgentState.RETIRED,
    }[service]

    try:
        service(agent_id=agent.pk, reason="Because", actor=Person(steward))
    except (PermissionDenied, DomainError, IllegalTransition):
        moved = False
    else:
        moved = True

    agent.refresh_from_db()
    assert moved is expected
    assert agent.state == (target if expected else now)
    assert AGENT_MOVES.can(now, target) or not expected
    assert AuditEntry.objects.count() == int(expected)
