"""An agent asks for a short-lived credential, and is handed it once.

First the row, then the call, then the answer: each in a transaction of its own, so that whatever
dies in between leaves a row that says what was asked. The secret is in memory alone, from the
system's answer to ours.
"""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.connectors.adapters.live import Adapter, Issued, ProviderError, heals
from apps.connectors.models import Connection
from apps.connectors.services.adapters import adapter_of
from apps.core.actors import Actor, Machine
from apps.core.correlation import correlation_new
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.core.references import ReferenceRefused
from apps.inventory.models import Agent, AgentClient, Binding
from apps.issuing import policies
from apps.issuing.errors import AskedBefore, NotAnswered
from apps.issuing.models import Issuance, IssuanceGrant
from apps.issuing.services.cutting import Ask, Cut, connection_for, cut
from apps.issuing.services.ending import end_at_system, issuance_run_end
from apps.issuing.services.moves import issuance_move
from apps.issuing.states import IssuanceState

logger = logging.getLogger(__name__)

# What of an ask is kept: names of things, never parameters, which may be secret.
KEPT = ("path", "policies", "vault", "secret", "federation")
ANSWER = ("kind", "external_id", "facts", "issued_at", "expires_at", "ends_with")


@dataclass(frozen=True, slots=True)
class Handed:
    """What was issued, and its secret, which exists nowhere else."""

    issuance: Issuance
    secret: dict[str, str] = field(repr=False)


@sensitive_variables("ask", "issued", "cut_to", "handed")
def credential_issue(*, ask: Ask, actor: Machine) -> Handed:
    """Issue a short-lived credential to the agent that asks, cut to its live grants.

    It lasts until the earliest of what was asked for, the house's limit, and the end of each
    grant. A key that was used raises `AskedBefore`: a secret is handed over once. Where the system
    does not answer, `NotAnswered`. What was issued and cannot be recorded, or whose grounds fell
    meanwhile, is ended where it was issued, and nobody is handed it. Call outside of transactions.
    """
    issuance, connection, cut_to = _ask(ask, actor)
    adapter, issued = _call(issuance, connection, cut_to, actor)
    is_kept = False
    try:
        issuance = _keep(issuance.pk, issued, cut_to, actor)
        is_kept = True
    finally:
        if not is_kept:
            _take_back(issuance.pk, adapter, issued, actor)
    if issuance.state != IssuanceState.ACTIVE:
        issuance_run_end(issuance_id=issuance.pk, actor=actor)
        raise DomainError(f"It was issued and is ended again: {issuance.end_reason}")
    return Handed(issuance, dict(issued.secret))


@sensitive_variables("ask", "cut_to")
@transaction.atomic(durable=True)
def _ask(ask: Ask, actor: Machine) -> tuple[Issuance, Connection, Cut]:
    """Judge and note what is asked. Calls of one agent wait for each other at its row."""
    agent = Agent.objects.locked(actor.agent_id or 0)
    enforce(policies.can_issue(actor, agent))
    client = AgentClient.objects.active().get(oauth_client=actor.client_id)
    _demand_new(client, ask.key)
    bindings = Binding.objects.live().filter(agent=agent, identity=ask.identity_id)
    locked = bindings.select_related("identity__system").select_for_update(of=["self"])
    binding = locked.order_by("pk").first()
    if binding is None:
        raise DomainError("Your agent does not act as such an identity.", field="identity_id")
    identity = binding.identity
    if identity.gone_at is not None:
        raise DomainError(f"{identity} is gone from its source.", field="identity_id")
    connection = connection_for(identity)
    if not ask.correlation_id:
        ask = replace(ask, correlation_id=correlation_new())
    now = timezone.now()
    cut_to = cut(ask, agent, identity, connection, now)
    issuance = Issuance.objects.create(
        agent=agent,
        client=client,
        identity=identity,
        binding=binding,
        connection=connection,
        key=ask.key,
        label=f"{agent} · {identity}",
        correlation_id=ask.correlation_id,
        wanted={name: ask.wanted[name] for name in KEPT if ask.wanted.get(name)},
        asked_at=now,
        expires_at=cut_to.latest,
    )
    IssuanceGrant.objects.bulk_create(
        IssuanceGrant(issuance=issuance, grant=grant, content_sha256=grant.content_sha256)
        for grant in cut_to.grants
    )
    record(
        actor=actor,
        verb=Verb.CREDENTIAL_ASKED,
        target=issuance,
        changes={
            "state": (None, issuance.state),
            "grants": (None, [grant.pk for grant in cut_to.grants]),
            "wanted": (None, issuance.wanted),
            "correlation_id": (None, issuance.correlation_id),
        },
    )
    return issuance, connection, cut_to


