"""What an order is about, as the plain values a plan and an adapter know."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from apps.connectors.adapters.removal import Path, Subject, Wanted
from apps.grants.models import Grant, GrantStatement
from apps.inventory.models import Credential
from apps.remediation.models import Order


def wanted_of(orders: Sequence[Order], *, as_ordered: bool = False) -> dict[int, Wanted]:
    """What each order wants gone, by its key; orders about a binding are left out.

    `as_ordered` adds what a grant carried when its order was planned: a reading since then may
    miss what is only held back, and that has to be looked for all the same.
    """
    grants = _granted({order.grant_id for order in orders if order.grant_id})
    credentials = Credential.objects.select_related("identity__system").in_bulk(
        {order.credential_id for order in orders if order.credential_id}
    )
    held = {pk: subject_of(credential) for pk, credential in credentials.items()}
    subjects = {
        order.pk: grants[order.grant_id] if order.grant_id else held[order.credential_id]
        for order in orders
        if order.grant_id or order.credential_id
    }
    if as_ordered:
        ordered = [order for order in orders if order.grant_id and order.pk in subjects]
        subjects |= {order.pk: _as_ordered(order, subjects[order.pk]) for order in ordered}
    return {
        order.pk: _wanted(order, subjects[order.pk]) for order in orders if order.pk in subjects
    }


def _as_ordered(order: Order, subject: Subject) -> Subject:
    known = [Path(**path) for path in order.plan.get("paths", ())]
    return _with_paths(subject, [*known, *subject.paths])


def _with_paths(subject: Subject, paths: Sequence[Path]) -> Subject:
    actions = sorted({action for path in paths for action in path.actions})
    return replace(subject, actions=actions, paths=paths)


def _wanted(order: Order, subject: Subject) -> Wanted:
    return Wanted(
        kind=order.kind,
        name=f"countersign-{order.kind}-{order.pk}",
        subject=subject,
        keep=order.target.get("actions") or (),
        keep_level=order.target.get("level") or "",
        sessions_before=order.decided_at,
    )


def subject_of(credential: Credential) -> Subject:
    """A credential, with its identity and system read already."""
    identity = credential.identity
    return Subject(
        system=identity.system.name,
        system_kind=identity.system.kind,
        account=identity.system.account,
        identity=identity.name,
        identity_kind=identity.kind,
        identity_id=identity.external_id,
        identity_facts=identity.facts,
        credential=credential.external_id,
        credential_kind=credential.kind,
        facts=credential.facts,
    )


def _granted(grant_ids: Collection[int]) -> dict[int, Subject]:
    grants = Grant.objects.select_related("identity", "system").in_bulk(grant_ids)
    statements: dict[int, list[GrantStatement]] = defaultdict(list)
    for statement in GrantStatement.objects.filter(grant__in=grant_ids, effect="allow"):
        statements[statement.grant_id].append(statement)
    carried = _policies_of({grant.identity_id for grant in grants.values()})
    return {pk: _of_grant(grant, statements[pk], carried) for pk, grant in grants.items()}


def _policies_of(identity_ids: Collection[int]) -> dict[tuple[int, str], set[int]]:
    """Which grants of an identity each policy carries: one that carries others is only edited."""
    carried: dict[tuple[int, str], set[int]] = defaultdict(set)
    rows = GrantStatement.objects.filter(grant__identity__in=identity_ids).values_list(
        "grant__identity_id", "policy", "grant_id"
    )
    for identity_id, policy, grant_id in rows:
        carried[identity_id, policy].add(grant_id)
    return carried


def _of_grant(
    grant: Grant, statements: Iterable[GrantStatement], carried: dict[tuple[int, str], set[int]]
) -> Subject:
    paths = [
        Path(
            policy=statement.policy_key or statement.policy,
            group=statement.group,
            actions=statement.actions,
            resources=statement.resources,
            shared=len(carried[grant.identity_id, statement.policy]) > 1,
        )
        for statement in statements
    ]
    subject = Subject(
        system=grant.system.name,
        system_kind=grant.system.kind,
        account=grant.system.account,
        identity=grant.identity.name,
        identity_kind=grant.identity.kind,
        identity_id=grant.identity.external_id,
        identity_facts=grant.identity.facts,
        service=grant.service,
        level=grant.level,
    )
    return _with_paths(subject, paths)
