"""Connections: added, tested, allowed to remove by two, stopped, retired."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.connectors import policies
from apps.connectors.adapters.live import Check, ProviderError
from apps.connectors.adapters.registry import adapter_class
from apps.connectors.models import Connection
from apps.connectors.services.adapters import adapter_of
from apps.connectors.services.hosts import hosts_check
from apps.connectors.states import CONNECTION_MOVES, ConnectionState
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.core.policies import enforce
from apps.core.references import ReferenceRefused

SHORTEST, LONGEST = 15, 7 * 24 * 60


@transaction.atomic
def connection_add(
    *, name: str, kind: str, told: Mapping[str, Any], every_minutes: int, actor: Actor
) -> Connection:
    """Note a way into a system. It reads nothing until it was tested and seen to work."""
    enforce(policies.can_connect(actor))
    _require_known(kind, told, every_minutes)
    connection = Connection.objects.create(
        name=name.strip(),
        kind=kind,
        told=dict(told),
        every_minutes=every_minutes,
        made_by=actor.user if isinstance(actor, Person) else None,
    )
    record(
        actor=actor,
        verb=Verb.CONNECTION_ADDED,
        target=connection,
        changes={"state": (None, connection.state), "kind": (None, kind), "told": (None, told)},
    )
    return connection


@transaction.atomic
def connection_change(
    *,
    connection_id: int,
    name: str,
    told: Mapping[str, Any],
    every_minutes: int,
    calls_per_second: int,
    may_issue: bool,
    actor: Actor,
) -> Connection:
    """Change what a connection is told. Where it leads elsewhere, it may no longer remove."""
    connection = Connection.objects.locked(connection_id)
    enforce(policies.can_change_connection(actor, connection))
    _require_known(connection.kind, told, every_minutes)
    wanted = {
        "name": name.strip(),
        "told": dict(told),
        "every_minutes": every_minutes,
        "calls_per_second": calls_per_second,
        "may_issue": may_issue,
    }
    changes = {
        key: (getattr(connection, key), value)
        for key, value in wanted.items()
        if getattr(connection, key) != value
    }
    if not changes:
        return connection
    for key, value in wanted.items():
        setattr(connection, key, value)
    if "told" in changes and connection.state in {
        ConnectionState.REMOVAL_ASKED,
        ConnectionState.REMOVING,
    }:
        changes["state"] = (connection.state, ConnectionState.READING)
        _leave_removal(connection)
    connection.save()
    record(actor=actor, verb=Verb.CONNECTION_CHANGED, target=connection, changes=changes)
    return connection


def connection_test(*, connection_id: int, actor: Actor) -> Connection:
    """Try every call the connection needs, and keep what each said.

    The provider is asked outside of any transaction. A draft that signs in, and may read anything
    at all, begins to read; what it may not is kept as its problem.
    """
    connection = Connection.objects.get(pk=connection_id)
    enforce(policies.can_change_connection(actor, connection))
    accounts, checks, problem = _tried(connection)
    return _keep_test(connection_id, accounts, checks, problem, actor)


def _tried(connection: Connection) -> tuple[list[str], list[Check], str]:
    try:
        adapter = adapter_of(connection)
        accounts = list(adapter.accounts())
        removal = connection.removes or _asks_removal(connection)
        checks = list(adapter.check(removal=removal, issuing=connection.may_issue))
    except (ProviderError, ReferenceRefused, DomainError) as error:
        return [], [], str(error)
    refused = [check for check in checks if not check.worked and check.needed_for == "reading"]
    if refused:
        rights = ", ".join(check.right for check in refused[:3])
        return accounts, checks, f"It may not read everything: {rights} was refused."
    return accounts, checks, ""


def _asks_removal(connection: Connection) -> bool:
    return connection.state == ConnectionState.REMOVAL_ASKED


@transaction.atomic
def _keep_test(
    pk: int, accounts: list[str], checks: list[Check], problem: str, actor: Actor
) -> Connection:
    connection = Connection.objects.locked(pk)
    now = timezone.now()
    connection.checks = [asdict(check) for check in checks]
    connection.checked_at = now
    if accounts and connection.state in {ConnectionState.REMOVAL_ASKED, ConnectionState.REMOVING}:
        connection.accounts, problem = _allowed(connection, accounts, problem)
    elif accounts:
        connection.accounts = accounts
    note_problem(connection, problem, now)
    reads = any(check.worked and check.needed_for == "reading" for check in checks)
    begins = bool(accounts) and reads and connection.state == ConnectionState.DRAFT
    if begins:
        _move(connection, ConnectionState.READING)
        connection.next_reading_at = now
    connection.save()
    if begins:
        record(
            actor=actor,
            verb=Verb.CONNECTION_TESTED,
            target=connection,
            changes={
                "state": (ConnectionState.DRAFT, connection.state),
                "accounts": (None, accounts),
            },
        )
    return connection


def _allowed(connection: Connection, accounts: list[str], problem: str) -> tuple[list[str], str]:
    """The accounts that removal was asked or allowed for, and what to say of others.

    A second steward allowed it for the accounts named then: a test alone adds none.
    """
    named = [account for account in accounts if account in connection.accounts]
    if further := [account for account in accounts if account not in connection.accounts]:
        said = (
            f"It speaks for {', '.join(further)} too, for which removal was not allowed. Stop"
            " removal, test it, and have it allowed anew."
        )
        problem = f"{said} {problem}".strip()
    return named, problem


def note_problem(connection: Connection, problem: str, moment: Any) -> None:
    """Keep since when a connection fails, or that it works. The caller saves it."""
    connection.problem = problem
    if problem:
        connection.failing_since = connection.failing_since or moment
    else:
        connection.failing_since, connection.worked_at = None, moment


@transaction.atomic
def connection_ask_removal(*, connection_id: int, reason: str, actor: Person) -> Connection:
    """Ask that a connection may remove access. Another steward allows it."""
    connection = Connection.objects.locked(connection_id)
    enforce(policies.can_ask_removal(actor, connection))
    connection.removal_asked_by, connection.removal_allowed_by = actor.user, None
    return _moved(
        connection,
        ConnectionState.REMOVAL_ASKED,
        verb=Verb.CONNECTION_REMOVAL_ASKED,
        reason=reason,
        actor=actor,
    )


@transaction.atomic
def connection_allow_removal(*, connection_id: int, reason: str, actor: Person) -> Connection:
    """Let a connection remove access: a second steward, never the one who asked."""
    connection = Connection.objects.locked(connection_id)
    enforce(policies.can_allow_removal(actor, connection))
    connection.removal_allowed_by = actor.user
    return _moved(
        connection,
        ConnectionState.REMOVING,
        verb=Verb.CONNECTION_REMOVAL_ALLOWED,
        reason=reason,
        actor=actor,
        accounts=connection.accounts,
    )


@transaction.atomic
def connection_stop_removal(*, connection_id: int, reason: str, actor: Actor) -> Connection:
    """Take the right to remove away again; one steward suffices."""
    connection = Connection.objects.locked(connection_id)
    enforce(policies.can_stop_removal(actor, connection))
    connection.removal_asked_by = connection.removal_allowed_by = None
    return _moved(
        connection,
        ConnectionState.READING,
        verb=Verb.CONNECTION_REMOVAL_STOPPED,
        reason=reason,
        actor=actor,
    )


@transaction.atomic
def connection_retire(*, connection_id: int, reason: str, actor: Actor) -> Connection:
    """End a connection. What it read stays; its orders go to people."""
    connection = Connection.objects.locked(connection_id)
    enforce(policies.can_change_connection(actor, connection))
    connection.next_reading_at = None
    return _moved(
        connection,
        ConnectionState.RETIRED,
        verb=Verb.CONNECTION_RETIRED,
        reason=reason,
        actor=actor,
    )


@transaction.atomic
def connection_read(*, connection_id: int, actor: Actor) -> Job:
    """Have everything read now, in the background. One reading at a time."""
    connection = Connection.objects.locked(connection_id)
    enforce(policies.can_read_now(actor, connection))
    running = Job.objects.filter(
        subject_type=Connection._meta.label_lower,
        subject_id=connection.pk,
        status__in=("queued", "running"),
    ).first()
    connection.next_reading_at = timezone.now() + timedelta(minutes=connection.every_minutes)
    connection.save(update_fields=["next_reading_at"])
    return running or job_start(
        kind="connectors.discover",
        task="connectors.discover",
        subject=connection,
        actor=actor,
    )


def _require_known(kind: str, told: Mapping[str, Any], every_minutes: int) -> None:
    known = {setting.key for setting in adapter_class(kind).settings}
    if unknown := sorted(set(told) - known):
        raise DomainError(f"A connection of this kind is not told {', '.join(unknown)}.")
    if not SHORTEST <= every_minutes <= LONGEST:
        raise DomainError("It reads every 15 minutes at most, and once a week at least.")
    hosts_check(kind, told)


def _leave_removal(connection: Connection) -> None:
    _move(connection, ConnectionState.READING)
    connection.removal_asked_by = connection.removal_allowed_by = None


def _move(connection: Connection, state: ConnectionState) -> None:
    CONNECTION_MOVES.check(connection.state, state)
    connection.state = state


def _moved(
    connection: Connection,
    state: ConnectionState,
    *,
    verb: Verb,
    reason: str,
    actor: Actor,
    accounts: list[str] | None = None,
) -> Connection:
    before = connection.state
    _move(connection, state)
    connection.save()
    changes: dict[str, Any] = {"state": (before, connection.state)}
    if accounts is not None:
        changes["accounts"] = (None, accounts)
    record(
        actor=actor,
        verb=verb,
        target=connection,
        changes=changes,
        reason=_required(reason),
    )
    return connection


def _required(reason: str) -> str:
    text = reason.strip()
    if not text:
        raise DomainError("Say why.", field="reason")
    return text
