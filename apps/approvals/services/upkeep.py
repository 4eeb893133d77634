"""What time and change do to open requests: nobody is skipped, and silence approves nothing."""

from datetime import datetime, timedelta

from django.utils import timezone

from apps.approvals.models import AccessRequest, Approver, RequestRequirement, RequestStep
from apps.approvals.selectors.chain import barred_from, fallback_people
from apps.approvals.services.each import each_request
from apps.approvals.services.letters import ask_approvers, tell_asker, tell_voting_anew
from apps.approvals.services.moves import request_move
from apps.approvals.services.routing import (
    FIRST,
    can_still_be_met,
    design_of,
    digest_now,
    request_route,
    step_open,
)
from apps.approvals.states import FoundBy, RequestState
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor


def requests_route(*, actor: Actor) -> int:
    """Route what no policy covered when it was asked. Returns how many found one."""

    def route(request: AccessRequest) -> bool:
        return request_route(request, actor=actor).state != RequestState.SUBMITTED

    return each_request(AccessRequest.objects.unresolved(), route)


def requests_fall_back(*, moment: datetime, actor: Actor) -> int:
    """Ask the fallback wherever a step's time is up; those asked before may still judge."""

    def fall_back(request: AccessRequest) -> bool:
        return _fall_back(request, actor)

    return each_request(AccessRequest.objects.step_timed_out(moment), fall_back)


def requests_lapse(*, moment: datetime, actor: Actor) -> int:
    """End requests whose own limit has passed. Returns how many."""

    def lapse(request: AccessRequest) -> bool:
        request.ended_because = "Its time ran out before it was approved and put in place."
        request_move(
            request,
            RequestState.LAPSED,
            actor=actor,
            reason=request.ended_because,
            also=["ended_because"],
        )
        tell_asker(request, what="Lapsed", because=request.ended_because, actor=actor)
        return True

    return each_request(AccessRequest.objects.lapsing(moment), lapse)


def requests_follow_designs(*, actor: Actor) -> int:
    """Have votes cast anew where the agent changed; void what was approved and is not in place."""

    def follow(request: AccessRequest) -> bool:
        return request_follow_design(request, actor=actor)

    return each_request(AccessRequest.objects.drifted(), follow)


def request_follow_design(request: AccessRequest, *, actor: Actor) -> bool:
    """Bring a locked request in line with its agent's design. Returns whether it had drifted."""
    design = design_of(request.agent_id)
    if design == request.design_digest:
        return False
    if request.state == RequestState.APPROVED:
        _void(request, actor)
        return True
    before = request.digest
    request.design_digest = design
    request.digest = digest_now(request)
    request.save(update_fields=["design_digest", "digest"])
    if request.state == RequestState.PENDING and request.votes.filter(round=request.round).exists():
        _begin_anew(request, actor)
    record(
        actor=actor,
        verb=Verb.REQUEST_DRIFTED,
        target=request,
        changes={"digest": (before, request.digest), "round": (None, request.round)},
        reason="The agent's design changed while the request was open.",
    )
    return True


def _void(request: AccessRequest, actor: Actor) -> None:
    request.ended_because = "The agent changed after the approval and before it was in place."
    request_move(
        request,
        RequestState.INVALIDATED,
        actor=actor,
        reason=request.ended_because,
        also=["ended_because"],
    )
    tell_asker(request, what="Void", because=request.ended_because, actor=actor)


def _begin_anew(request: AccessRequest, actor: Actor) -> None:
    """Start voting over from the first step; earlier votes stay, and no longer count."""
    voted = [vote.person for vote in request.votes.filter(round=request.round)]
    request.round += 1
    request.save(update_fields=["round"])
    step_open(request, FIRST, actor=actor)
    tell_voting_anew(request, voted, actor)


def _fall_back(request: AccessRequest, actor: Actor) -> bool:
    """Add the fallback to every requirement of the running step that is not met yet."""
    step = RequestStep.objects.get(request=request, position=request.step_at)
    step.fallback_at = timezone.now()
    step.save(update_fields=["fallback_at"])
    barred = barred_from(
        agent=request.agent,
        identity=request.identity,
        asked_by_id=request.asked_by_id,
        request_id=request.pk,
    )
    voted = request.votes.filter(round=request.round).values_list("person_id", flat=True)
    people = fallback_people({*barred, *voted})
    asked = set(
        Approver.objects.filter(request=request, step_at=request.step_at).values_list(
            "requirement_id", "person_id"
        )
    )
    Approver.objects.bulk_create(
        Approver(
            requirement=requirement,
            request=request,
            step_at=step.position,
            person=person,
            found_by=FoundBy.FALLBACK,
        )
        for requirement in RequestRequirement.objects.filter(step=step)
        for person in people
        if (requirement.pk, person.pk) not in asked
    )
    request.step_due_at = step.fallback_at + timedelta(hours=step.hours)
    request.is_unmeetable = not can_still_be_met(request)
    request.save(update_fields=["step_due_at", "is_unmeetable"])
    record(
        actor=actor,
        verb=Verb.REQUEST_FELL_BACK,
        target=request,
        changes={"asked": (None, [str(person) for person in people])},
        reason=f"The step “{step}” was not passed within {step.hours} hours.",
    )
    ask_approvers(request, people, actor)
    return True
