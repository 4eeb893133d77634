"""One record of the trail: what it says, how it is sealed, and what it is joined to."""

import json
from dataclasses import dataclass
from typing import Any

from apps.activity.models import Event, Invocation, Link, Payload
from apps.activity.selectors.seals import SealTold, seal_told
from apps.activity.states import Kind
from apps.core.actors import Actor
from apps.proof.models import Log


@dataclass(frozen=True, slots=True)
class RecordTold:
    """`links` are its joins to runs, for a call, or to calls, for what an agent said."""

    event: Event
    header: dict[str, Any]
    exact: str
    seal: SealTold
    has_payload: bool
    links: list[Link]
    run: Invocation | None

    @property
    def is_recorded(self) -> bool:
        return self.event.kind == Kind.API


def record_told(leaf: int, actor: Actor) -> RecordTold | None:
    """A record by its place in the log; None if there is none such for this reader."""
    log = Log.objects.filter(name="activity").first()
    if log is None or leaf >= 2**63:
        return None
    event = Event.objects.at(log.pk, [leaf]).visible_to(actor).first()
    if event is None:
        return None
    runs = Invocation.objects.visible_to(actor)
    links = Link.objects.filter(log_id=log.pk, invocation__in=runs).select_related("invocation")
    mine = {"call_leaf": leaf} if event.kind == Kind.API else {"action_leaf": leaf}
    payload = Payload.objects.filter(log_id=log.pk, leaf_index=leaf, recorded_at=event.recorded_at)
    return RecordTold(
        event,
        json.loads(event.header),
        event.header,
        seal_told(log, [event]),
        payload.exists(),
        list(links.filter(**mine).order_by("-confidence", "pk")[:50]),
        runs.filter(log_id=log.pk, trace_id=event.trace_id).first() if event.trace_id else None,
    )
