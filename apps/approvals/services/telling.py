"""Notices that access ends: to the agent's owner and whoever asked, a few times before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from math import ceil

from django.db import models, transaction
from django.db.models import Prefetch
from django.urls import reverse

from apps.accounts.models import User
from apps.approvals.models import AccessRequest
from apps.approvals.states import OPEN, RequestKind
from apps.core.actors import Actor
from apps.core.links import public_url
from apps.core.preferences import preference
from apps.grants.models import Grant
from apps.inventory.models import Binding
from apps.notices.models import Notice
from apps.notices.services import notice_send
from apps.remediation.models import Order

KIND = "access-ends"
# Each notice is sent once, whatever its days are changed to afterwards.
STAGES = {
    "first": "first_end_notice_days",
    "second": "second_end_notice_days",
    "last": "last_end_notice_days",
}
CHUNK = 200
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ending:
    """Access that comes to an end, whom to tell of it, and where to ask that it goes on."""

    about: models.Model
    label: str
    begun_at: datetime
    ends_at: datetime
    renew_at: str
    grant_id: int
    people: Sequence[User] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class _Due:
    ending: Ending
    person: User
    key: str


def ends_tell(*, moment: datetime, actor: Actor) -> int:
    """Send the notices that are due, each once to each, however often and by whom this is run.

    Of several that are due only the latest is sent, and none that lies before the access began.
    """
    days = {name: preference(key) for name, key in STAGES.items()}
    horizon = moment + max(days.values()) * DAY
    sent = 0
    for chunk in batched(_endings(horizon), CHUNK, strict=False):
        due = [one for ending in chunk for one in _due(ending, days, moment)]
        keys = [one.key for one in due]
        told = set(Notice.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
        if untold := [one for one in due if one.key not in told]:
            sent += _send(untold, moment, actor)
    return sent


def _endings(horizon: datetime) -> Iterable[Ending]:
    yield from _of_requests(horizon)
    yield from _of_grants(horizon)


def _of_requests(horizon: datetime) -> Iterable[Ending]:
    rows = AccessRequest.objects.ending_by(horizon).select_related("agent__owner", "asked_by")
    for request in rows.order_by("pk"):
        begun_at, ends_at, grant_id = _in_place(request)
        yield Ending(
            about=request,
            label=request.label,
            begun_at=begun_at,
            ends_at=ends_at,
            renew_at=reverse("approvals:request_renew", args=[request.pk]),
            grant_id=grant_id,
            people=_people(request.agent.owner, request.asked_by),
        )


def _in_place(request: AccessRequest) -> tuple[datetime, datetime, int]:
    """Since when, until when, and by which grant; what `ending_by` finds has all three."""
    begun_at, ends_at, grant_id = request.provisioned_at, request.access_ends_at, request.grant_id
    if begun_at is None or ends_at is None or grant_id is None:
        raise ValueError(f"Request {request.pk} is not in place, or has no end.")
    return begun_at, ends_at, grant_id


def _of_grants(horizon: datetime) -> Iterable[Ending]:
    """Grants with an end to which no request led, and no emergency: that one tells of itself."""
    rows = Grant.objects.due_at(horizon).present().filter(request_id__isnull=True)
    rows = rows.filter(break_glass_uses__isnull=True).select_related("requested_by", "identity")
    live = Binding.objects.live().select_related("agent__owner")
    for grant in rows.prefetch_related(Prefetch("identity__bindings", live)).order_by("pk"):
        if grant.expires_at is None:
            continue
        owners = [binding.agent.owner for binding in grant.identity.bindings.all()]
        yield Ending(
            about=grant,
            label=grant.label,
            begun_at=grant.first_seen_at,
            ends_at=grant.expires_at,
            renew_at=reverse("approvals:grant_renew", args=[grant.pk]),
            grant_id=grant.pk,
            people=_people(*owners, grant.requested_by),
        )


def _people(*people: User | None) -> list[User]:
    distinct = {one.pk: one for one in people if one is not None and one.is_active}
    return [distinct[pk] for pk in sorted(distinct)]


def _due(ending: Ending, days: dict[str, int], moment: datetime) -> list[_Due]:
    """The latest notice that is due, to each person; none that lies before the access began."""
    at = {name: ending.ends_at - count * DAY for name, count in days.items()}
    due = [name for name, when in at.items() if ending.begun_at < when <= moment]
    if not due:
        return []
    newest = max(due, key=lambda name: at[name])
    about = f"{ending.about._meta.label_lower}:{ending.about.pk}"
    key = f"ends:{about}:{ending.ends_at:%Y%m%d%H%M%S}:{newest}"
    return [_Due(ending, person, f"{key}:{person.pk}") for person in ending.people]


@transaction.atomic
def _send(due: Sequence[_Due], moment: datetime, actor: Actor) -> int:
    grants = [one.ending.grant_id for one in due]
    orders = {order.grant_id: order for order in Order.objects.open_about(grants)}
    renewals = {
        request.grant_id: request
        for request in AccessRequest.objects.filter(
            grant__in=grants, kind=RequestKind.RENEWAL, state__in=OPEN
        )
    }
    for one in due:
        ending = one.ending
        notice_send(
            kind=KIND,
            recipient=one.person,
            about=ending.about,
            subject=_subject(ending, moment),
            body=_body(
                ending,
                moment,
                orders.get(ending.grant_id),
                renewals.get(ending.grant_id),
            ),
            dedupe_key=one.key,
            actor=actor,
        )
    return len(due)


def _subject(ending: Ending, moment: datetime) -> str:
    left = ending.ends_at - moment
    if left <= timedelta(0):
        return f"Its time is up: {ending.label}"
    days = ceil(left / DAY)
    return f"Ends in {days} day{'' if days == 1 else 's'}: {ending.label}"


def _body(
    ending: Ending, moment: datetime, order: Order | None, renewal: AccessRequest | None
) -> str:
    over = ending.ends_at <= moment
    lines = [f"{ending.label}\n\nIt ends on {ending.ends_at:%Y-%m-%d at %H:%M} UTC."]
    if order is not None:
        where = public_url(order.get_absolute_url())
        lines.append(f"Its removal is ordered. Until that is seen, it is in force: {where}")
    elif over:
        lines.append("Its removal is being ordered. Until that is seen, it is in force.")
    else:
        lines.append("Its removal is ordered then. Nobody has to do anything if it may end.")
    if renewal is not None:
        where = public_url(renewal.get_absolute_url())
        lines.append(f"Its renewal is asked for and waits for approval: {where}")
    else:
        lines.append(
            "If it has to go on, ask for its renewal, and say why. Others judge that like any"
            f" other request: {public_url(ending.renew_at)}"
        )
    return "\n\n".join(lines)
