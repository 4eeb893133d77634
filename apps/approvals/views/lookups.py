"""What an address names, or a 404."""

from django.shortcuts import get_object_or_404

from apps.approvals.selectors.catalogue import Found, neighbours_of
from apps.grants.models import Permission
from apps.inventory.models import Agent, Identity


def found_or_404(agent: Agent, identity_pk: int, permission_pk: int) -> Found:
    """A permission of a system that the agent acts on, through one of its identities."""
    identity = get_object_or_404(
        Identity.objects.filter(bindings__agent=agent, bindings__ended_at__isnull=True)
        .select_related("system")
        .distinct(),
        pk=identity_pk,
    )
    permission = get_object_or_404(
        Permission.objects.filter(system_kind=identity.system.kind), pk=permission_pk
    )
    return Found(identity, permission, neighbours_of(permission))
