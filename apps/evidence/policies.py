from apps.core.actors import Actor, Role, System
from apps.core.policies import ALLOW, Verdict, deny
from apps.evidence.models import Package
from apps.evidence.querysets import exportable_by
from apps.reviews.models import Campaign
from apps.reviews.states import AFTER_LAUNCH, CampaignState


def can_browse(actor: Actor) -> Verdict:
    """Evidence is for those who read campaigns whole."""
    if isinstance(actor, System) or actor.role in {Role.STEWARD, Role.AUDITOR}:
        return ALLOW
    return deny("Only stewards and auditors read evidence.")


def can_export(actor: Actor, campaign: Campaign) -> Verdict:
    if not (reader := can_browse(actor)):
        return reader
    if campaign.state == CampaignState.CANCELLED:
        return deny("A cancelled campaign is no evidence of a review.")
    if campaign.state not in AFTER_LAUNCH:
        return deny("The campaign has not been launched, so there is nothing to export yet.")
    if not exportable_by(actor).filter(pk=campaign.pk).exists():
        return deny("The campaign covers systems or a time outside your seat.")
    return ALLOW


def can_sample(actor: Actor, campaign: Campaign) -> Verdict:
    return can_export(actor, campaign)


def can_download(actor: Actor, package: Package) -> Verdict:
    if not (reader := can_browse(actor)):
        return reader
    if package.built_at is None:
        return deny("The package is not built yet.")
    return ALLOW
