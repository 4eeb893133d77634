"""The mails about requests. Each is sent once: its key says to whom, about what, and when."""

from collections.abc import Iterable

from apps.accounts.models import User
from apps.approvals.models import AccessRequest
from apps.core.actors import Actor
from apps.core.links import public_url
from apps.notices.services import chat_send, notice_send


def _judge_it(request: AccessRequest) -> str:
    """The way there. A mail never approves: whoever holds it may not be whom it was sent to."""
    return f"Judge it, signed in: {public_url(request.get_absolute_url())}"


def ask_approvers(request: AccessRequest, people: Iterable[User], actor: Actor) -> None:
    """Tell everybody whom the running step asks, and the chat that somebody is asked."""
    asks = (
        f"{request.asked_by_label} asks that {request.agent} may "
        f"{request.level} on {request.system} ({request.service})."
    )
    chat_send(
        kind="request-to-judge",
        about=request,
        subject=f"To approve or deny: {request.label}",
        body=f"{asks}\n{_judge_it(request)}",
        dedupe_key=f"request:{request.pk}:{request.round}:{request.step_at}",
        actor=actor,
    )
    for person in people:
        notice_send(
            kind="request-to-judge",
            recipient=person,
            about=request,
            subject=f"To approve or deny: {request.label}",
            body=f"{asks}\n\nWhy: {request.reason}\n\n{_judge_it(request)}",
            dedupe_key=f"request:{request.pk}:{request.round}:{request.step_at}:{person.pk}",
            actor=actor,
        )


def tell_voting_anew(request: AccessRequest, people: Iterable[User], actor: Actor) -> None:
    """Tell approvers that the agent changed while they judged."""
    for person in people:
        notice_send(
            kind="request-anew",
            recipient=person,
            about=request,
            subject=f"The agent changed, please judge again: {request.label}",
            body=(
                f"The design of {request.agent} changed while its request was judged, so earlier "
                f"votes no longer cover it.\n\n{_judge_it(request)}"
            ),
            dedupe_key=f"request:{request.pk}:anew:{request.round}:{person.pk}",
            actor=actor,
        )


def tell_asker(request: AccessRequest, *, what: str, because: str, actor: Actor) -> None:
    """Tell whoever asked, and the agent's owner, what became of it."""
    people = {person for person in (request.asked_by, request.agent.owner) if person is not None}
    for person in sorted(people, key=lambda one: one.pk):
        notice_send(
            kind="request-told",
            recipient=person,
            about=request,
            subject=f"{what}: {request.label}",
            body=f"{because}\n\nThe whole of it: {public_url(request.get_absolute_url())}",
            dedupe_key=f"request:{request.pk}:{request.state}:{request.round}:{person.pk}",
            actor=actor,
        )
