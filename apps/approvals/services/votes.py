"""Judging: approve, approve less, or deny; and questions before that."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.approvals import chains, policies
from apps.approvals.models import AccessRequest, RequestNote, RequestStep, Vote
from apps.approvals.selectors.chain import steps_left
from apps.approvals.services.letters import tell_asker
from apps.approvals.services.moves import request_move
from apps.approvals.services.requests import terms_of
from apps.approvals.services.routing import design_of, digest_now, step_open
from apps.approvals.states import Choice, NoteKind, RequestState
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.inventory.services.reasons import required_reason
from apps.notices.services import notice_send


@dataclass(frozen=True, slots=True)
class Terms:
    """What an approver leaves on the table; None keeps what is there."""

    actions: Sequence[str] | None = None
    resources: Sequence[str] | None = None
    days: int | None = None


@transaction.atomic
def vote_cast(
    *,
    request_id: int,
    choice: Choice,
    reason: str,
    seen: str,
    actor: Actor,
    terms: Terms | None = None,
) -> Vote:
    """Judge a request. `seen` is the digest of what the person was looking at.

    Two who vote at one moment wait for each other at the request, so the last vote counts once
    and once only. Refuses a page that is stale, and terms wider than what is on the table.
    """
    request = AccessRequest.objects.locked(request_id)
    enforce(policies.can_vote(actor, request))
    assert isinstance(actor, Person)  # noqa: S101  (what `can_vote` has just established)
    text = required_reason(reason, "you decide so")
    if seen != request.digest or design_of(request.agent_id) != request.design_digest:
        raise DomainError("The request or its agent changed while you looked. Look again.")
    if choice == Choice.APPROVE and terms is not None:
        _narrow(request, terms, actor, text)
    vote = Vote.objects.create(
        request=request,
        round=request.round,
        step_at=request.step_at,
        person=actor.user,
        choice=choice,
        reason=text,
        digest=request.digest,
        terms=terms_of(request),
    )
    record(
        actor=actor,
        verb=Verb.VOTE_CAST,
        target=vote,
        changes={"choice": (None, choice), "step": (None, vote.step_at)},
        reason=text,
    )
    if choice == Choice.DENY:
        _count_denials(request, text, actor)
    else:
        _count_approvals(request, actor)
    return vote


def _narrow(request: AccessRequest, terms: Terms, actor: Actor, reason: str) -> None:
    """Take from what is on the table; nobody adds to it."""
    before = terms_of(request)
    actions = sorted(set(request.actions if terms.actions is None else terms.actions))
    resources = sorted(set(request.resources if terms.resources is None else terms.resources))
    days = request.days if terms.days is None else terms.days
    _refuse_wider(request, actions, resources, days)
    request.actions, request.resources, request.days = actions, resources, days
    if terms_of(request) == before:
        return
    request.digest = digest_now(request)
    request.save(update_fields=["actions", "resources", "days", "digest"])
    record(
        actor=actor,
        verb=Verb.REQUEST_NARROWED,
        target=request,
        changes={name: (before[name], value) for name, value in terms_of(request).items()},
        reason=reason,
    )


def _refuse_wider(
    request: AccessRequest, actions: list[str], resources: list[str], days: int | None
) -> None:
    if not actions or not set(actions) <= set(request.actions):
        raise DomainError("An approver may take permissions from a request, never add or empty it.")
    covers_all = "*" in request.resources
    if not resources or not (covers_all or set(resources) <= set(request.resources)):
        raise DomainError("An approver may take resources from a request, never add to them.")
    if days is not None and (days < 1 or (request.days is not None and days > request.days)):
        raise DomainError("An approver may shorten a request, never make it longer.")


def _count_denials(request: AccessRequest, reason: str, actor: Actor) -> None:
    against = request.votes.filter(round=request.round, choice=Choice.DENY).count()
    if against < request.denials_end_it:
        return
    request.decided_at, request.ended_because = timezone.now(), reason
    request_move(
        request,
        RequestState.DENIED,
        actor=actor,
        reason=reason,
        also=["decided_at", "ended_because"],
    )
    tell_asker(request, what="Denied", because=reason, actor=actor)


def _count_approvals(request: AccessRequest, actor: Actor) -> None:
    """Pass the running step if its every requirement is met by different people."""
    left = steps_left(request)
    votes = request.votes.filter(round=request.round, step_at=request.step_at)
    approved_by = votes.filter(choice=Choice.APPROVE).values_list("person_id", flat=True)
    if not chains.progress_of(left[0], list(approved_by)).is_met:
        return
    RequestStep.objects.filter(request=request, position=request.step_at).update(
        passed_at=timezone.now()
    )
    if len(left) > 1:
        step_open(request, request.step_at + 1, actor=actor)
        return
    request.decided_at = timezone.now()
    because = "Every requirement of every step is met, by different people."
    request_move(request, RequestState.APPROVED, actor=actor, reason=because, also=["decided_at"])
    tell_asker(request, what="Approved", because=because, actor=actor)


@transaction.atomic
def question_ask(*, request_id: int, text: str, actor: Person) -> RequestNote:
    """Ask whoever wants the access; kept beside the request, and mailed."""
    request = AccessRequest.objects.locked(request_id)
    enforce(policies.can_question(actor, request))
    note = _note(request, NoteKind.QUESTION, required_reason(text, "you ask"), actor)
    for person in (request.asked_by, request.agent.owner):
        if person is not None:
            _mail(note, person, f"{actor} asks: {request.label}", actor)
    return note


@transaction.atomic
def question_answer(*, request_id: int, note_id: int, text: str, actor: Person) -> RequestNote:
    """Answer a question; whoever asked it is told."""
    request = AccessRequest.objects.locked(request_id)
    enforce(policies.can_answer(actor, request))
    question = RequestNote.objects.filter(
        request=request, kind=NoteKind.QUESTION, pk=note_id
    ).first()
    if question is None:
        raise DomainError("There is no such question about this request.")
    answer = required_reason(text, "it is so")
    note = _note(request, NoteKind.ANSWER, answer, actor, answers=question)
    if question.author is not None:
        _mail(note, question.author, f"{actor} answers: {request.label}", actor)
    return note


def _note(
    request: AccessRequest,
    kind: NoteKind,
    text: str,
    actor: Person,
    answers: RequestNote | None = None,
) -> RequestNote:
    note = RequestNote.objects.create(
        request=request,
        kind=kind,
        text=text,
        author=actor.user,
        author_label=str(actor)[:150],
        answers=answers,
    )
    record(
        actor=actor,
        verb=Verb.NOTE_WRITTEN,
        target=note,
        changes={"kind": (None, kind)},
        reason=text,
    )
    return note


def _mail(note: RequestNote, person: User, subject: str, actor: Actor) -> None:
    notice_send(
        kind="request-note",
        recipient=person,
        about=note.request,
        subject=subject,
        body=f"{note.text}\n\nOpen Countersign and go to Approvals.",
        dedupe_key=f"request-note:{note.pk}:{person.pk}",
        actor=actor,
    )
