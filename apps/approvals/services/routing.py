"""A request finds its policy; the chain that follows is frozen with it."""

from datetime import timedelta

from django.utils import timezone

from apps.approvals import chains
from apps.approvals.digests import approval_digest
from apps.approvals.matching import Facts, first_match
from apps.approvals.models import (
    AccessRequest,
    Approver,
    Policy,
    RequestRequirement,
    RequestStep,
)
from apps.approvals.selectors.chain import Chain, barred_from, chain_of, steps_left
from apps.approvals.services.letters import ask_approvers, tell_asker
from apps.approvals.services.moves import request_move
from apps.approvals.states import FoundBy, RequestState
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.grants.models import AgentFingerprint
from apps.grants.states import FingerprintKind, Level

FIRST = 1


def design_of(agent_id: int) -> str:
    """The agent's design fingerprint in force; blank where none was computed yet."""
    rows = AgentFingerprint.objects.filter(agent=agent_id, kind=FingerprintKind.DESIGN)
    return rows.order_by("-pk").values_list("digest", flat=True).first() or ""


def digest_now(request: AccessRequest) -> str:
    """What an approval of the request, as it stands, is bound to."""
    return approval_digest(
        design=request.design_digest,
        identity_id=request.identity_id,
        service=request.service,
        level=request.level,
        actions=request.actions,
        resources=request.resources,
        days=request.days,
    )


def request_route(request: AccessRequest, *, actor: Actor) -> AccessRequest:
    """Find the policy of a new request and freeze its chain. Without one it stays as it is."""
    facts = Facts(
        level=request.level,
        system_id=request.system_id,
        environment=request.system.environment,
        tags=frozenset(request.tags),
        combinations=frozenset(one["name"] for one in request.combinations),
    )
    policy = first_match(Policy.objects.standing(), facts)
    if policy is None:
        return request
    request.policy, request.policy_name = policy, policy.name
    request.denials_end_it = policy.denials_end_it
    if policy.is_automatic and request.level == Level.READ:
        return _granted_by_rule(request, policy, actor)
    return _freeze(request, policy, actor)


def _granted_by_rule(request: AccessRequest, policy: Policy, actor: Actor) -> AccessRequest:
    request.decided_at = timezone.now()
    because = f"Read access that the rule “{policy}” ({policy.pk}) covers is granted at once."
    request_move(
        request,
        RequestState.APPROVED,
        actor=actor,
        reason=because,
        also=["policy", "policy_name", "denials_end_it", "decided_at"],
    )
    tell_asker(request, what="Approved by a rule", because=because, actor=actor)
    return request


def _freeze(request: AccessRequest, policy: Policy, actor: Actor) -> AccessRequest:
    barred = barred_from(
        agent=request.agent,
        identity=request.identity,
        asked_by_id=request.asked_by_id,
        request_id=request.pk,
    )
    chain = chain_of(policy, agent=request.agent, system=request.system, barred=barred)
    _write(request, chain)
    request.is_unmeetable = not chain.can_be_met
    _open(request, FIRST)
    request_move(
        request,
        RequestState.PENDING,
        actor=actor,
        reason=f"The policy “{policy}” applies.",
        also=[
            "policy",
            "policy_name",
            "denials_end_it",
            "is_unmeetable",
            "step_at",
            "step_due_at",
        ],
    )
    _ask(request, actor)
    return request


def _write(request: AccessRequest, chain: Chain) -> None:
    """Freeze the chain: who is asked does not change when the policy or a group does."""
    for at, wanted in enumerate(chain.steps, FIRST):
        step = RequestStep.objects.create(
            request=request, position=at, name=wanted.name, hours=wanted.hours
        )
        for place, one in enumerate(wanted.requirements, 1):
            requirement = RequestRequirement.objects.create(
                step=step, position=place, kind=one.kind, label=one.label, count=one.count
            )
            Approver.objects.bulk_create(
                Approver(
                    requirement=requirement,
                    request=request,
                    step_at=at,
                    person=person,
                    found_by=FoundBy.POLICY,
                )
                for person in one.people
            )


def step_open(request: AccessRequest, position: int, *, actor: Actor) -> None:
    """Let a step of a pending, locked request run, and ask its people."""
    _open(request, position)
    request.is_unmeetable = not can_still_be_met(request)
    request.save(update_fields=["step_at", "step_due_at", "is_unmeetable"])
    record(
        actor=actor,
        verb=Verb.REQUEST_STEP_OPENED,
        target=request,
        changes={"step": (None, position), "round": (None, request.round)},
    )
    _ask(request, actor)


def can_still_be_met(request: AccessRequest) -> bool:
    """Whether enough different people are left who have not voted in this round."""
    spent = request.votes.filter(round=request.round).values_list("person_id", flat=True)
    return chains.can_be_met(steps_left(request), spent=list(spent))


def _open(request: AccessRequest, position: int) -> None:
    step = RequestStep.objects.get(request=request, position=position)
    step.opened_at, step.passed_at = timezone.now(), None
    step.save(update_fields=["opened_at", "passed_at"])
    request.step_at = position
    request.step_due_at = step.opened_at + timedelta(hours=step.hours)


def _ask(request: AccessRequest, actor: Actor) -> None:
    rows = Approver.objects.filter(request=request, step_at=request.step_at)
    people = {row.person_id: row.person for row in rows.select_related("person")}
    ask_approvers(request, people.values(), actor)
