"""One record of the trail: what it says, how it is sealed, and what it is joined to."""

from dataclasses import dataclass
from typing import Any

from apps.activity.models import Event, Invocation, Link, Payload
from apps.activity.saying import header_said
from apps.activity.selectors.naming import names_beside, run_of
from apps.activity.selectors.seals import SealTold, seal_told
from apps.activity.selectors.shown import shown_of
from apps.activity.states import DEEDS, Kind, Shown
from apps.core.actors import Actor
from apps.inventory.models import Agent
from apps.proof.models import Log

MOST_LINKS = 50


@dataclass(frozen=True, slots=True)
class RecordTold:
    """`links` are its joins to runs, for a call, or to calls, for what an agent said.

    `hidden` of them lead to what the reader may not see. `known_as` is whose it is by its run,
    where its collector did not say so in it. `shown` is what the logs say of what an agent did.
    """

    event: Event
    header: dict[str, Any]
    exact: str
    seal: SealTold
    has_payload: bool
    links: list[Link]
    hidden: int
    run: Invocation | None
    known_as: Agent | None
    shown: Shown | None

    @property
    def is_recorded(self) -> bool:
        return self.event.kind == Kind.API

    @property
    def is_deed(self) -> bool:
        """Whether it needed something that allowed it."""
        return self.event.kind in {Kind.API, Kind.ACTION, Kind.CALL}


def record_at(leaf: int, actor: Actor) -> tuple[Log, Event] | None:
    """The log and what stands at that place in it; None if there is none such for this reader."""
    log = Log.objects.filter(name="activity").first()
    if log is None or leaf >= 2**63:
        return None
    event = Event.objects.at(log.pk, [leaf]).visible_to(actor).first()
    return None if event is None else (log, event)


def record_told(leaf: int, actor: Actor) -> RecordTold | None:
    """All that is told of a record; None if there is none such for this reader."""
    found = record_at(leaf, actor)
    if found is None:
        return None
    log, event = found
    links, hidden = _links(event, actor)
    known_as = names_beside([event]).get(event.leaf_index)
    payload = Payload.objects.filter(log_id=log.pk, leaf_index=leaf, recorded_at=event.recorded_at)
    return RecordTold(
        event,
        header_said(event.header),
        event.header,
        seal_told(log, [event]),
        payload.exists(),
        links,
        hidden,
        _run(event, known_as.pk if known_as else event.agent_id, actor),
        known_as,
        shown_of([event], actor).get(leaf) if event.kind in DEEDS else None,
    )


def _run(event: Event, agent_id: int | None, actor: Actor) -> Invocation | None:
    if event.trace_id is None:
        return None
    runs = Invocation.objects.visible_to(actor).under(event.log_id, [event.trace_id])
    return run_of(runs, agent_id, header_said(event.header))


def _links(event: Event, actor: Actor) -> tuple[list[Link], int]:
    """Its joins to runs and calls that the reader may see, and how many others there are."""
    rows = Link.objects.filter(log_id=event.log_id).select_related("invocation")
    if event.kind == Kind.API:
        rows = rows.filter(call_leaf=event.leaf_index)
    else:
        # What an agent said is joined to calls of its own run alone, which an index finds them by.
        run = {"invocation__log_id": event.log_id, "invocation__trace_id": event.trace_id}
        rows = rows.filter(**run, action_leaf=event.leaf_index)
    links = list(rows.order_by("-confidence", "pk")[:MOST_LINKS])
    if not links:
        return [], 0
    times = [one.call_recorded_at for one in links]
    calls = Event.objects.at(event.log_id, (one.call_leaf for one in links))
    calls = calls.recorded_between(min(times), max(times)).visible_to(actor)
    runs = Invocation.objects.visible_to(actor).filter(pk__in=[one.invocation_id for one in links])
    seen = set(calls.values_list("leaf_index", flat=True))
    known = set(runs.values_list("pk", flat=True))
    shown = [one for one in links if one.call_leaf in seen and one.invocation_id in known]
    return shown, len(links) - len(shown)
