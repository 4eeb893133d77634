"""The mails about requests. Each is sent once: its key says to whom, about what, and when."""

from collections.abc import Iterable

from apps.accounts.models import User
from apps.approvals.models import AccessRequest
from apps.core.actors import Actor
from apps.notices.services import notice_send

# A mail never approves anything: whoever holds it may not be whom it was sent to.
GO_THERE = "Open Countersign and go to Approvals to judge it."


def ask_approvers(request: AccessRequest, people: Iterable[User], actor: Actor) -> None:
    """Tell everybody whom the running step asks."""
    for person in people:
        notice_send(
            kind="request-to-judge",
            recipient=person,
            about=request,
            subject=f"To approve or deny: {request.label}",
            body=(
                f"{request.asked_by_label} asks that {request.agent} may "
                f"{request.level} on {request.system} ({request.service}).\n\n"
                f"Why: {request.reason}\n\n{GO_THERE}"
            ),
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
                f"votes no longer cover it.\n\n{GO_THERE}"
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
            body=f"{because}\n\nOpen Countersign and go to Approvals to see the whole of it.",
            dedupe_key=f"request:{request.pk}:{request.state}:{request.round}:{person.pk}",
            actor=actor,
        )
