"""Who may break the glass, who is paged, and who reviews it: people as they are now."""

from dataclasses import dataclass

from django.utils import timezone

from apps.accounts.models import User
from apps.approvals.models import BreakGlass
from apps.approvals.selectors.chain import barred_from
from apps.approvals.states import GroupKey
from apps.core.actors import Actor, Role
from apps.remediation.models import Order


@dataclass(frozen=True, slots=True)
class Named:
    """People by what they are for; an empty list means nobody, but where stewards stand in."""

    may_take: list[User]
    on_call: list[User]
    reviewers: list[User]


def people_in(key: GroupKey) -> list[User]:
    """Who is in a known group and may decide."""
    able = User.objects.who_may_decide()
    rows = able.filter(approver_groups__key=key, approver_groups__retired_at__isnull=True)
    return list(rows.order_by("display_name", "pk"))


def named_people() -> Named:
    return Named(
        may_take=people_in(GroupKey.BREAK_GLASS),
        on_call=people_in(GroupKey.ON_CALL),
        reviewers=people_in(GroupKey.SECURITY),
    )


def paged_people(use: BreakGlass) -> list[User]:
    """Who else is on call; where nobody is, every steward. Who took it need not be told."""
    on_call = [one for one in people_in(GroupKey.ON_CALL) if one.pk != use.taken_by_id]
    return on_call or [one for one in _stewards() if one.pk != use.taken_by_id]


def reviewers_of(use: BreakGlass) -> list[User]:
    """Security, else the stewards; never who took it, or benefits from it."""
    barred = barred_from(agent=use.agent, identity=use.identity, asked_by_id=use.taken_by_id)
    security = [one for one in people_in(GroupKey.SECURITY) if one.pk not in barred]
    return security or [one for one in _stewards() if one.pk not in barred]


def orders_after(use: BreakGlass, actor: Actor) -> list[Order]:
    """Orders about the grant since it was taken, as far as the reader may see them."""
    rows = Order.objects.visible_to(actor).filter(grant=use.grant_id)
    return list(rows.filter(created_at__gte=use.taken_at).order_by("pk"))


def in_force_for(actor: Actor) -> list[BreakGlass]:
    """What the banner says to this reader. One query while nothing is in force."""
    now = timezone.now()
    if not BreakGlass.objects.in_force_at(now).exists():
        return []
    rows = BreakGlass.objects.visible_to(actor).in_force_at(now)
    return list(rows.select_related("agent", "system", "taken_by").order_by("ends_at", "pk"))


def _stewards() -> list[User]:
    return list(User.objects.with_role(Role.STEWARD).order_by("display_name", "pk"))
