"""The inventory as one document of the product's own format, written piece by piece."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from apps.connectors.policies import can_export
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.grants.models import Grant, Justification, Permission
from apps.inventory.models import Agent, Binding, Credential, Identity, System
from apps.inventory.states import CREDENTIAL_OVER, AgentState, CredentialState

CHUNK = 500


@dataclass(frozen=True, slots=True)
class _Scope:
    """What of the inventory is written: all that is present, or what concerns some identities."""

    actor: Actor
    identities: QuerySet[Identity]
    is_whole: bool

    def of_identities(self, rows: QuerySet) -> QuerySet:
        return rows if self.is_whole else rows.filter(identity__in=self.identities)


def inventory_export(*, actor: Actor, identity: str = "") -> Iterator[str]:
    """Yield the document as text. `identity` is a name or an id: then only what concerns it."""
    enforce(can_export(actor))
    identities = Identity.objects.visible_to(actor).filter(gone_at__isnull=True)
    if identity:
        identities = identities.filter(Q(name=identity) | Q(external_id=identity))
        if not identities.exists():
            raise DomainError(f"There is no identity {identity}.")
    return _document(_Scope(actor, identities, is_whole=not identity))


def _document(scope: _Scope) -> Iterator[str]:
    about = {
        "format": "countersign",
        "version": 1,
        "stream": "export",
        "complete": scope.is_whole,
    }
    yield json.dumps(about, indent=1)[:-2]
    for name, listed in LISTS.items():
        yield f',\n "{name}": ['
        for at, entry in enumerate(listed(scope)):
            yield (",\n  " if at else "\n  ") + json.dumps(_shown(entry), ensure_ascii=False)
        yield "\n ]"
    yield "\n}\n"


def _systems(scope: _Scope) -> Iterator[dict[str, Any]]:
    rows = System.objects.visible_to(scope.actor).filter(gone_at__isnull=True)
    if not scope.is_whole:
        rows = rows.filter(pk__in=scope.identities.values("system"))
    for system in rows.order_by("name").iterator(CHUNK):
        yield {
            "name": system.name,
            "kind": system.kind,
            "account": system.account,
            "description": system.description,
            "environment": system.environment,
            "labels": system.tags,
        }


def _agents(scope: _Scope) -> Iterator[dict[str, Any]]:
    rows = Agent.objects.visible_to(scope.actor).filter(gone_at__isnull=True)
    bindings = Binding.objects.live().select_related("identity__system").order_by("pk")
    if not scope.is_whole:
        bindings = bindings.filter(identity__in=scope.identities)
        rows = rows.filter(
            bindings__identity__in=scope.identities, bindings__ended_at__isnull=True
        ).distinct()
    rows = rows.exclude(state=AgentState.RETIRED).select_related("owner", "technical_owner", "team")
    rows = rows.prefetch_related(
        "tasks__needs__system", "calls__callee", Prefetch("bindings", bindings, "acts_as")
    )
    for agent in rows.order_by("name").iterator(CHUNK):
        yield _agent(agent, scope)


def _agent(agent: Any, scope: _Scope) -> dict[str, Any]:
    standing = [task for task in agent.tasks.all() if task.retired_at is None]
    entry = {
        "name": agent.name,
        "purpose": agent.purpose,
        "tasks": [
            {"title": task.title, "needs": [_need(need) for need in task.needs.all()]}
            for task in standing
        ],
        "owner": agent.owner.email if agent.owner else None,
        "technical_owner": agent.technical_owner.email if agent.technical_owner else None,
        "team": agent.team.name if agent.team else None,
        "environment": agent.environment,
        "platform": agent.platform,
        "autonomy": agent.autonomy,
        "has_human_step": agent.has_human_step,
        "version": agent.version,
        "model": agent.model,
        "instructions_sha256": agent.instructions_sha256,
        "tools": agent.tools,
        "bindings": [_holder(binding.identity) for binding in agent.acts_as],
    }
    if scope.is_whole:
        entry["calls"] = sorted(call.callee.name for call in agent.calls.all())
    return entry


def _need(need: Any) -> dict[str, Any]:
    return {
        "system": need.system.name,
        "service": need.service,
        "level": need.level,
        "tags": sorted(need.tags),
    }


def _identities(scope: _Scope) -> Iterator[dict[str, Any]]:
    rows = scope.identities.select_related("system").order_by("system__name", "name", "pk")
    for identity in rows.iterator(CHUNK):
        yield {
            "system": identity.system.name,
            "name": identity.name,
            "kind": identity.kind,
            "external_id": identity.external_id,
            "service_linked": identity.is_service_linked,
            "last_used_at": identity.last_used_at,
            "trust": identity.trust,
            "facts": identity.facts,
        }


def _credentials(scope: _Scope) -> Iterator[dict[str, Any]]:
    rows = scope.of_identities(Credential.objects.visible_to(scope.actor))
    rows = rows.filter(gone_at__isnull=True).exclude(state__in=CREDENTIAL_OVER)
    for credential in rows.select_related("identity__system").order_by("pk").iterator(CHUNK):
        yield {
            **_holder(credential.identity),
            "external_id": credential.external_id,
            "kind": credential.kind,
            "label": credential.label,
            "fingerprint": credential.fingerprint,
            "stored_in": credential.stored_in,
            "stored_at": credential.stored_at,
            "active": credential.state != CredentialState.SUSPENDED,
            "issued_at": credential.issued_at,
            "rotated_at": credential.rotated_at,
            "rotation_days": credential.rotation_days,
            "expires_at": credential.expires_at,
            "last_used_at": credential.last_used_at,
            "use_known": credential.use_is_known,
            "facts": credential.facts,
        }


def _permissions(scope: _Scope) -> Iterator[dict[str, Any]]:
    rows = Permission.objects.all()
    if not scope.is_whole:
        keys = {
            action
            for grant in _present(scope).iterator(CHUNK)
            for line in grant.statements.all()
            for action in line.actions
        }
        rows = rows.filter(key__in=keys, system_kind__in=scope.identities.values("system__kind"))
    for permission in rows.order_by("system_kind", "key").iterator(CHUNK):
        yield {
            "system_kind": permission.system_kind,
            "key": permission.key,
            "service": permission.service,
            "level": permission.level,
            "tags": sorted(permission.tags),
            "evidence": permission.evidence,
            "known": permission.is_classified,
        }


def _grants(scope: _Scope) -> Iterator[dict[str, Any]]:
    for grant in _present(scope).iterator(CHUNK):
        yield grant_entry(grant)


def _present(scope: _Scope) -> QuerySet[Grant]:
    rows = scope.of_identities(Grant.objects.visible_to(scope.actor).present())
    rows = rows.select_related("identity__system").prefetch_related("statements")
    return rows.order_by("label", "pk")


def grant_entry(grant: Grant) -> dict[str, Any]:
    """Write one grant: the summary first, then the statements that keep conditions whole."""
    lines = [_statement(line) for line in grant.statements.all()]
    return {
        **_holder(grant.identity),
        "service": grant.service,
        "level": grant.level,
        "actions": _distinct(name for line in lines for name in line["actions"]),
        "resources": _distinct(name for line in lines for name in line["resources"]),
        "not_resources": _distinct(name for line in lines for name in line["not_resources"]),
        "conditions": _blocks(lines),
        "via": _paths(lines),
        "limits": grant.limits,
        "statements": lines,
        "unknown_actions": grant.unknown_actions,
        "tags": sorted(grant.tags),
        "classified_by": grant.classified_by,
        "last_used_at": grant.last_used_at,
        "use_known": grant.use_is_known,
        "expires_at": grant.expires_at,
    }


def _statement(line: Any) -> dict[str, Any]:
    return {
        "effect": line.effect,
        "actions": line.actions,
        "resources": line.resources,
        "not_resources": line.not_resources,
        "conditions": line.conditions,
        "policy": line.policy,
        "policy_key": line.policy_key,
        "group": line.group,
    }


def _blocks(lines: Iterable[dict[str, Any]]) -> list[Any]:
    blocks: list[Any] = []
    for line in lines:
        if line["conditions"] and line["conditions"] not in blocks:
            blocks.append(line["conditions"])
    return blocks


def _paths(lines: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    paths: list[dict[str, str]] = []
    for line in lines:
        path = {"policy": line["policy"]} | ({"group": line["group"]} if line["group"] else {})
        if line["policy"] and path not in paths:
            paths.append(path)
    return paths


def _justifications(scope: _Scope) -> Iterator[dict[str, Any]]:
    rows = Justification.objects.filter(
        grant__in=scope.of_identities(Grant.objects.visible_to(scope.actor).present())
    ).select_related("grant__identity__system", "task__agent")
    for one in rows.order_by("pk").iterator(CHUNK):
        entry = {
            **_holder(one.grant.identity),
            "service": one.grant.service,
            "level": one.grant.level,
            "reason": one.reason,
            "ticket": one.ticket,
            "given_by": one.given_by_label,
            "given_at": one.given_at,
            "until": one.until,
        }
        if one.task is not None:
            entry |= {"task": one.task.title, "agent": one.task.agent.name}
        yield entry


LISTS: dict[str, Callable[[_Scope], Iterator[dict[str, Any]]]] = {
    "systems": _systems,
    "agents": _agents,
    "identities": _identities,
    "credentials": _credentials,
    "permissions": _permissions,
    "grants": _grants,
    "justifications": _justifications,
}


def _holder(identity: Identity) -> dict[str, str]:
    return {
        "system": identity.system.name,
        "identity": identity.name,
        "identity_id": identity.external_id,
    }


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime | date) else value
        for name, value in entry.items()
    }
