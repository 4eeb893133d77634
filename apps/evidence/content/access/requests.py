"""The requests: what was asked for, under which policy, what became of it, and the grant."""

import hashlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef

from apps.approvals.models import RequestStep
from apps.approvals.states import RequestKind
from apps.evidence.content.access.scope import Scope, outcome_of, words_of
from apps.evidence.content.files import Files, compact
from apps.evidence.content.items import CHUNK

REQUESTS = [
    "request",
    "kind",
    "kind_words",
    "label",
    "agent_id",
    "agent",
    "identity_id",
    "identity",
    "system_id",
    "system",
    "service",
    "level",
    "tags",
    "actions",
    "resources",
    "days",
    "reason",
    "task",
    "ticket",
    "asked_by_id",
    "asked_by",
    "submitted_at",
    "state",
    "outcome",
    "outcome_words",
    "round",
    "decided_at",
    "provisioned_at",
    "provisioned_how",
    "access_ends_at",
    "access_ended_at",
    "ended_because",
    "renews_request",
    "grant",
    "digest",
]
POLICIES = ["request", "policy_id", "policy", "by_rule", "denials_end_it"]
GRANTS = [
    "request",
    "grant",
    "label",
    "state",
    "first_seen_at",
    "last_seen_at",
    "gone_at",
    "ended_at",
    "expires_at",
    "use_is_known",
    "last_used_at",
    "source",
]
# Told as they are stored, so that a verifier computes the digest from them.
WHOLE = (
    "state",
    "kind",
    "level",
    "service",
    "identity_id",
    "design_digest",
    "actions",
    "resources",
    "days",
    "digest",
    "asked",
    "held_before",
    "reason",
    "round",
    "policy_id",
    "policy_name",
    "denials_end_it",
    "is_unmeetable",
    "lapses_at",
    "scope_sha256",
)
FIELDS = (
    "pk",
    "label",
    "agent_id",
    "agent__name",
    "identity__external_id",
    "system_id",
    "system__name",
    "tags",
    "task__title",
    "ticket",
    "asked_by_id",
    "asked_by_label",
    "submitted_at",
    "decided_at",
    "provisioned_at",
    "provisioned_how",
    "access_ends_at",
    "access_ended_at",
    "ended_because",
    "renews_id",
    "combinations",
    "grant_id",
    "grant__label",
    "grant__state",
    "grant__first_seen_at",
    "grant__last_seen_at",
    "grant__gone_at",
    "grant__ended_at",
    "grant__expires_at",
    "grant__use_is_known",
    "grant__last_used_at",
    "grant__source_id",
    *WHOLE,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """How many requests the package lists, as what, and the digest of their numbers."""

    count: int
    sha256: str
    outcomes: dict[str, int]


def write_requests(files: Files, scope: Scope) -> Listed:
    """Write every file that has a row per request, in one pass."""
    chain = RequestStep.objects.filter(request=OuterRef("pk"))
    rows = scope.requests.annotate(has_chain=Exists(chain)).values(*FIELDS, "has_chain")
    outcomes: Counter[str] = Counter()
    numbers = hashlib.sha256()
    with ExitStack() as open_files:
        enter = open_files.enter_context
        listed = enter(files.csv("data/requests.csv", "Requests", REQUESTS))
        whole = enter(files.jsonl("data/requests.jsonl", "Requests, in full"))
        policies = enter(files.csv("data/policies.csv", "The policy of each request", POLICIES))
        grants = enter(files.csv("data/grants.csv", "What each led to, and its use", GRANTS))
        for row in rows.iterator(CHUNK):
            outcomes[outcome_of(row["state"], row["access_ended_at"])] += 1
            numbers.update(b"%d\n" % row["pk"])
            listed(_request_row(row))
            whole({"request": row["pk"], **_whole(row)})
            policies(_policy_row(row))
            if row["grant_id"] is not None:
                grants(_grant_row(row))
    return Listed(sum(outcomes.values()), numbers.hexdigest(), dict(sorted(outcomes.items())))


def _request_row(row: dict[str, Any]) -> list[Any]:
    outcome = outcome_of(row["state"], row["access_ended_at"])
    return [
        row["pk"],
        row["kind"],
        RequestKind(row["kind"]).label,
        row["label"],
        row["agent_id"],
        row["agent__name"],
        row["identity_id"],
        row["identity__external_id"],
        row["system_id"],
        row["system__name"],
        row["service"],
        row["level"],
        " ".join(row["tags"]),
        compact(row["actions"]),
        compact(row["resources"]),
        row["days"],
        row["reason"],
        row["task__title"],
        row["ticket"],
        row["asked_by_id"],
        row["asked_by_label"],
        row["submitted_at"],
        row["state"],
        outcome,
        words_of(outcome),
        row["round"],
        row["decided_at"],
        row["provisioned_at"],
        row["provisioned_how"],
        row["access_ends_at"],
        row["access_ended_at"],
        row["ended_because"],
        row["renews_id"],
        row["grant_id"],
        row["digest"],
    ]


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """Without the names of grants on other systems that a combination would be made of."""
    told = [
        {
            "name": one["name"],
            "severity": one["severity"],
            "does": [part["does"] for part in one["parts"]],
        }
        for one in row["combinations"]
    ]
    return {**{name: row[name] for name in WHOLE}, "would_complete": told}


def _policy_row(row: dict[str, Any]) -> list[Any]:
    by_rule = row["policy_id"] is not None and not row["has_chain"]
    return [row["pk"], row["policy_id"], row["policy_name"], by_rule, row["denials_end_it"]]


def _grant_row(row: dict[str, Any]) -> list[Any]:
    return [row["pk"], row["grant_id"], *(row[f"grant__{name}"] for name in _OF_GRANT)]


_OF_GRANT = (*GRANTS[2:-1], "source_id")
