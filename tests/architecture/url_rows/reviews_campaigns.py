from datetime import timedelta

from django.utils import timezone

from apps.reviews.states import CampaignState
from tests.architecture.url_matrix import EVERYBODY, RECORD, STEWARDS, Row
from tests.factories.reviews import (
    CampaignFactory,
    HoldFactory,
    ReviewItemFactory,
    TemplateFactory,
)


def _campaign(**values):
    return lambda: [CampaignFactory(**values).pk]


def _template():
    return [TemplateFactory().pk]


def _hold():
    hold = HoldFactory(campaign__launched_at=timezone.now() - timedelta(days=9))
    return [hold.campaign_id, hold.pk]


def _staged_item():
    return [ReviewItemFactory(campaign=CampaignFactory(staged=True)).pk]


# A campaign is the auditor's too, once it was launched; a limited seat sees its own systems' items.
LAUNCHED = {"limited auditor": 200}

ROWS = {
    "reviews:campaign_list": Row(EVERYBODY),
    "reviews:campaign_new": Row(STEWARDS),
    "reviews:campaign_detail": Row(RECORD, _campaign(running=True), overrides=LAUNCHED),
    "reviews:campaign_items": Row(RECORD, _campaign(running=True), overrides=LAUNCHED),
    "reviews:campaign_beyond": Row(
        RECORD, _campaign(running=True), overrides={"limited auditor": 403}
    ),
    "reviews:beyond_start": Row(STEWARDS, _campaign(running=True)),
    "reviews:campaign_stage": Row(STEWARDS, _campaign()),
    "reviews:campaign_launch": Row(STEWARDS, _campaign(staged=True, population_count=1)),
    "reviews:campaign_remind": Row(STEWARDS, _campaign(running=True)),
    "reviews:campaign_decide": Row(STEWARDS, _campaign(running=True)),
    "reviews:campaign_cancel": Row(STEWARDS, _campaign()),
    "reviews:campaign_close": Row(STEWARDS, _campaign(state=CampaignState.VERIFYING)),
    "reviews:campaign_acknowledge": Row(
        RECORD, _campaign(closed=True), overrides={"auditor": 403, "limited auditor": 403}
    ),
    "reviews:hold_decide": Row(RECORD, _hold, overrides={"auditor": 403, "limited auditor": 403}),
    "reviews:item_exclude": Row(STEWARDS, _staged_item),
    "reviews:calendar": Row(EVERYBODY),
    "reviews:template_list": Row(EVERYBODY),
    "reviews:template_new": Row(STEWARDS),
    "reviews:instructions_preview": Row(STEWARDS, method="post"),
    "reviews:templates_ready": Row(STEWARDS, method="post"),
    "reviews:template_detail": Row(EVERYBODY, _template),
    "reviews:template_change": Row(STEWARDS, _template),
    "reviews:template_retire": Row(STEWARDS, _template),
    "reviews:template_start": Row(STEWARDS, _template),
}