def _demand_new(client: AgentClient, key: str) -> None:
    if before := Issuance.objects.asked_under(client.pk, key).first():
        raise AskedBefore(
            f"This key was used before, for {before.pk}. A secret is handed over once and kept "
            "nowhere: ask with another key."
        )


@sensitive_variables("cut_to", "issued")
def _call(
    issuance: Issuance, connection: Connection, cut_to: Cut, actor: Actor
) -> tuple[Adapter, Issued]:
    """Ask the system. What it refused was not issued; where it said nothing, that is not known."""
    try:
        adapter = adapter_of(connection)
        return adapter, adapter.issue(cut_to.scope)
    except (ReferenceRefused, DomainError) as error:
        _not_issued(issuance.pk, IssuanceState.REFUSED, str(error), actor)
        raise
    except ProviderError as error:
        if heals(error):
            answered = IssuanceState.REFUSED if error.code else IssuanceState.LOST
            _not_issued(issuance.pk, answered, str(error), actor)
            raise NotAnswered(f"{connection} could not be asked: {error.said}") from error
        _not_issued(issuance.pk, IssuanceState.REFUSED, str(error), actor)
        raise DomainError(f"{connection} refused: {error.said}") from error


@transaction.atomic(durable=True)
def _not_issued(pk: int, state: IssuanceState, said: str, actor: Actor) -> None:
    issuance = Issuance.objects.locked(pk)
    issuance.trouble = said
    issuance_move(issuance, state, actor=actor, reason=said, also=["trouble"])


@sensitive_variables("issued", "cut_to")
@transaction.atomic(durable=True)
def _keep(pk: int, issued: Issued, cut_to: Cut, actor: Actor) -> Issuance:
    """Note the answer. Grounds are looked at anew: they may have fallen while it was asked."""
    now = timezone.now()
    issuance = Issuance.objects.locked(pk)
    _note(issuance, issued, now)
    why = Issuance.objects.why_over(pk, now) or _too_long(issued, cut_to)
    if not why:
        issuance_move(
            issuance,
            IssuanceState.ACTIVE,
            actor=actor,
            reason=f"Until {issued.expires_at:%Y-%m-%d %H:%M:%S} UTC. {issued.ends_with}",
            also=ANSWER,
        )
        return issuance
    issuance.end_reason, issuance.end_asked_at, issuance.wake_at = why, now, now
    issuance_move(
        issuance,
        IssuanceState.ENDING,
        actor=actor,
        reason=why,
        also=[*ANSWER, "end_reason", "end_asked_at", "wake_at"],
    )
    return issuance


def _too_long(issued: Issued, cut_to: Cut) -> str:
    in_time = issued.expires_at <= cut_to.latest
    return "" if in_time else "It would outlive the access that it was cut to."


def _note(issuance: Issuance, issued: Issued, now: datetime) -> None:
    issuance.kind, issuance.external_id = issued.kind, issued.external_id
    issuance.facts, issuance.ends_with = dict(issued.facts), issued.ends_with
    issuance.issued_at, issuance.expires_at = now, issued.expires_at


@sensitive_variables("issued")
def _take_back(pk: int, adapter: Adapter, issued: Issued, actor: Actor) -> None:
    """Nobody is handed it, so it is ended where it was issued; that is noted, if anything can be.

    What can neither be ended nor noted stands in the log by its name, and ends by itself.
    """
    known = {
        "kind": issued.kind,
        "external_id": issued.external_id,
        "facts": dict(issued.facts),
    }
    is_ended, said = False, ""
    try:
        is_ended, said = end_at_system(adapter, known)
    except ProviderError as error:
        said = str(error)
    try:
        _note_taken_back(pk, issued, said, actor, is_ended=is_ended)
    except (DatabaseError, DomainError):
        logger.exception(
            "Issued credential %s (%s %s) could not be recorded. It was %s: %s",
            pk,
            issued.kind,
            issued.external_id,
            "ended" if is_ended else "NOT ended",
            said,
        )


@sensitive_variables("issued")
@transaction.atomic(durable=True)
def _note_taken_back(pk: int, issued: Issued, said: str, actor: Actor, *, is_ended: bool) -> None:
    now = timezone.now()
    issuance = Issuance.objects.locked(pk)
    _note(issuance, issued, now)
    why = "It was issued, but that could not be recorded."
    issuance.end_reason, issuance.end_asked_at = why, now
    also = [*ANSWER, "end_reason", "end_asked_at"]
    if is_ended:
        issuance.ended_at, issuance.ended_how = now, said
        state, also = IssuanceState.ENDED, [*also, "ended_at", "ended_how"]
    else:
        issuance.wake_at, issuance.trouble = now, said
        state, also = IssuanceState.ENDING, [*also, "wake_at", "trouble"]
    issuance_move(issuance, state, actor=actor, reason=f"{why} {said}".strip(), also=also)
