"""Subjects as the inventory would tell them: from the very rows of a reading."""

from apps.connectors.adapters.contract import CredentialRow, GrantRow, IdentityRow, SystemRow
from apps.connectors.adapters.removal import Path, Subject, Wanted


def read(adapter, key):
    part = next(one for one in adapter.parts() if one.key == key)
    return list(adapter.discover(part))


def of(rows, kind, **members):
    return [
        row
        for row in rows
        if isinstance(row, kind) and all(getattr(row, k) == v for k, v in members.items())
    ]


def everything(adapter):
    return [row for part in adapter.parts() for row in adapter.discover(part)]


def subject(adapter, identity, **more):
    rows = everything(adapter)
    [found] = of(rows, IdentityRow, key=identity)
    system = of(rows, SystemRow, key=found.system)[0]
    return Subject(
        system=system.name,
        system_kind=system.kind,
        account=system.account,
        identity=found.name,
        identity_kind=found.kind,
        identity_id=found.key,
        identity_facts=found.facts,
        **more,
    )


def of_credential(adapter, key):
    row = next(one for one in of(everything(adapter), CredentialRow) if one.key == key)
    return subject(
        adapter, row.identity, credential=row.key, credential_kind=row.kind, facts=row.facts
    )


def of_grant(adapter, identity, level):
    row = next(
        one for one in of(everything(adapter), GrantRow, identity=identity) if one.level == level
    )
    return subject(
        adapter,
        identity,
        service=row.service,
        level=row.level,
        actions=row.actions,
        paths=[
            Path(line.policy_key or line.policy, line.group, line.actions)
            for line in row.statements
        ],
    )


def wanted(of, kind="revoke", **more):
    return Wanted(kind, f"countersign-{kind}-7", of, **more)


def carry_out(adapter, order, *, when=None):
    steps = [step for step in adapter.plan(order).steps if when in (None, step.when)]
    return [(step, adapter.run(step.op, step.arguments)) for step in steps]


def undo(adapter, done):
    return [adapter.undo(step.op, step.arguments, outcome.undo) for step, outcome in reversed(done)]
