"""The index: everything that happened, in the order of time, as CSV and as a workbook."""

import heapq
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import Any

from apps.evidence.content.files import Files
from apps.evidence.content.incident.scope import Case
from apps.evidence.content.index import Cover, Workbook
from apps.evidence.content.items import CHUNK
from apps.remediation.models import OrderStep
from apps.remediation.states import StepStatus, stopped_as

INDEX = ["at", "what", "told", "address", "who", "order", "record"]
TIMES = (
    ("decided_at", "decided", "decided_by__display_name", "reason"),
    ("executed_at", "executed", "executed_by__display_name", ""),
    ("effective_by", "effective", "", ""),
    ("stopped_at", "", "", "stopped_how"),
    ("verified_at", "verified", "", "verified_how"),
    ("confirmed_at", "confirmed by another", "confirmed_by__display_name", ""),
    ("used_after_at", "used after its end", "", "used_after_how"),
    ("undo_asked_at", "undo asked for", "undo_asked_by__display_name", "undo_reason"),
)
CALL = "call"

type Row = tuple[datetime, str, str, str, str, Any, Any]


def write_index(files: Files, case: Case) -> None:
    incident = case.incident
    cover = Cover(
        name=str(incident),
        sheet="Times",
        columns=INDEX,
        note=case.note,
        stamp=incident.closed_at or incident.opened_at,
    )
    streams = [_incident(case), _leaks(case), _made(case), _orders(case), _steps(case)]
    told = sorted(chain.from_iterable(streams), key=_when)
    with ExitStack() as open_files:
        title = "Index: what happened, in order of time"
        index = open_files.enter_context(files.csv("data/index.csv", title, INDEX))
        book = open_files.enter_context(Workbook(files, cover))
        for row in heapq.merge(told, _calls(case), key=itemgetter(0)):
            index(row)
            book.write(row)


def _when(row: Row) -> tuple[datetime, str, str]:
    return row[0], row[1], str(row[6])


def _incident(case: Case) -> Iterator[Row]:
    incident = case.incident
    yield incident.exposed_since, "exposed since", str(incident.credential), "", "", "", ""
    yield incident.opened_at, "incident opened", incident.order.reason, "", "", "", incident.pk
    if incident.closed_at is not None:
        yield incident.closed_at, "incident closed", "", "", "", "", incident.pk


def _leaks(case: Case) -> Iterator[Row]:
    for leak in case.leaks.iterator(CHUNK):
        told = f"{leak.kinds} at {leak.found_at or 'a place not told'}"
        yield leak.reported_at, "leak", told, "", leak.reported_by_label, "", leak.pk


def _made(case: Case) -> Iterator[Row]:
    for made in case.incident.made.order_by("pk").iterator(CHUNK):
        yield made.at, "made", str(made), made.address, "", made.order_id or "", made.pk


def _orders(case: Case) -> Iterator[Row]:
    fields = {name for row in TIMES for name in (row[0], *row[2:]) if name}
    for order in case.orders.values("pk", "kind", "label", *fields).iterator(CHUNK):
        for at, what, who, how in TIMES:
            if order[at] is not None:
                told = order[how] if how else order["label"]
                person = (order[who] or "") if who else ""
                happened = what or stopped_as(told).lower()
                yield order[at], f"order {happened}", told, "", person, order["pk"], ""


def _steps(case: Case) -> Iterator[Row]:
    rows = OrderStep.objects.filter(order__in=case.order_pks, done_at__isnull=False)
    fields = ("done_at", "status", "title", "said", "order", "position")
    for at, status, title, said, order, position in rows.values_list(*fields).iterator(CHUNK):
        told = f"{title}: {said}" if said else title
        yield at, f"step {StepStatus(status).label.lower()}", told, "", "", order, position


def _calls(case: Case) -> Iterator[Row]:
    rows = case.incident.calls.order_by("at", "pk")
    fields = ("at", "service", "name", "error", "address", "client", "pk")
    for at, service, name, error, address, client, pk in rows.values_list(*fields).iterator(CHUNK):
        refused = f" ({error})" if error else ""
        yield at, CALL, f"{service} {name}{refused}", address, client, "", pk
