"""Who may break the glass, who is paged, and who reviews it: people as they are now."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.utils import timezone

from apps.accounts.models import User
from apps.approvals.models import BreakGlass
from apps.approvals.states import GroupKey
from apps.core.actors import Actor, Person, Role
from apps.inventory.models import Credential
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


def reviewers_of(use: BreakGlass) -> list[User]:
    """Security, else the stewards; never who took it, or benefits from it."""
    return reviewers_of_each([use])[use.pk]


def reviewers_of_each(uses: Collection[BreakGlass]) -> dict[int, list[User]]:
    """Who may review each of these uses; as many queries for many as for one."""
    security, stewards = people_in(GroupKey.SECURITY), _stewards()
    makers: dict[int, set[int | None]] = defaultdict(set)
    made = Credential.objects.filter(
        identity__in={use.identity_id for use in uses}, made_by__isnull=False
    )
    for identity_id, made_by in made.values_list("identity_id", "made_by_id"):
        makers[identity_id].add(made_by)
    found = {}
    for use in uses:
        agent = use.agent
        barred = {use.taken_by_id, agent.owner_id, agent.technical_owner_id}
        barred |= makers[use.identity_id]
        able = [one for one in security if one.pk not in barred]
        found[use.pk] = able or [one for one in stewards if one.pk not in barred]
    return found


def uses_to_review(actor: Person) -> list[BreakGlass]:
    """Uses that are over and that this person may review, those due first."""
    rows = BreakGlass.objects.visible_to(actor).to_review()
    uses = list(rows.select_related("agent", "taken_by").order_by("review_due_at", "pk")[:50])
    if not uses:
        return []
    reviewers = reviewers_of_each(uses)
    return [use for use in uses if actor.user in reviewers[use.pk]]


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
    return list(rows.select_related("agent__team", "system", "taken_by").order_by("ends_at", "pk"))


def _stewards() -> list[User]:
    return list(User.objects.with_role(Role.STEWARD).order_by("display_name", "pk"))
