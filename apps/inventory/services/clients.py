"""Clients of the API: made, given a new secret, revoked."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from allauth.idp.oidc.models import Client, Token
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.inventory import policies
from apps.inventory.models import Agent, AgentClient
from apps.inventory.services.reasons import required_reason
from apps.inventory.states import (
    APPEND_TRAIL,
    CLIENT_MOVES,
    CLIENT_SCOPES,
    LONGEST_TOKEN,
    ClientState,
)

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A client, and the secret that is told this once: only its hash is kept."""

    client: AgentClient
    secret: str = field(repr=False)


@transaction.atomic
def client_create(
    *,
    agent_id: int,
    scopes: Sequence[str],
    reason: str,
    actor: Actor,
    token_seconds: int | None = None,
) -> NewSecret:
    """Let an agent sign in to the API. It has one such client at a time.

    `token_seconds` is how long a token lives that may append to the trail and nothing else.
    """
    agent = Agent.objects.locked(agent_id)
    enforce(policies.can_make_client(actor, agent))
    text = required_reason(reason, "it needs the API")
    wanted = [scope for scope in CLIENT_SCOPES if scope in scopes]
    if not wanted or len(wanted) != len(set(scopes)):
        raise DomainError("Say what it may do.")
    if token_seconds is not None:
        _demand_life(token_seconds, wanted)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    oauth_client = Client(name=agent.name[:100], response_types="", redirect_uris="")
    oauth_client.set_secret(secret)
    oauth_client.set_scopes(wanted)
    oauth_client.set_default_scopes(wanted)
    oauth_client.set_grant_types([Client.GrantType.CLIENT_CREDENTIALS])
    oauth_client.save(force_insert=True)
    client = AgentClient.objects.create(
        agent=agent,
        oauth_client=oauth_client,
        name=agent.name,
        scopes=wanted,
        token_seconds=token_seconds,
        made_by=actor.user if isinstance(actor, Person) else None,
    )
    record(
        actor=actor,
        verb=Verb.CLIENT_CREATED,
        target=client,
        changes={
            "state": (None, client.state),
            "agent": (None, agent.pk),
            "client_id": (None, oauth_client.pk),
            "scopes": (None, wanted),
            **({"token_seconds": (None, token_seconds)} if token_seconds else {}),
        },
        reason=text,
    )
    return NewSecret(client, secret)


@transaction.atomic
def client_change_collects(
    *, client_id: int, agent_ids: Sequence[int], reason: str, actor: Actor
) -> AgentClient:
    """Say whose telemetry it delivers: what an agent of these is called selects that agent.

    With none it delivers its own agent's alone. What came before stays as it was attested.
    """
    client = AgentClient.objects.locked(client_id)
    enforce(policies.can_change_collects(actor, client))
    text = required_reason(reason, "it collects for these")
    agents = list(Agent.objects.filter(pk__in=agent_ids).order_by("pk"))
    if len(agents) != len(set(agent_ids)):
        raise DomainError("One of these agents is not here.", field="agents")
    before = sorted(client.collects.values_list("pk", flat=True))
    after = [agent.pk for agent in agents]
    if before == after:
        raise DomainError("That is as it is already.", field="agents")
    client.collects.set(agents)
    record(
        actor=actor,
        verb=Verb.CLIENT_CHANGED,
        target=client,
        changes={"collects": (before, after)},
        reason=text,
    )
    return client


@transaction.atomic
def client_rotate(*, client_id: int, reason: str, actor: Actor) -> NewSecret:
    """Give a client a new secret. The old one, and every token got with it, end at once."""
    client = AgentClient.objects.locked(client_id)
    enforce(policies.can_rotate_client(actor, client))
    text = required_reason(reason, "it gets a new secret")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    oauth_client = client.oauth_client
    oauth_client.set_secret(secret)
    oauth_client.save(update_fields=["secret"])
    Token.objects.filter(client=oauth_client).delete()
    before, client.rotated_at = client.rotated_at, timezone.now()
    client.save(update_fields=["rotated_at"])
    record(
        actor=actor,
        verb=Verb.CLIENT_ROTATED,
        target=client,
        changes={"rotated_at": (before and before.isoformat(), client.rotated_at.isoformat())},
        reason=text,
    )
    return NewSecret(client, secret)


@transaction.atomic
def client_revoke(*, client_id: int, reason: str, actor: Actor) -> AgentClient:
    """End a client for good, and every token got with it at once."""
    client = AgentClient.objects.locked(client_id)
    enforce(policies.can_revoke_client(actor, client))
    return _end(client, reason=required_reason(reason, "it is revoked"), actor=actor)


def clients_end(*, agent_id: int, reason: str, actor: Actor) -> int:
    """End the client of an agent that ends: its own rule was asked by who calls this."""
    active = AgentClient.objects.active().filter(agent=agent_id).select_for_update(of=["self"])
    return len([_end(client, reason=reason, actor=actor) for client in active])


def client_note_use(*, oauth_client_id: str, moment: datetime) -> None:
    """Keep when a token was last got: a measurement, which has no entry."""
    AgentClient.objects.filter(oauth_client=oauth_client_id).update(last_token_at=moment)


def tokens_drop_expired(*, moment: datetime) -> int:
    """Forget tokens that no longer let anybody in."""
    count: int = Token.objects.filter(expires_at__lte=moment).delete()[0]
    return count


def _demand_life(seconds: int, scopes: Sequence[str]) -> None:
    if APPEND_TRAIL not in scopes:
        raise DomainError(
            "Only tokens for the trail may live longer: let it deliver to the trail.",
            field="token_seconds",
        )
    if not 60 <= seconds <= LONGEST_TOKEN:
        raise DomainError("A token lives from a minute to a day.", field="token_seconds")


def _end(client: AgentClient, *, reason: str, actor: Actor) -> AgentClient:
    before = client.state
    CLIENT_MOVES.check(before, ClientState.REVOKED)
    oauth_client = client.oauth_client
    oauth_client.secret = make_password(None)
    oauth_client.set_grant_types([])
    oauth_client.save(update_fields=["secret", "grant_types"])
    Token.objects.filter(client=oauth_client).delete()
    client.state, client.revoked_at = ClientState.REVOKED, timezone.now()
    client.save(update_fields=["state", "revoked_at"])
    record(
        actor=actor,
        verb=Verb.CLIENT_REVOKED,
        target=client,
        changes={"state": (before, client.state)},
        reason=reason,
    )
    return client
