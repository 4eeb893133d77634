"""Asking about access that is there already: that it goes on, or that it is approved at last."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.approvals import policies
from apps.approvals.models import AccessRequest
from apps.approvals.selectors.removal import actions_of, resources_of
from apps.approvals.states import RequestKind
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.grants.models import Grant
from apps.inventory.models import Identity

if TYPE_CHECKING:
    from apps.approvals.services.requests import Ask


@dataclass(frozen=True, slots=True)
class Held:
    """What is there: by a request that is renewed, or by a grant to which no request led.

    Its level and tags are the request's. Its actions may be patterns of its source, which no
    catalogue knows.
    """

    grant_id: int | None
    level: str
    tags: Sequence[str]
    renews: AccessRequest | None = None

    @property
    def outlives(self) -> list[str]:
        """What was there before all of it, and so stays."""
        return [] if self.renews is None else list(self.renews.held_before)


def demand_held(ask: "Ask", identity: Identity, actor: Actor) -> Held | None:
    """Refuse what is not there, or asks for more than there is; None for new access."""
    match ask.kind:
        case RequestKind.NEW:
            return None
        case RequestKind.FOUND:
            return _found(ask, identity, actor)
        case RequestKind.RENEWAL if ask.renews_id is None:
            return _renewed_grant(ask, identity, actor)
        case _:
            return _renewed_request(ask, identity, actor)


def _renewed_request(ask: "Ask", identity: Identity, actor: Actor) -> Held:
    renewed = AccessRequest.objects.select_related("agent").locked(ask.renews_id or 0)
    enforce(policies.can_renew(actor, renewed))
    if renewed.agent_id != ask.agent_id:
        raise DomainError("A renewal is of the same access. Ask anew for anything else.")
    _demand_same(ask, identity, renewed)
    _demand_no_more(ask, renewed.actions, renewed.resources)
    return Held(renewed.grant_id, renewed.level, renewed.tags, renewed)


def _renewed_grant(ask: "Ask", identity: Identity, actor: Actor) -> Held:
    grant = Grant.objects.prefetch_related("statements").filter(pk=ask.grant_id or 0).first()
    if grant is None:
        raise DomainError("Say what is to be renewed.")
    enforce(policies.can_renew_grant(actor, grant))
    _demand_same(ask, identity, grant)
    _demand_no_more(ask, actions_of(grant), ["*"])
    return Held(grant.pk, grant.level, grant.tags)


def _found(ask: "Ask", identity: Identity, actor: Actor) -> Held:
    """Two who ask at one moment, for two agents that share the identity, wait for each other."""
    rows = Grant.objects.select_related("identity").prefetch_related("statements")
    grant = rows.locked(ask.grant_id or 0)
    enforce(policies.can_ask_for_found(actor, grant))
    _demand_same(ask, identity, grant)
    _demand_no_more(ask, actions_of(grant), resources_of(grant))
    asked = AccessRequest.objects.open().filter(kind=RequestKind.FOUND, grant=grant)
    if (other := asked.exclude(agent=ask.agent_id).select_related("agent").first()) is not None:
        raise DomainError(f"Its approval is asked for already, for {other.agent}.")
    return Held(grant.pk, grant.level, grant.tags)


def _demand_same(ask: "Ask", identity: Identity, held: AccessRequest | Grant) -> None:
    if (held.identity_id, held.service) != (identity.pk, ask.service):
        said = "A renewal is" if ask.kind == RequestKind.RENEWAL else "This is"
        raise DomainError(f"{said} of the same access. Ask anew for anything else.")


def _demand_no_more(ask: "Ask", actions: Collection[str], resources: Collection[str]) -> None:
    if not ask.actions:
        raise DomainError("Name at least one permission.")
    covered = "*" in resources or set(ask.resources) <= set(resources)
    if not covered or not set(ask.actions) <= set(actions):
        said = "A renewal asks" if ask.kind == RequestKind.RENEWAL else "This asks"
        raise DomainError(f"{said} for no more than there is. Ask anew for more.")
