"""The credential, who could use it, who reported it, and who did what about it."""

from collections.abc import Iterator
from typing import Any

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.evidence.content.contacts import write_notices
from apps.evidence.content.files import Files
from apps.evidence.content.incident.scope import Case
from apps.evidence.content.items import CHUNK
from apps.inventory.models import Credential
from apps.notices.models import Notice
from apps.remediation.models import Incident, Leak, Order, OrderProof

CREDENTIALS = [
    "credential",
    "kind",
    "kind_words",
    "external_id",
    "label",
    "fingerprint",
    "state",
    "state_words",
    "identity_id",
    "identity",
    "identity_name",
    "identity_kind",
    "system_id",
    "system",
    "account",
    "stored_in",
    "stored_at",
    "made_by",
    "issued_at",
    "expires_at",
    "rotated_at",
    "use_is_known",
    "last_used_at",
    "first_seen_at",
    "last_seen_at",
    "gone_at",
    "ended_at",
    "source",
]
AGENTS = [
    "binding",
    "agent_id",
    "agent",
    "agent_state",
    "owner_id",
    "owner",
    "technical_owner_id",
    "technical_owner",
    "team",
    "how",
    "bound_at",
    "ended_at",
]
LEAKS = ["leak", "kinds", "found_at", "reported_by", "reported_at"]
PEOPLE = ["person_id", "person", "did", "order", "at"]
ACTS = (
    ("decided_by", "decided_at", "ordered it"),
    ("executed_by", "executed_at", "carried it out"),
    ("confirmed_by", "confirmed_at", "confirmed the kill"),
    ("undo_asked_by", "undo_asked_at", "asked to undo it"),
)


def write_credential(files: Files, case: Case) -> None:
    one = case.incident.credential
    identity, system = one.identity, one.identity.system
    with files.csv("data/credentials.csv", "The credential", CREDENTIALS) as write:
        write(
            [
                one.pk,
                one.kind,
                one.get_kind_display(),
                one.external_id,
                one.label,
                one.fingerprint,
                one.state,
                one.get_state_display(),
                identity.pk,
                identity.external_id,
                identity.name,
                identity.kind,
                system.pk,
                system.name,
                system.account,
                one.get_stored_in_display(),
                one.stored_at,
                one.made_by or "",
                *(getattr(one, name) for name in CREDENTIALS[18:-1]),
                one.source_id,
            ]
        )


def write_agents(files: Files, case: Case) -> None:
    values = case.bindings.values_list(
        "pk",
        "agent_id",
        "agent__name",
        "agent__state",
        "agent__owner_id",
        "agent__owner__display_name",
        "agent__technical_owner_id",
        "agent__technical_owner__display_name",
        "agent__team__name",
        "how",
        "bound_at",
        "ended_at",
    )
    with files.csv("data/agents.csv", "Agents that could use it", AGENTS) as write:
        for row in values.iterator(CHUNK):
            write(row)


def write_leaks(files: Files, case: Case) -> None:
    values = case.leaks.values_list("pk", "kinds", "found_at", "reported_by_label", "reported_at")
    with files.csv("data/leaks.csv", "Where it was found", LEAKS) as write:
        for row in values.iterator(CHUNK):
            write(row)


def write_people(files: Files, case: Case) -> None:
    with files.csv("data/people.csv", "Who did what about it", PEOPLE) as write:
        for row in [*_of_orders(case), *_of_proofs(case), *_of_the_end(case)]:
            write(row)


def _of_orders(case: Case) -> Iterator[list[Any]]:
    names = [f"{who}{end}" for who, _, _ in ACTS for end in ("_id", "__display_name")]
    times = [at for _, at, _ in ACTS]
    for order in case.orders.values("pk", *names, *times).iterator(CHUNK):
        for who, at, did in ACTS:
            if order[f"{who}_id"] is not None:
                person = [order[f"{who}_id"], order[f"{who}__display_name"]]
                yield [*person, did, order["pk"], order[at]]


def _of_proofs(case: Case) -> Iterator[list[Any]]:
    rows = OrderProof.objects.filter(order__in=case.order_pks, given_by__isnull=False)
    values = rows.order_by("pk").values_list("given_by", "given_by_label", "order", "given_at")
    for person, name, order, at in values.iterator(CHUNK):
        yield [person, name, "gave proof", order, at]


def _of_the_end(case: Case) -> Iterator[list[Any]]:
    ends = AuditEntry.objects.filter(
        target_type=Incident._meta.label_lower,
        target_id=case.incident.pk,
        verb=Verb.INCIDENT_CLOSED,
    )
    for entry in ends.order_by("pk"):
        yield [entry.actor_id, entry.actor_label, "closed the incident", "", entry.occurred_at]


def write_contacts(files: Files, case: Case) -> None:
    """Who was told what: about its orders, its leaks, the credential itself, and the incident."""
    about = {
        Order: case.order_pks,
        Leak: case.leaks.order_by().values("pk"),
        Credential: [case.incident.credential_id],
        Incident: [case.incident.pk],
    }
    rows = Notice.objects.none()
    for model, ids in about.items():
        rows |= Notice.objects.filter(about_type=model._meta.label_lower, about_id__in=ids)
    write_notices(files, rows)
