"""Access that a source shows and no request explains: the way out that is not an approval."""

from django.db import transaction

from apps.approvals import policies
from apps.approvals.selectors.removal import Removal, actions_of
from apps.approvals.services.ending import removal_order
from apps.core.actors import Actor
from apps.core.policies import enforce
from apps.grants.models import Grant
from apps.inventory.services.reasons import required_reason
from apps.remediation.models import Order


@transaction.atomic
def found_order(*, grant_id: int, reason: str, actor: Actor) -> Order:
    """Order the removal of all of it: it stays in force until that is seen.

    Two who order at one moment wait for each other at the grant, so there is one removal.
    """
    rows = Grant.objects.select_related("identity", "system").prefetch_related("statements")
    grant = rows.locked(grant_id)
    enforce(policies.can_order_removal(actor, grant))
    text = required_reason(reason, "it may go")
    removal = Removal(grant, removed=sorted(actions_of(grant)), kept=[])
    why = f"Nobody asked for it here. {text}"
    return removal_order(removal, use=grant, reason=why, actor=actor)
