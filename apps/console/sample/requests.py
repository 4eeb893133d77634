"""Access that was asked for: policies, who is in security, and requests in every state."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import User
from apps.approvals.models import AccessRequest, Group
from apps.approvals.services.policies import group_change, policies_ensure_ready_ones
from apps.approvals.services.provisioning import request_provision
from apps.approvals.services.requests import Ask, request_cancel, request_submit
from apps.approvals.services.upkeep import requests_fall_back, requests_lapse
from apps.approvals.services.votes import Terms, question_answer, question_ask, vote_cast
from apps.approvals.states import Choice, GroupKey
from apps.core.actors import Actor, Channel, Person, System
from apps.grants.models import Grant, Permission
from apps.inventory.models import Agent, Identity
from apps.inventory.models import System as ActedOn
from apps.inventory.services.systems import system_change

# Who owns the systems that requests are about; HR records has nobody, as happens.
OWNERS = {
    "Helpdesk": "platform",
    "CRM": "platform",
    "Mail": "platform",
    "Documents": "platform",
    "Chat": "platform",
    "ERP": "data",
    "Payments": "data",
    "Warehouse": "reliability",
    "Code host": "security",
    "Cloud production": "security",
    "Directory": "security",
}
NEEDED = "The task cannot be done with what it may do now; see the ticket for an example."
GRANTED = "I have looked at the task: this is the least that does it."
REFUSED = "The task is done as well by a person once a month; that needs no standing access."


def requests_load(*, people: dict[str, User], actor: Person) -> int:
    """Ask and judge through the services. Returns how many requests there are."""
    _prepare(people, actor)
    for agent, level, act in ACTS:
        act(Case(people, request_of(Agent.objects.get(name=agent), level, people), actor))
    return AccessRequest.objects.count()


def _prepare(people: dict[str, User], actor: Person) -> None:
    policies_ensure_ready_ones(actor=actor)
    group_change(
        group_id=Group.objects.get(key=GroupKey.SECURITY).pk,
        purpose="Approves what policies ask security about.",
        members=[people["security"], people["administrator"]],
        reason="Those who answer for security.",
        actor=actor,
    )
    for system in ActedOn.objects.filter(name__in=OWNERS):
        system_change(system_id=system.pk, owner_id=people[OWNERS[system.name]].pk, actor=actor)


def request_of(
    agent: Agent, level: str, people: dict[str, User], *, days: int = 30
) -> AccessRequest:
    """Ask for the first thing of a level that the agent does not hold yet."""
    identity, permission = missing(agent, level)
    owner = as_person(agent.owner or people["administrator"])
    task = agent.tasks.filter(retired_at__isnull=True).order_by("pk").first()
    ask = Ask(
        agent_id=agent.pk,
        identity_id=identity.pk,
        service=permission.service,
        actions=actions_like(permission),
        reason=NEEDED,
        task_id=task.pk if task else None,
        days=days,
        ticket=f"ACC-{400 + agent.pk}",
    )
    return request_submit(ask=ask, actor=owner).request


def missing(agent: Agent, level: str) -> tuple[Identity, Permission]:
    bound = Identity.objects.filter(bindings__agent=agent, bindings__ended_at__isnull=True)
    for identity in bound.select_related("system").order_by("pk"):
        held = Grant.objects.present().filter(identity=identity, level=level)
        asked = AccessRequest.objects.filter(identity=identity, level=level)
        permissions = Permission.objects.filter(system_kind=identity.system.kind, level=level)
        found = (
            permissions.exclude(service__in=held.values("service"))
            .exclude(service__in=asked.values("service"))
            .order_by("key")
            .first()
        )
        if found is not None:
            return identity, found
    raise LookupError(f"{agent} holds everything of {level} already.")


def actions_like(permission: Permission) -> list[str]:
    of_service = Permission.objects.filter(
        system_kind=permission.system_kind, service=permission.service, level=permission.level
    )
    return sorted(of_service.values_list("key", flat=True))


def as_person(person: User) -> Person:
    return Person(person, Channel.COMMAND)


class Case:
    """One request, and the acts on it that people of the company would do."""

    def __init__(self, people: dict[str, User], request: AccessRequest, steward: Person):
        self.people = people
        self.request = request
        self.steward = steward
        self.system: Actor = System("sample_data", Channel.COMMAND)

    def wait(self) -> None:
        """Nobody has judged it yet."""

    def question(self) -> None:
        note = question_ask(
            request_id=self.request.pk,
            text="Why does it need this every day, and not once a month?",
            actor=as_person(self._asked()),
        )
        if self.request.asked_by is not None:
            question_answer(
                request_id=self.request.pk,
                note_id=note.pk,
                text="Customers write every day; what waits a month is lost.",
                actor=as_person(self.request.asked_by),
            )

    def first_step(self) -> None:
        self._vote(Choice.APPROVE, GRANTED)

    def narrow(self) -> None:
        self._vote(Choice.APPROVE, GRANTED, Terms(days=7))

    def approve(self) -> None:
        while self._refreshed().state == "pending":
            self._vote(Choice.APPROVE, GRANTED)

    def place(self) -> None:
        self.approve()
        request_provision(
            request_id=self.request.pk,
            proof="Added to the identity's role, which now lists exactly what was approved.",
            actor=self.steward,
        )

    def deny(self) -> None:
        self._vote(Choice.DENY, REFUSED)

    def cancel(self) -> None:
        asker = self.request.asked_by
        request_cancel(
            request_id=self.request.pk,
            reason="The task was given to another agent.",
            actor=as_person(asker) if asker else self.steward,
        )

    def lapse(self) -> None:
        """Nobody judged it within the time that a request has. Before any other is open."""
        requests_lapse(moment=timezone.now() + timedelta(days=31), actor=self.system)

    def fall_back(self) -> None:
        """Its step's time is up. Before any other is open."""
        requests_fall_back(moment=timezone.now() + timedelta(hours=73), actor=self.system)

    def _refreshed(self) -> AccessRequest:
        self.request.refresh_from_db()
        return self.request

    def _asked(self) -> User:
        waiting = self._refreshed().approvers.filter(step_at=self.request.step_at)
        voted = self.request.votes.filter(round=self.request.round).values("person")
        approver = waiting.exclude(person__in=voted).select_related("person").first()
        if approver is None:
            raise LookupError(f"Nobody is asked to judge {self.request}.")
        return approver.person

    def _vote(self, choice: Choice, reason: str, terms: Terms | None = None) -> None:
        person = self._asked()
        vote_cast(
            request_id=self.request.pk,
            choice=choice,
            reason=reason,
            seen=self.request.digest,
            terms=terms,
            actor=as_person(person),
        )


# Who asks for what, and what became of it. What only time does comes first.
ACTS: tuple[tuple[str, str, Callable[[Case], None]], ...] = (
    ("meeting-preparer", "write", Case.lapse),
    ("lead-researcher", "write", Case.fall_back),
    ("support-triage", "write", Case.wait),
    ("mailbox-sorter", "write", Case.question),
    ("invoice-matcher", "write", Case.first_step),
    ("vendor-onboarder", "write", Case.narrow),
    ("code-reviewer", "write", Case.approve),
    ("dunning-writer", "write", Case.place),
    ("expense-checker", "read", Case.place),
    ("knowledge-writer", "write", Case.deny),
    ("cash-forecaster", "write", Case.cancel),
    ("refund-assistant", "admin", Case.wait),
    ("leave-assistant", "write", Case.wait),
    ("offer-writer", "write", Case.wait),
)
