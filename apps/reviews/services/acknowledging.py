"""A manager's word, after closing, in the words of the requirement."""

from django.db import transaction

from apps.core.actors import Person
from apps.core.policies import enforce
from apps.reviews.models import Acknowledgement, Campaign
from apps.reviews.policies import campaigns as policies
from apps.reviews.services.moves import campaign_move
from apps.reviews.states import CampaignState

# PCI DSS v4.0.1, 7.2.4 and 7.2.5.1: access is reviewed, inappropriate access is addressed, and
# management acknowledges that access remains appropriate.
WORDS = (
    "On behalf of management I acknowledge that I have read the result of this review; that the"
    " access of application and system accounts it covers remains appropriate for the function"
    " each performs; that inappropriate access was addressed; and that what is listed as"
    " uncertified or as an exception is not covered by this acknowledgement."
)


@transaction.atomic
def campaign_acknowledge(*, campaign_id: int, actor: Person, comment: str = "") -> Acknowledgement:
    """Acknowledge a closed campaign. The door asks for a fresh sign-in first."""
    campaign = Campaign.objects.locked(campaign_id)
    enforce(policies.can_acknowledge(actor, campaign))
    acknowledgement = Acknowledgement.objects.create(
        campaign=campaign, words=WORDS, comment=comment.strip(), given_by=actor.user
    )
    campaign_move(campaign, CampaignState.ACKNOWLEDGED, actor=actor, reason=comment.strip())
    return acknowledgement
