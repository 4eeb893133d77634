from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.approvals.models import AccessRequest, Policy
from apps.approvals.services.provisioning import request_provision
from apps.approvals.services.requests import Ask, request_submit
from apps.approvals.services.votes import vote_cast
from apps.approvals.states import Choice, GroupKey, RequirementKind
from apps.core.actors import Person, Role
from apps.grants.models import Grant, Permission
from apps.grants.services.fingerprints import fingerprints_refresh
from apps.inventory.models import Agent, Identity, System, Task
from tests.approvals.glass import named
from tests.factories.accounts import TeamFactory, UserFactory
from tests.factories.approvals import (
    GroupMemberFactory,
    PolicyFactory,
    PolicyRequirementFactory,
    PolicyStepFactory,
    SecurityFactory,
)
from tests.factories.grants import GrantFactory, GrantStatementFactory, PermissionFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    IdentityFactory,
    SourceFactory,
    SystemFactory,
    TaskFactory,
)

STREAM = "company inventory"
PATTERN = "customers:Put*"


@dataclass
class Company:
    """An agent that wants to write on a system, and everybody who has a say in it."""

    owner: User
    manager: User
    system_owner: User
    security: User
    steward: User
    agent: Agent
    identity: Identity
    system: System
    task: Task
    write: Permission
    read: Permission

    def ask(self, **changes) -> Ask:
        return Ask(
            **{
                "agent_id": self.agent.pk,
                "identity_id": self.identity.pk,
                "service": "customers",
                "actions": [self.write.key],
                "reason": "Sets the priority of tickets.",
                "task_id": self.task.pk,
                "days": 30,
                **changes,
            }
        )

    def submit(self, actor=None, **changes) -> AccessRequest:
        return request_submit(ask=self.ask(**changes), actor=Person(actor or self.owner)).request

    def approve(self, **changes) -> AccessRequest:
        """Asked for, and approved by everybody whom `policy` asks."""
        request = self.submit(**changes)
        for person in (self.manager, self.system_owner, self.security):
            self.vote(request, person)
        request.refresh_from_db()
        return request

    def place(self, *, days_ago=0, **changes) -> AccessRequest:
        """Approved and put in place by hand, so many days ago."""
        request = self.approve(**changes)
        request_provision(request_id=request.pk, proof="Added it.", actor=Person(self.steward))
        request.refresh_from_db()
        return pass_days(request, days_ago)

    def vote(self, request, person, choice=Choice.APPROVE, **changes):
        request.refresh_from_db()
        return vote_cast(
            request_id=request.pk,
            choice=choice,
            reason=changes.pop("reason", "It needs this for its task."),
            seen=changes.pop("seen", request.digest),
            actor=Person(person),
            **changes,
        )


def pass_days(request: AccessRequest, days: int) -> AccessRequest:
    """As if so many days had gone by since the request was put in place."""
    passed = timedelta(days=days)
    grant = request.grant
    moments = {name: getattr(request, name) for name in ("provisioned_at", "access_ends_at")}
    AccessRequest.objects.filter(pk=request.pk).update(
        **{name: at - passed for name, at in moments.items() if at is not None}
    )
    Grant.objects.filter(pk=grant.pk).update(
        first_seen_at=grant.first_seen_at - passed,
        expires_at=grant.expires_at and grant.expires_at - passed,
    )
    request.refresh_from_db()
    return request


@pytest.fixture
def company(db, system):
    return make_company(system)


@pytest.fixture
def policy(db) -> Policy:
    return make_policy()


def make_company(system) -> Company:
    owner, manager = UserFactory(display_name="Owner"), UserFactory(display_name="Manager")
    system_owner = UserFactory(display_name="System owner")
    security = GroupMemberFactory(
        group=SecurityFactory(), person=UserFactory(display_name="Security")
    ).person
    crm = SystemFactory(name="CRM", kind="crm", owner=system_owner)
    agent = AgentFactory(active=True, owner=owner, team=TeamFactory(manager=manager))
    identity = IdentityFactory(system=crm)
    BindingFactory(agent=agent, identity=identity)
    made = Company(
        owner=owner,
        manager=manager,
        system_owner=system_owner,
        security=security,
        steward=UserFactory(display_name="Steward", role=Role.STEWARD),
        agent=agent,
        identity=identity,
        system=crm,
        task=TaskFactory(agent=agent, title="Set priorities"),
        write=PermissionFactory(key="customers:Update", level="write", tags=["changes"]),
        read=PermissionFactory(key="customers:Get", level="read"),
    )
    fingerprints_refresh(agent_ids=[agent.pk], actor=system)
    return made


def make_policy() -> Policy:
    """Two steps: the manager; then the system's owner and security, both."""
    policy = PolicyFactory(name="Write access", position=1)
    first = PolicyStepFactory(policy=policy, position=1, name="Need", hours=48)
    PolicyRequirementFactory(step=first, position=1, kind=RequirementKind.MANAGER)
    second = PolicyStepFactory(policy=policy, position=2, name="Risk", hours=24)
    PolicyRequirementFactory(step=second, position=1, kind=RequirementKind.SYSTEM_OWNER)
    PolicyRequirementFactory(step=second, position=2, kind=RequirementKind.SECURITY)
    return policy


def ago(days):
    return timezone.now() - timedelta(days=days)


@pytest.fixture
def readings(db):
    """A stream that was read forty days ago and today."""
    first = SourceFactory(stream=STREAM, read_at=ago(40), superseded_at=ago(0))
    return first, SourceFactory(stream=STREAM, read_at=ago(1))


def brought(source, **values):
    """A grant that a reading brought."""
    values = {"stream": source.stream, "first_seen_at": source.read_at, **values}
    return GrantFactory(source=source, **values)


@pytest.fixture
def found(company, readings):
    """The company's agent may write by a pattern, and nobody asked for it."""
    grant = brought(
        readings[1],
        identity=company.identity,
        service="customers",
        tags=["changes", "sends-out"],
    )
    GrantStatementFactory(
        grant=grant, actions=[PATTERN, company.write.key], resources=["customer/1", "customer/2"]
    )
    return grant


@pytest.fixture
def taker(db):
    return named(GroupKey.BREAK_GLASS, display_name="Taker")
