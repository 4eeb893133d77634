"""Which agent answers for an identity, and so for everything the identity holds."""

from apps.inventory.models import Agent, Identity


def accountable_agent_of(identity_id: int) -> Agent | None:
    """The only agent acting as it now, else the one a steward chose, else nobody."""
    identity = Identity.objects.with_accountable().filter(pk=identity_id).first()
    chosen = getattr(identity, "accountable_id", None)
    if chosen is None:
        return None
    return Agent.objects.select_related("owner", "technical_owner", "team").get(pk=chosen)
