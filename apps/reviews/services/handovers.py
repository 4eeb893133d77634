from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.policies import enforce
from apps.reviews.models import Campaign, Template
from apps.reviews.policies.items import can_hand_over
from apps.reviews.states import CAMPAIGN_MOVES, CampaignState

FIELDS = ("run_by", "fallback_reviewer")
OVER = tuple(state for state in CampaignState if CAMPAIGN_MOVES.is_final(state))


@transaction.atomic
def campaigns_hand_over(*, from_user_id: int, to_user_id: int, reason: str, actor: Actor) -> int:
    """Make somebody else run, and stand in for nobody else in, what one person did: templates,
    and campaigns that are not over. Their items are handed over apart.
    """
    enforce(can_hand_over(actor))
    leaving = User.objects.get(pk=from_user_id)
    taking = User.objects.get(pk=to_user_id)
    theirs = Q(run_by=leaving) | Q(fallback_reviewer=leaving)
    templates = Template.objects.standing().filter(theirs)
    campaigns = Campaign.objects.exclude(state__in=OVER).filter(theirs)
    facts = _replace(templates, leaving, taking, reason)
    count = record_many(actor=actor, verb=Verb.TEMPLATE_CHANGED, facts=facts)
    facts = _replace(campaigns, leaving, taking, reason)
    return count + record_many(actor=actor, verb=Verb.CAMPAIGN_HANDED_OVER, facts=facts)


def _replace(rows: Any, leaving: User, taking: User, reason: str) -> list[Fact]:
    held = list(rows.select_for_update(of=["self"]).order_by("pk"))
    facts = []
    for one in held:
        mine = [name for name in FIELDS if getattr(one, f"{name}_id") == leaving.pk]
        for name in mine:
            setattr(one, name, taking)
        one.save(update_fields=mine)
        changes = {name: (str(leaving), str(taking)) for name in mine}
        facts.append(Fact(one, changes, reason))
    return facts
