"""Who approves what: policies and the groups they turn to. Open requests keep their chains."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.approvals.content import PolicyContent, StepContent
from apps.approvals.models import Group, GroupMember, Policy, PolicyRequirement, PolicyStep
from apps.approvals.policies import can_set_policies
from apps.approvals.ready_policies import READY
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.grants.states import Level
from apps.inventory.services.reasons import required_reason


@transaction.atomic
def policy_create(*, content: PolicyContent, actor: Actor) -> Policy:
    enforce(can_set_policies(actor))
    _refuse_odd(content)
    policy = Policy(**content.values())
    _save(policy)
    _write_steps(policy, content.steps)
    record(
        actor=actor,
        verb=Verb.POLICY_CREATED,
        target=policy,
        changes={"policy": (None, in_words(policy))},
    )
    return policy


@transaction.atomic
def policy_change(*, policy_id: int, content: PolicyContent, actor: Actor) -> Policy:
    """Change what later requests are judged by; those open already keep their frozen chains."""
    policy = Policy.objects.locked(policy_id)
    enforce(can_set_policies(actor))
    _refuse_retired(policy)
    _refuse_odd(content)
    before = in_words(policy)
    for name, value in content.values().items():
        setattr(policy, name, value)
    _save(policy)
    policy.steps.all().delete()
    _write_steps(policy, content.steps)
    after = in_words(policy)
    if after != before:
        record(
            actor=actor,
            verb=Verb.POLICY_CHANGED,
            target=policy,
            changes={name: (before[name], after[name]) for name in after},
        )
    return policy


@transaction.atomic
def policy_retire(*, policy_id: int, reason: str, actor: Actor) -> Policy:
    """Judge no more requests by it."""
    policy = Policy.objects.locked(policy_id)
    enforce(can_set_policies(actor))
    _refuse_retired(policy)
    text = required_reason(reason, "the policy is retired")
    policy.retired_at = timezone.now()
    policy.save(update_fields=["retired_at"])
    record(actor=actor, verb=Verb.POLICY_RETIRED, target=policy, reason=text)
    return policy


@transaction.atomic
def policies_ensure_ready_ones(*, actor: Actor) -> list[Policy]:
    """Make each ready policy that is not there yet, after those that are."""
    enforce(can_set_policies(actor))
    there = set(Policy.objects.values_list("name", flat=True))
    last = max(Policy.objects.standing().values_list("position", flat=True), default=0)
    missing = [ready for ready in READY if ready.name not in there]
    return [
        policy_create(content=replace(ready, position=last + at), actor=actor)
        for at, ready in enumerate(missing, 1)
    ]


@transaction.atomic
def group_create(*, name: str, purpose: str, members: Collection[User], actor: Actor) -> Group:
    enforce(can_set_policies(actor))
    if not name.strip():
        raise DomainError("A group needs a name.")
    group = Group(name=name.strip(), purpose=purpose.strip())
    _save(group)
    GroupMember.objects.bulk_create(GroupMember(group=group, person=one) for one in members)
    record(
        actor=actor,
        verb=Verb.GROUP_CREATED,
        target=group,
        changes={"members": (None, sorted(str(one) for one in members))},
    )
    return group


@transaction.atomic
def group_change(
    *, group_id: int, purpose: str, members: Collection[User], reason: str, actor: Actor
) -> Group:
    """Change who is in a group. Requests that are open keep whom they asked."""
    group = Group.objects.locked(group_id)
    enforce(can_set_policies(actor))
    text = required_reason(reason, "the group changes")
    before = {row.person_id: row for row in group.memberships.select_related("person")}
    wanted = {one.pk: one for one in members}
    GroupMember.objects.filter(group=group).exclude(person__in=wanted).delete()
    GroupMember.objects.bulk_create(
        GroupMember(group=group, person=one) for pk, one in wanted.items() if pk not in before
    )
    group.purpose = purpose.strip()
    group.save(update_fields=["purpose"])
    record(
        actor=actor,
        verb=Verb.GROUP_CHANGED,
        target=group,
        changes={
            "members": (
                sorted(str(row.person) for row in before.values()),
                sorted(str(one) for one in wanted.values()),
            )
        },
        reason=text,
    )
    return group


def in_words(policy: Policy) -> dict[str, Any]:
    """A policy as plain values, for the record and for comparing."""
    return {
        "name": policy.name,
        "position": policy.position,
        "purpose": policy.purpose,
        "match": policy.match,
        "is_automatic": policy.is_automatic,
        "denials_end_it": policy.denials_end_it,
        "steps": [
            {
                "name": step.name,
                "hours": step.hours,
                "requirements": [str(one) for one in step.requirements.select_related("group")],
            }
            for step in PolicyStep.objects.filter(policy=policy)
        ],
    }


def _write_steps(policy: Policy, steps: Sequence[StepContent]) -> None:
    for at, content in enumerate(steps, 1):
        step = PolicyStep.objects.create(
            policy=policy, position=at, name=content.name.strip(), hours=content.hours
        )
        PolicyRequirement.objects.bulk_create(
            PolicyRequirement(
                step=step, position=place, kind=one.kind, group_id=one.group_id, count=one.count
            )
            for place, one in enumerate(content.requirements, 1)
        )


def _refuse_odd(content: PolicyContent) -> None:
    if not content.name.strip():
        raise DomainError("A policy needs a name.")
    if content.is_automatic:
        if content.match.levels != (Level.READ,):
            raise DomainError("Only read access may be granted by a rule: choose read alone.")
        if content.steps:
            raise DomainError("What a rule grants at once has no steps.")
        return
    if not content.steps:
        raise DomainError("Say who approves: a policy needs at least one step.")
    for step in content.steps:
        if not step.name.strip() or not step.requirements:
            raise DomainError("Each step needs a name and somebody it turns to.")


def _refuse_retired(policy: Policy) -> None:
    if policy.retired_at is not None:
        raise DomainError("This policy is retired. Make another.")


def _save(row: Policy | Group) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        said = str(error)
        if "position_once" in said:
            raise DomainError("Another policy has this place already.") from error
        if "name" in said:
            raise DomainError(f"There is one called “{row.name}” already.") from error
        raise
