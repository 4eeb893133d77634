"""What was approved becomes real: by hand with proof, or seen in a source. Never by assumption."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.approvals import policies
from apps.approvals.models import AccessRequest, RequestProof
from apps.approvals.selectors.removal import Use, actions_of, resources_of
from apps.approvals.services.ending import grant_follow, uses_follow
from apps.approvals.services.letters import tell_asker
from apps.approvals.services.moves import request_move
from apps.approvals.services.upkeep import request_follow_design
from apps.approvals.states import RequestKind, RequestState
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import ALLOW, enforce
from apps.grants.models import Grant
from apps.grants.services.grants import grant_revoke
from apps.grants.services.issuing import Issue, grant_issue, grant_tie, grant_widen
from apps.grants.services.justifications import grant_justify
from apps.remediation.models import Order
from apps.remediation.proofs import Upload, proof_keep

logger = logging.getLogger(__name__)


@transaction.atomic
def request_provision(
    *, request_id: int, proof: str, actor: Person, file: Upload | None = None
) -> AccessRequest:
    """Say, with proof, that approved access was put in place by hand.

    Where the agent changed since the approval the request is void instead: the answer's state
    says which of the two it came to.
    """
    request = _locked(request_id)
    enforce(policies.can_provision(actor, request))
    if not proof.strip() and file is None:
        raise DomainError("Say what you did, or attach a file that shows it.")
    if request_follow_design(request, actor=actor):
        return request
    digest, size = proof_keep(file) if file is not None else ("", 0)
    RequestProof.objects.create(
        request=request,
        text=proof.strip(),
        file_name=(file.name or "proof")[-200:] if file is not None else "",
        file_sha256=digest,
        file_bytes=size,
        given_by=actor.user,
        given_by_label=str(actor)[:150],
    )
    held = _held(request)
    return _in_place(request, held, f"Put in place by hand by {actor}, with proof.", actor)


def requests_confirm(*, actor: Actor) -> int:
    """Confirm every approved request whose access its source shows by now. Returns how many."""
    approved = AccessRequest.objects.filter(state=RequestState.APPROVED).order_by("pk")
    return sum(_confirmed(pk, actor) for pk in list(approved.values_list("pk", flat=True)))


def _confirmed(request_id: int, actor: Actor) -> bool:
    """One that a removal stands in the way of stops no other; it is looked at again."""
    try:
        return _confirm(request_id, actor)
    except DomainError as error:
        logger.warning("Request %s could not be confirmed: %s", request_id, error)
        return False


@transaction.atomic
def _confirm(request_id: int, actor: Actor) -> bool:
    request = _locked(request_id)
    if request.state != RequestState.APPROVED or request_follow_design(request, actor=actor):
        return False
    held = _held(request)
    if held is None or not set(request.actions) <= actions_of(held):
        return False
    if request.kind == RequestKind.FOUND and not _covers_all_of(request, held):
        return False
    if _needs_new_reading(held, request) and not _read_since(held, request):
        return False
    source = held.source
    how = f"Shown by {source}." if source is not None else "Held already."
    RequestProof.objects.create(
        request=request, text=how, source=source, given_by_label=str(actor)[:150]
    )
    _in_place(request, held, how, actor)
    return True


def _locked(request_id: int) -> AccessRequest:
    rows = AccessRequest.objects.select_related(
        "agent__owner", "identity", "system", "asked_by", "renews", "grant"
    )
    return rows.locked(request_id)


def _held(request: AccessRequest) -> Grant | None:
    """The grant of this identity, service, and level as it is held now, if there is one."""
    rows = Grant.objects.present().filter(
        identity=request.identity_id, service=request.service, level=request.level
    )
    return rows.select_related("source").prefetch_related("statements").first()


def _needs_new_reading(held: Grant, request: AccessRequest) -> bool:
    """Whether an older reading may show what is not there: it is new, or was removed since."""
    removed = Order.objects.removing().filter(grant=held, executed_at__isnull=False)
    return request.kind == RequestKind.NEW or removed.exists()


def _covers_all_of(request: AccessRequest, held: Grant) -> bool:
    """Whether what is there reaches no further than approved: else it is narrowed first."""
    return "*" in request.resources or resources_of(held) <= set(request.resources)


def _read_since(grant: Grant, request: AccessRequest) -> bool:
    """Whether what shows it was read after the approval: an older reading proves nothing."""
    source = grant.source
    return (
        source is not None
        and request.decided_at is not None
        and (source.as_of >= request.decided_at)
    )


def _in_place(request: AccessRequest, held: Grant | None, how: str, actor: Actor) -> AccessRequest:
    now = timezone.now()
    ends = _end_of(request, now)
    issue = Issue(
        request_id=request.pk,
        identity_id=request.identity_id,
        service=request.service,
        level=request.level,
        actions=request.actions,
        resources=request.resources,
        tags=request.tags,
        expires_at=ends,
        requested_by_id=request.asked_by_id,
        granted_by_id=actor.user.pk if isinstance(actor, Person) else None,
    )
    until = held.expires_at if held is not None else None
    if held is None:
        end_what_is_gone(request, because=f"request {request.pk}", actor=actor)
        grant = grant_issue(issue=issue, actor=actor, authority=ALLOW)
    else:
        grant = grant_widen(grant_id=held.pk, issue=issue, actor=actor, authority=ALLOW)
    if held is not None and not request.held_before:
        # Otherwise what was held before outlives this: only what it added will end.
        longest = replace(issue, expires_at=_longest(held, ends))
        grant = grant_tie(grant_id=held.pk, issue=longest, actor=actor, authority=ALLOW)
    grant_justify(
        grant_id=grant.pk,
        reason=request.reason,
        task_id=request.task_id,
        ticket=request.ticket,
        until=ends.date() if ends is not None else None,
        actor=actor,
        authority=ALLOW,
    )
    request.grant, request.provisioned_at, request.provisioned_how = grant, now, how
    request.access_ends_at = ends
    request_move(
        request,
        RequestState.PROVISIONED,
        actor=actor,
        reason=how,
        also=["grant", "provisioned_at", "provisioned_how", "access_ends_at"],
    )
    uses_follow(request, actor=actor)
    if request.kind == RequestKind.RENEWAL and request.renews_id is None:
        grant_follow(request, was_to_end_at=until, actor=actor)
    elif request.kind == RequestKind.FOUND:
        grant_follow(request, was_to_end_at=None, actor=actor)
    tell_asker(request, what="In place", because=how, actor=actor)
    return request


def end_what_is_gone(use: Use, *, because: str, actor: Actor) -> None:
    """A record whose source stopped showing it makes room: an identity holds a level once."""
    of = {"identity": use.identity_id, "service": use.service, "level": use.level}
    for pk in list(Grant.objects.live().gone().filter(**of).values_list("pk", flat=True)):
        grant_revoke(
            grant_id=pk,
            reason=f"Its source no longer showed it. It is granted anew: {because}.",
            actor=actor,
            authority=ALLOW,
        )


def _end_of(request: AccessRequest, now: datetime) -> datetime | None:
    """Days count from when it is in place; a renewal never ends what it renews any sooner."""
    if request.days is None:
        return None
    ends = now + timedelta(days=request.days)
    if request.kind != RequestKind.RENEWAL:
        return ends
    renewed = request.renews.access_ends_at if request.renews else None
    granted = request.grant.expires_at if request.grant else None
    return max([ends, *(one for one in (renewed or granted,) if one is not None)])


def _longest(held: Grant, ends: datetime | None) -> datetime | None:
    """When the last of the requests that a grant came by ends; None if one of them never does."""
    if held.request_id is None:
        return ends
    return None if ends is None or held.expires_at is None else max(ends, held.expires_at)
