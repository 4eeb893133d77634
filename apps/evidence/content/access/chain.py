"""Who had to approve, how they were found, who benefits, and what was said."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.db.models import DateTimeField, OuterRef, Subquery

from apps.approvals.models import Approver, RequestNote, RequestRequirement, Vote
from apps.approvals.states import FoundBy, NoteKind, RequirementKind
from apps.audit.models import AuditEntry
from apps.evidence.content.access.scope import Scope
from apps.evidence.content.files import Files, compact
from apps.evidence.content.items import CHUNK
from apps.inventory.models import Agent, Credential

CHAIN = [
    "request",
    "step",
    "step_name",
    "hours",
    "opened_at",
    "passed_at",
    "fallback_at",
    "requirement",
    "kind",
    "kind_words",
    "turns_to",
    "count",
]
APPROVERS = [
    "request",
    "step",
    "requirement",
    "person_id",
    "person",
    "found_by",
    "how_found",
    "since",
]
BENEFICIARIES = ["request", "person_id", "person", "why", "since"]
VOTES = [
    "request",
    "vote",
    "round",
    "counts",
    "step",
    "person_id",
    "person",
    "choice",
    "reason",
    "digest",
    "terms",
    "voted_at",
]
NOTES = ["request", "note", "kind", "words", "text", "author_id", "author", "answers", "written_at"]

type Row = tuple[Any, ...]


def write_chain(files: Files, scope: Scope) -> None:
    """The steps as frozen with each request, and whom they turned to."""
    rows = RequestRequirement.objects.filter(step__request__in=scope.pks)
    values = rows.order_by("step__request", "step__position", "position").values_list(
        "step__request",
        "step__position",
        "step__name",
        "step__hours",
        "step__opened_at",
        "step__passed_at",
        "step__fallback_at",
        "pk",
        "kind",
        "label",
        "count",
    )
    with files.csv("data/chain.csv", "Who had to approve, as frozen", CHAIN) as write:
        for *step, pk, kind, label, count in values.iterator(CHUNK):
            write([*step, pk, kind, RequirementKind(kind).label, label, count])
    asked = Approver.objects.filter(request__in=scope.pks).order_by("request", "pk")
    people = asked.values_list(
        "request",
        "step_at",
        "requirement",
        "person_id",
        "person__display_name",
        "found_by",
        "since",
    )
    with files.csv("data/approvers.csv", "Who was asked, and how found", APPROVERS) as write:
        for *told, found_by, since in people.iterator(CHUNK):
            write([*told, found_by, FoundBy(found_by).label, since])


def write_beneficiaries(files: Files, scope: Scope) -> None:
    """Who benefits from each request and so never approves it, and since when that is so.

    Owners and makers are those of now: whoever became one later is told with that time.
    """
    streams = [_asked(scope), _joined(scope), _makers(scope)]
    streams += [_owners(scope, field, why) for field, why in _OWNERS]
    with files.csv("data/beneficiaries.csv", "Who benefits", BENEFICIARIES) as write:
        for row in heapq.merge(*streams, key=itemgetter(0)):
            write(row)


_OWNERS = (
    ("owner", "owner of the agent"),
    ("technical_owner", "technical owner of the agent"),
)


def _asked(scope: Scope) -> Iterator[Row]:
    rows = scope.requests.filter(asked_by__isnull=False)
    for pk, person, name in rows.values_list(
        "pk", "asked_by_id", "asked_by__display_name"
    ).iterator(CHUNK):
        yield (pk, person, name, "asked for it", "")


def _joined(scope: Scope) -> Iterator[Row]:
    rows = RequestNote.objects.filter(
        request__in=scope.pks, kind=NoteKind.JOINED, author__isnull=False
    ).order_by("request", "pk")
    for pk, person, name, at in rows.values_list(
        "request", "author_id", "author__display_name", "written_at"
    ).iterator(CHUNK):
        yield (pk, person, name, "asked for the same", at)


def _owners(scope: Scope, field: str, why: str) -> Iterator[Row]:
    rows = scope.requests.filter(**{f"agent__{field}__isnull": False}).annotate(
        since=_changed(Agent._meta.label_lower, "agent_id", field)
    )
    for pk, person, name, since in rows.values_list(
        "pk", f"agent__{field}_id", f"agent__{field}__display_name", "since"
    ).iterator(CHUNK):
        yield (pk, person, name, why, since)


def _makers(scope: Scope) -> Iterator[Row]:
    rows = (
        scope.requests.filter(identity__credentials__made_by__isnull=False)
        .annotate(
            since=_changed(Credential._meta.label_lower, "identity__credentials__pk", "made_by")
        )
        .order_by("pk", "identity__credentials__pk")
    )
    fields = (
        "pk",
        "identity__credentials__made_by_id",
        "identity__credentials__made_by__display_name",
        "since",
        "identity__credentials__first_seen_at",
    )
    for pk, person, name, since, seen in rows.values_list(*fields).iterator(CHUNK):
        yield (pk, person, name, "made a credential of the identity", _later(since, seen))


def _later(since: datetime | None, seen: datetime) -> datetime:
    return seen if since is None else max(since, seen)


def _changed(target_type: str, target: str, field: str) -> Subquery:
    """When the record last tells of a change of that field."""
    entries = AuditEntry.objects.filter(
        target_type=target_type,
        target_id=OuterRef(target),
        changes__has_any_keys=[field, f"{field}_id"],
    )
    newest = entries.order_by("-pk").values("occurred_at")[:1]
    return Subquery(newest, output_field=DateTimeField())


def write_votes(files: Files, scope: Scope) -> None:
    rows = Vote.objects.filter(request__in=scope.pks).order_by("request", "pk")
    values = rows.values_list(
        "request",
        "request__round",
        "pk",
        "round",
        "step_at",
        "person_id",
        "person__display_name",
        "choice",
        "reason",
        "digest",
        "terms",
        "voted_at",
    )
    with files.csv("data/votes.csv", "Votes", VOTES) as write:
        for request, at_round, vote, own, *told, terms, voted_at in values.iterator(CHUNK):
            write([request, vote, own, own == at_round, *told, compact(terms), voted_at])


def write_notes(files: Files, scope: Scope) -> None:
    rows = RequestNote.objects.filter(request__in=scope.pks).order_by("request", "pk")
    values = rows.values_list(
        "request", "pk", "kind", "text", "author_id", "author_label", "answers_id", "written_at"
    )
    with files.csv("data/notes.csv", "Questions, answers, and who joined", NOTES) as write:
        for request, pk, kind, *told in values.iterator(CHUNK):
            write([request, pk, kind, NoteKind(kind).label, *told])
