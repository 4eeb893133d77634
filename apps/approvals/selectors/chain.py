"""Who would have to approve: a policy's steps turned into people, as they are now."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from apps.accounts.models import User
from apps.accounts.querysets import PersonQuerySet
from apps.approvals import chains
from apps.approvals.models import (
    AccessRequest,
    Approver,
    GroupMember,
    Policy,
    PolicyRequirement,
    RequestNote,
    RequestRequirement,
)
from apps.approvals.states import GroupKey, NoteKind, RequirementKind
from apps.core.actors import Role
from apps.inventory.models import Agent, Credential, Identity, System


@dataclass(frozen=True, slots=True)
class Wanted:
    """One requirement, and the people it turns to."""

    kind: RequirementKind
    label: str
    count: int
    people: list[User]


@dataclass(frozen=True, slots=True)
class WantedStep:
    name: str
    hours: int
    requirements: list[Wanted]


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps of a policy for one request. Where it cannot be met, nothing is let through."""

    steps: list[WantedStep] = field(default_factory=list)

    @property
    def can_be_met(self) -> bool:
        return chains.can_be_met([_pure(step) for step in self.steps])


def _pure(step: WantedStep) -> chains.Step:
    return chains.Step(
        tuple(
            chains.Requirement(one.count, frozenset(person.pk for person in one.people))
            for one in step.requirements
        )
    )


def chain_of(policy: Policy, *, agent: Agent, system: System, barred: Collection[int]) -> Chain:
    """Resolve a policy's steps; `barred` benefit from the request and are never asked."""
    steps = list(policy.steps.prefetch_related("requirements__group"))
    groups = _members(one.group_id for step in steps for one in step.requirements.all())
    people = _People(agent, system, frozenset(barred), groups)
    return Chain(
        [
            WantedStep(
                step.name,
                step.hours,
                [
                    Wanted(
                        RequirementKind(one.kind),
                        str(one.group or one.get_kind_display()),
                        one.count,
                        people.of(one),
                    )
                    for one in step.requirements.all()
                ],
            )
            for step in steps
        ]
    )


def barred_from(
    *,
    agent: Agent,
    identity: Identity | None,
    asked_by_id: int | None,
    request_id: int | None = None,
) -> frozenset[int]:
    """Who benefits from a request, and so never approves it."""
    makers = Credential.objects.filter(identity=identity, made_by__isnull=False)
    joined = RequestNote.objects.filter(
        request=request_id, kind=NoteKind.JOINED, author__isnull=False
    )
    barred = {
        asked_by_id,
        agent.owner_id,
        agent.technical_owner_id,
        *makers.values_list("made_by", flat=True),
        *(joined.values_list("author", flat=True) if request_id else ()),
    }
    return frozenset(pk for pk in barred if pk is not None)


def fallback_people(barred: Collection[int]) -> list[User]:
    """Whom a step goes to when its time is up: the fallback group, else every steward."""
    able = _able().exclude(pk__in=barred)
    group = able.filter(approver_groups__key=GroupKey.FALLBACK)
    return list(group.order_by("pk")) or list(able.filter(role=Role.STEWARD).order_by("pk"))


def steps_left(request: AccessRequest) -> list[chains.Step]:
    """The running step and those after it, as frozen, with whoever the fallback brought."""
    people: dict[int, set[int]] = defaultdict(set)
    rows = Approver.objects.filter(request=request, step_at__gte=request.step_at)
    for requirement_id, person_id in rows.values_list("requirement_id", "person_id"):
        people[requirement_id].add(person_id)
    steps: dict[int, list[chains.Requirement]] = defaultdict(list)
    wanted = RequestRequirement.objects.filter(
        step__request=request, step__position__gte=request.step_at
    ).order_by("step__position", "position")
    for pk, count, position in wanted.values_list("pk", "count", "step__position"):
        steps[position].append(chains.Requirement(count, frozenset(people[pk])))
    return [chains.Step(tuple(steps[position])) for position in sorted(steps)]


def _able() -> PersonQuerySet:
    rows: PersonQuerySet = User.objects.who_may_decide()
    return rows


def _members(group_ids: Iterable[int | None]) -> Mapping[int, list[int]]:
    wanted = {pk for pk in group_ids if pk is not None}
    members: dict[int, list[int]] = defaultdict(list)
    rows = GroupMember.objects.filter(group__in=wanted, group__retired_at__isnull=True)
    for group_id, person_id in rows.values_list("group_id", "person_id"):
        members[group_id].append(person_id)
    return members


class _People:
    """Whom each kind of requirement turns to, of people who may decide and do not benefit."""

    def __init__(
        self,
        agent: Agent,
        system: System,
        barred: frozenset[int],
        groups: Mapping[int, list[int]],
    ):
        self.agent = agent
        self.system = system
        self.groups = groups
        self.able = {person.pk: person for person in _able().exclude(pk__in=barred).order_by("pk")}

    def of(self, requirement: PolicyRequirement) -> list[User]:
        found = self._ids(requirement)
        return [person for pk, person in self.able.items() if pk in found]

    def _ids(self, requirement: PolicyRequirement) -> set[int | None]:
        match RequirementKind(requirement.kind):
            case RequirementKind.MANAGER:
                return {self.agent.team.manager_id if self.agent.team else None}
            case RequirementKind.SYSTEM_OWNER:
                return {self.system.owner_id}
            case RequirementKind.GROUP:
                return set(self.groups.get(requirement.group_id or 0, ()))
            case RequirementKind.SECURITY:
                security = GroupMember.objects.filter(group__key=GroupKey.SECURITY)
                return set(security.values_list("person_id", flat=True))
            case RequirementKind.STEWARDS:
                return {pk for pk, one in self.able.items() if one.role == Role.STEWARD}
