"""Who rotates a credential: whoever keeps the agent running that answers for it."""

from collections.abc import Collection, Sequence

from apps.accounts.models import User
from apps.core.actors import Role
from apps.inventory.models import Agent, Identity


def keepers_of(identity_ids: Collection[int]) -> dict[int, User]:
    """By identity: the technical owner of its accountable agent, else the owner, if still here."""
    rows = Identity.objects.with_accountable().filter(pk__in=identity_ids)
    answering = dict(rows.values_list("pk", "accountable_id"))  # type: ignore[misc]
    agents = Agent.objects.select_related("owner", "technical_owner").in_bulk(
        {pk for pk in answering.values() if pk is not None}
    )
    found = {pk: _keeper(agents[agent]) for pk, agent in answering.items() if agent in agents}
    return {pk: person for pk, person in found.items() if person is not None}


def keeper_of(identity_id: int) -> User | None:
    return keepers_of([identity_id]).get(identity_id)


def stewards() -> Sequence[User]:
    return list(User.objects.with_role(Role.STEWARD).order_by("pk"))


def _keeper(agent: Agent) -> User | None:
    for person in (agent.technical_owner, agent.owner):
        if person is not None and person.is_active:
            return person
    return None
