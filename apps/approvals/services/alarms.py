"""The mails of an emergency: a page as it begins, a call for its review, and what came of it."""

from collections.abc import Iterable

from apps.accounts.models import User
from apps.approvals.models import BreakGlass
from apps.approvals.selectors.break_glass import people_in, reviewers_of
from apps.approvals.states import BreakGlassVerdict, GroupKey
from apps.core.actors import Actor, Role
from apps.core.links import public_url
from apps.core.policies import ALLOW
from apps.notices.models import Notice
from apps.notices.services import notice_send, page_send, page_settle
from apps.notices.states import PageSeverity

KIND = "break-glass"


def page_on_call(use: BreakGlass, actor: Actor) -> None:
    """Page the group On call and the team's ladder, and tell the agent's owner by mail.

    Where nobody is on call, every steward is paged; never who took it.
    """
    body = (
        f"{use.taken_by} took {use.level} access on {use.system} ({use.service}) for {use.agent},"
        f" for {use.hours} hour{'' if use.hours == 1 else 's'}, until"
        f" {use.ends_at:%Y-%m-%d %H:%M} UTC. Nobody approved it.\n\nWhy: {use.reason}\n\n"
        f"Look at it, or end it: {_there(use)}"
    )
    subject = f"Break-glass: {use.label}"
    page_send(
        about=use,
        subject=subject,
        body=body,
        severity=PageSeverity.HIGH,
        team_id=use.agent.team_id,
        dedupe_key=_page_key(use),
        actor=actor,
        kind=KIND,
        people=people_in(GroupKey.ON_CALL),
        caused_by=use.taken_by,
    )
    owner = use.agent.owner
    if owner is None or owner.pk == use.taken_by_id:
        return
    if not Notice.objects.about(use).filter(kind=KIND, recipient=owner).exists():
        _send(KIND, use, [owner], subject=subject, body=body, actor=actor)


def tell_over(use: BreakGlass, actor: Actor) -> None:
    """Ask those who may for the review, once a use is over."""
    body = (
        f"{use.taken_by} took {use.level} access on {use.system} ({use.service}) for {use.agent},"
        f" and nobody had approved it. It is over: {use.ended_because}\n\nWhy it was taken:"
        f" {use.reason}\n\nReview it by {use.review_due_at:%Y-%m-%d %H:%M} UTC: {_there(use)}"
    )
    subject = f"To review: {use.label}"
    people = reviewers_of(use)
    _send("break-glass-review", use, people, subject=subject, body=body, actor=actor)


def tell_reviewed(use: BreakGlass, actor: Actor) -> None:
    """Tell who took it and the owner; stewards as well, where it was not warranted.

    Its page is over: whoever reviewed it has looked.
    """
    people = [use.taken_by, *([use.agent.owner] if use.agent.owner else [])]
    if use.verdict == BreakGlassVerdict.UNWARRANTED:
        stewards = User.objects.with_role(Role.STEWARD).order_by("pk")
        people += [one for one in stewards if one.pk != use.reviewed_by_id]
    body = (
        f"{use.reviewed_by} reviewed it. {use.get_verdict_display()}: {use.review}\n\n{_there(use)}"
    )
    page_settle(
        dedupe_key=_page_key(use),
        reason=f"Reviewed: {use.get_verdict_display().lower()}.",
        actor=actor,
        authority=ALLOW,
    )
    subject = f"Break-glass reviewed: {use.label}"
    _send("break-glass-reviewed", use, people, subject=subject, body=body, actor=actor)


def _page_key(use: BreakGlass) -> str:
    return f"{KIND}:{use.pk}"


def _there(use: BreakGlass) -> str:
    return public_url(use.get_absolute_url())


def _send(
    kind: str, use: BreakGlass, people: Iterable[User], *, subject: str, body: str, actor: Actor
) -> None:
    for pk, person in {one.pk: one for one in people}.items():
        notice_send(
            kind=kind,
            recipient=person,
            about=use,
            subject=subject,
            body=body,
            dedupe_key=f"{kind}:{use.pk}:{pk}",
            actor=actor,
        )
