"""Pages: somebody is called now, and the next one where nobody answers."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.links import public_url
from apps.core.policies import Verdict, enforce
from apps.notices import policies
from apps.notices.models import Ladder, Notice, Page
from apps.notices.selectors import Call, calls_to, rung_at, usual_wait
from apps.notices.services.notices import notice_queue
from apps.notices.states import FOLLOWING, PAGE_MOVES, By, Event, PageSeverity, PageState

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def page_send(
    *,
    about: models.Model,
    subject: str,
    body: str,
    severity: str,
    team_id: int | None,
    dedupe_key: str,
    actor: Actor,
    kind: str = "page",
    people: "Iterable[User]" = (),
    caused_by: "User | None" = None,
) -> Page:
    """Page whoever is on call for the team; else for the house; else every steward, by mail.

    `severity` is critical, high, medium, or low. `people` are told by mail besides the first
    step. `caused_by` is whose act it is about: never told, and never the one to acknowledge.
    Nobody is told twice at one level, and asking again with the same `dedupe_key` returns the
    first page, whatever became of it: another occasion needs another key.
    """
    plain = " ".join(subject.split())[:200]
    page, is_new = Page.objects.get_or_create(
        dedupe_key=dedupe_key,
        defaults={
            "kind": kind,
            "about_type": about._meta.label_lower,
            "about_id": about.pk,
            "about_href": _href(about),
            "subject": plain,
            "body": body,
            "severity": PageSeverity(severity),
            "team_id": team_id,
            "ladder": Ladder.objects.for_team(team_id),
            "caused_by": caused_by,
            "sent_for": str(actor)[:150],
        },
    )
    if not is_new:
        return page
    told = _tell(page, calls_to(page, people), actor)
    if told and page.ladder is None:
        page.escalates_at = timezone.now() + usual_wait()
    else:
        told += _climb(page, 0, timezone.now(), actor)
    page.save(update_fields=["level", "escalates_at"])
    record(
        actor=actor,
        verb=Verb.PAGE_SENT,
        target=page,
        changes={
            "state": (None, page.state),
            "severity": (None, page.severity),
            "told": (None, told),
        },
    )
    return page


def pages_escalate(*, moment: datetime, actor: Actor) -> int:
    """Let every page whose time is up climb on; run twice, it tells nobody twice."""
    due = list(Page.objects.due(moment).order_by("escalates_at", "pk").values_list("pk", flat=True))
    return sum(_escalate(pk, moment, actor) for pk in due)


@transaction.atomic
def page_acknowledge(*, page_id: int, actor: Person) -> Page:
    """Say that the actor looks at it, so that nobody else is called.

    Where somebody was quicker, their word stands and nothing changes: ask the page who it was.
    """
    page = Page.objects.locked(page_id)
    enforce(policies.can_answer(actor, page))
    if page.state == PageState.SENT:
        page.acknowledged_at, page.acknowledged_by = timezone.now(), actor.user
        fields = ["acknowledged_at", "acknowledged_by"]
        _move(page, PageState.ACKNOWLEDGED, Verb.PAGE_ACKNOWLEDGED, actor, also=fields)
    return page


@transaction.atomic
def page_resolve(*, page_id: int, actor: Person) -> Page:
    """Say that what it called for is over. Nothing changes where somebody said so before."""
    page = Page.objects.locked(page_id)
    enforce(policies.can_answer(actor, page))
    return _resolve(page, "", actor)


@transaction.atomic
def page_settle(*, dedupe_key: str, reason: str, actor: Actor, authority: Verdict) -> Page | None:
    """Resolve the page of this key for the app that sent it; None if it sent none."""
    enforce(authority)
    found = Page.objects.filter(dedupe_key=dedupe_key).values_list("pk", flat=True).first()
    return None if found is None else _resolve(Page.objects.locked(found), reason, actor)


def _resolve(page: Page, reason: str, actor: Actor) -> Page:
    if page.state != PageState.RESOLVED:
        page.resolved_at = timezone.now()
        page.resolved_by = actor.user if isinstance(actor, Person) else None
        fields = ["resolved_at", "resolved_by"]
        _move(page, PageState.RESOLVED, Verb.PAGE_RESOLVED, actor, also=fields, reason=reason)
    return page


@transaction.atomic
def _escalate(page_id: int, moment: datetime, actor: Actor) -> bool:
    due = Page.objects.due(moment).filter(pk=page_id).select_related("ladder")
    page = due.select_for_update(of=["self"], skip_locked=True).first()
    if page is None:
        return False
    before = page.level
    told = _climb(page, before + 1, moment, actor)
    page.save(update_fields=["level", "escalates_at"])
    record(
        actor=actor,
        verb=Verb.PAGE_ESCALATED,
        target=page,
        changes={"level": (before, page.level), "told": (None, told)},
    )
    return True


def _climb(page: Page, level: int, moment: datetime, actor: Actor) -> list[str]:
    """Tell this level, and those after it that nobody is to be waited for at; returns whom."""
    told: list[str] = []
    while True:
        rung, page.level = rung_at(page, level), level
        told += _tell(page, rung.calls, actor)
        if rung.wait is None:
            page.escalates_at = None
            return told
        if rung.calls and rung.wait > timedelta(0):
            page.escalates_at = moment + rung.wait
            return told
        level += 1


def _tell(page: Page, calls: Iterable[Call], actor: Actor) -> list[str]:
    return [_say(page, call, Event.TRIGGER, f"{page.level}:{call.key}", actor) for call in calls]


def _say(page: Page, call: Call, event: Event, key: str, actor: Actor) -> str:
    route, person = call.route, call.person
    before = {Event.TRIGGER: "Still waiting: " if page.level else ""}
    before |= {Event.ACKNOWLEDGE: "Acknowledged: ", Event.RESOLVE: "Resolved: "}
    there = public_url(page.get_absolute_url())
    notice_queue(
        f"page:{page.pk}:{key}",
        (page.about_type, page.about_id),
        kind=page.kind,
        by=By.MAIL if route is None else route.by,
        route=route,
        page=page,
        event=event,
        recipient=person,
        address=person.email if person is not None else str(route),
        subject=f"{before[event]}{page.subject}"[:200],
        body=f"{page.body}\n\nAcknowledge it, so that nobody else is called: {there}",
        sent_for=str(actor)[:150],
    )
    return str(call)


def _move(  # noqa: PLR0917
    page: Page, state: PageState, verb: Verb, actor: Actor, also: list[str], reason: str = ""
) -> None:
    """Move a locked page on; it climbs no further, and tools that follow it are told."""
    before = page.state
    PAGE_MOVES.check(before, state)
    page.state, page.escalates_at = state, None
    page.save(update_fields=["state", "escalates_at", *also])
    record(actor=actor, verb=verb, target=page, changes={"state": (before, state)}, reason=reason)
    event = Event.ACKNOWLEDGE if state == PageState.ACKNOWLEDGED else Event.RESOLVE
    paged = Notice.objects.of_page(page).triggers().filter(route__by__in=FOLLOWING)
    routes = {one.route_id: one.route for one in paged.select_related("route").order_by("pk")}
    for pk, route in routes.items():
        _say(page, Call(route, None), event, f"{event}:route-{pk}", actor)


def _href(about: models.Model) -> str:
    """Where the record lies, if it has a page."""
    address = getattr(about, "get_absolute_url", None)
    return address()[:300] if address is not None else ""
