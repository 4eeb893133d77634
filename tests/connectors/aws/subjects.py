"""What orders about AWS are about, as the tests name it."""

from datetime import UTC, datetime
from typing import Any

from apps.connectors.adapters.removal import Path, Subject, Wanted

ACCOUNT = "000000000000"


def subject(**changes: Any) -> Subject:
    values: dict[str, Any] = {
        "system": "AWS account",
        "system_kind": "aws",
        "account": ACCOUNT,
        "identity": "agent",
        "identity_kind": "iam-user",
        "identity_id": f"arn:aws:iam::{ACCOUNT}:user/agent",
    }
    return Subject(**values | changes)


def of_user(user, account: str = ACCOUNT, **changes: Any) -> Subject:
    told = {"account": account, "identity": user.name, "identity_id": user.arn}
    return subject(**told | changes)


def key_of_user(user, number: int = 0, **changes: Any) -> Subject:
    return of_user(user, credential=user.keys[number].id, credential_kind="access-key", **changes)


def of_role(role, account: str = ACCOUNT, **changes: Any) -> Subject:
    return of_user(role, account, identity_kind="iam-role", **changes)


def wanted(what: Subject, kind: str = "revoke", **changes: Any) -> Wanted:
    values: dict[str, Any] = {
        "kind": kind,
        "name": f"countersign-{kind}-7",
        "subject": what,
        "sessions_before": datetime.now(UTC),
    }
    return Wanted(**values | changes)


def path(policy: str, *actions: str, group: str = "", shared: bool = False) -> Path:
    return Path(policy, group, actions, shared=shared)


def carried_out(adapter, order: Wanted, *, when: str = "") -> list[tuple[Any, Any]]:
    """Run the steps of an order, all of them or those of a time; each with what it said."""
    steps = [step for step in adapter.plan(order).steps if not when or step.when == when]
    return [(step, adapter.run(step.op, step.arguments)) for step in steps]


def taken_back(adapter, done: list[tuple[Any, Any]]) -> list[Any]:
    return [adapter.undo(step.op, step.arguments, outcome.undo) for step, outcome in reversed(done)]
