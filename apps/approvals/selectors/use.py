"""How what is asked for is used: the grant itself where it is there, else what is like it."""

from dataclasses import dataclass

from django.db.models import Q

from apps.activity.selectors.measured import Measured, measured_of
from apps.approvals.models import AccessRequest
from apps.core.actors import Actor
from apps.core.preferences import preference
from apps.grants.models import Grant

MOST = 3


@dataclass(frozen=True, slots=True)
class Used:
    """`is_itself`: of the very access asked about. Else of the agent's other grants of the same
    service and level, or a lower one: whether it uses what it has of this kind."""

    is_itself: bool
    rows: list[tuple[Grant, Measured]]


def use_of(request: AccessRequest, actor: Actor) -> Used:
    """Measured use beside a request; nothing where the agent holds nothing like it."""
    grants, is_itself = _itself(request), True
    if not grants:
        grants, is_itself = _alike(request, actor), False
    # The page says what the agent holds on that system to whoever may read the request.
    beside = Grant.objects.present().of_agent(request.agent_id).filter(system=request.system_id)
    measured = measured_of(grants, actor, days=preference("measured_window_days"), beside=beside)
    return Used(is_itself, [(grant, measured[grant.pk]) for grant in grants])


def _itself(request: AccessRequest) -> list[Grant]:
    if request.grant is not None:
        return [request.grant]
    held = Grant.objects.present().filter(
        identity=request.identity_id,
        system=request.system_id,
        service=request.service,
        level=request.level,
    )
    return list(held.select_related("system", "identity")[:1])


def _alike(request: AccessRequest, actor: Actor) -> list[Grant]:
    seen = Q(system=request.system_id) | Q(pk__in=Grant.objects.visible_to(actor).values("pk"))
    rows = (
        Grant.objects.present()
        .of_agent(request.agent_id)
        .filter(seen, system__kind=request.system.kind, service=request.service)
        .select_related("system", "identity")
        .order_by("level", "pk")
    )
    return list(rows[:MOST])
