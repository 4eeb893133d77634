"""From what an agent asks for to what may be issued: never more than it holds, never for longer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.adapters.live import Capability, Scope
from apps.connectors.adapters.registry import adapter_class, kinds
from apps.connectors.models import Connection
from apps.core.errors import DomainError
from apps.core.preferences import preference
from apps.grants.models import Grant, GrantStatement
from apps.grants.models.grant import Effect
from apps.grants.states import GrantState
from apps.inventory.models import Agent, Identity
from apps.issuing.querysets import removals_of_grants

SHORTEST = timedelta(minutes=1)
# A system counts from when it gets the call, so it is told to end so much before the access does.
ON_ITS_WAY = timedelta(seconds=30)

type Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be issued. `wanted` is in the words of the identity's kind of system, and tells
    which of several things is meant; it can widen nothing. May hold what nobody should keep."""

    identity_id: int
    key: str
    grant_ids: Sequence[int] | None = None
    ttl_seconds: int | None = None
    correlation_id: str = ""
    wanted: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Cut:
    """What may be issued, from which grants, and the moment that it must not outlive."""

    scope: Scope
    grants: Sequence[Grant]
    latest: datetime


def connection_for(identity: Identity) -> Connection:
    """The connection that issues for an identity. Refuses in words where there is none."""
    system = identity.system
    of_system = Connection.objects.reading().of_account(system.kind, system.account).order_by("pk")
    able = [one for one in of_system if one.may_issue and _issues(one)]
    if not able:
        raise DomainError(f"No connection issues credentials for {system}.", field="identity_id")
    working = [one for one in able if one.failing_since is None]
    if not working:
        raise DomainError(f"The connection {able[0]} does not work now: {able[0].problem}")
    return working[0]


def _issues(connection: Connection) -> bool:
    if connection.kind not in kinds():  # its client is not installed here
        return False
    return Capability.ISSUE in adapter_class(connection.kind).capabilities


def cut(ask: Ask, agent: Agent, identity: Identity, connection: Connection, now: datetime) -> Cut:
    """Lock the grants it is cut from, and work out scope and end.

    Grants named must all stand; where none is named, all that stand are taken.
    """
    grants = _grants(ask, identity, connection, now)
    longest = timedelta(minutes=preference("issued_minutes"))
    if ask.correlation_id and not ask.correlation_id.strip("0"):
        raise DomainError("A trace id of zeros names no trace.", field="correlation_id")
    asked = timedelta(seconds=ask.ttl_seconds) if ask.ttl_seconds else longest
    ends = [grant.expires_at for grant in grants if grant.expires_at is not None]
    expires_at = min([now + min(asked, longest), *(end - ON_ITS_WAY for end in ends)])
    if expires_at < now + SHORTEST:
        raise DomainError("The access it would be cut to ends within a minute or two.")
    statements, limits = _statements(grants)
    scope = Scope(
        agent=agent.name,
        correlation_id=ask.correlation_id,
        identity=identity.external_id,
        identity_kind=identity.kind,
        statements=statements,
        limits=limits,
        expires_at=expires_at,
        facts=dict(ask.wanted),
    )
    return Cut(scope, grants, latest=min([*ends, expires_at + ON_ITS_WAY]))


def _grants(ask: Ask, identity: Identity, connection: Connection, now: datetime) -> list[Grant]:
    held = Grant.objects.filter(
        identity=identity, system__kind=connection.kind, system__account__in=connection.accounts
    )
    if ask.grant_ids is not None:
        held = held.filter(pk__in=ask.grant_ids)
    locked = list(held.select_for_update(of=["self"], no_key=True).order_by("pk"))
    going = set(
        removals_of_grants()
        .filter(grant__in=[grant.pk for grant in locked])
        .values_list("grant_id", flat=True)
    )
    falls = {grant.pk: _why_not(grant, going, now) for grant in locked}
    if ask.grant_ids is not None:
        _demand_all(ask.grant_ids, falls)
    standing = [grant for grant in locked if not falls[grant.pk]]
    if not standing:
        raise DomainError("This identity holds no grant from which anything could be issued now.")
    return standing


def _demand_all(asked: Collection[int], falls: Mapping[int, str]) -> None:
    if not asked:
        raise DomainError("Name a grant, or leave the field out for all.", field="grant_ids")
    for pk in asked:
        why = falls.get(pk, "is none of this identity's on that system")
        if why:
            raise DomainError(f"Grant {pk} {why}.", field="grant_ids")


def _why_not(grant: Grant, going: Collection[int], now: datetime) -> str:
    """Why nothing is cut from a grant; empty where it stands."""
    if grant.state != GrantState.ACTIVE:
        return f"is {grant.get_state_display().lower()}"
    if grant.gone_at is not None:
        return "is gone from its source"
    if grant.expires_at is not None and grant.expires_at <= now:
        return "has expired"
    return "is ordered to be removed" if grant.pk in going else ""


def _statements(grants: Sequence[Grant]) -> tuple[list[Line], list[Line]]:
    """What the grants allow, and apart from it what holds them back: denies and boundaries."""
    services = {grant.pk: grant.service for grant in grants}
    allowed: list[Line] = []
    limits: list[Line] = []
    for one in GrantStatement.objects.filter(grant__in=services).order_by("grant", "position"):
        (allowed if one.effect == Effect.ALLOW else limits).append(
            {
                "service": services[one.grant_id],
                "effect": one.effect,
                "actions": one.actions,
                "resources": one.resources,
                "not_resources": one.not_resources,
                "conditions": one.conditions,
                "policy": one.policy,
                "policy_key": one.policy_key,
                "group": one.group,
            }
        )
    for grant in grants:
        limits += [{"service": grant.service, **limit} for limit in grant.limits or []]
    return allowed, [one for at, one in enumerate(limits) if one not in limits[:at]]
