"""A review as the database holds it once it is over: three items, an order, and its proof."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from django.conf import settings
from django.db import transaction

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Person, System
from apps.evidence.services.packages import package_build, package_request
from apps.notices.models import Delivery, Notice
from apps.remediation.models import Order, OrderProof
from apps.reviews.models import (
    Acknowledgement,
    Assignment,
    Campaign,
    CampaignSource,
    Decision,
    ReviewItem,
)
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory, SourceFactory

T0 = datetime(2026, 10, 1, 9, tzinfo=UTC)
PROOF = b"the console after the key was deleted"
PROOF_SHA256 = hashlib.sha256(PROOF).hexdigest()


def days(count: int) -> datetime:
    return T0 + timedelta(days=count)


def review_over(*, state="acknowledged", steward=None) -> SimpleNamespace:
    """A campaign with a kept, a revoked, and an unanswered item."""
    steward = steward or UserFactory(steward=True, display_name="Head of security")
    manager = UserFactory(display_name="Head of support")
    campaign = Campaign.objects.create(
        name=f"Quarterly write access {Campaign.objects.count() + 1}",
        run_by=steward,
        fallback_reviewer=steward,
        deadline_at=days(14),
        staged_at=days(-1),
        launched_at=T0,
        decided_at=days(14),
        closed_at=days(20) if state in {"closed", "acknowledged"} else None,
        state=state,
        population_count=3,
        excluded=[{"what": "Service-linked roles", "count": 2, "why": "AWS owns them."}],
    )
    source = SourceFactory(label="AWS account", raw_sha256="ab" * 32)
    CampaignSource.objects.create(
        campaign=campaign, source=source, moment="staging", age_hours=30, is_stale=True
    )
    agent = AgentFactory(owner=manager)
    items = [
        _item(campaign, agent, manager, *facts)
        for facts in (("write", "kept"), ("admin", "revoked"), ("read", "uncertified"))
    ]
    made = SimpleNamespace(
        campaign=campaign, steward=steward, manager=manager, items=items, source=source, agent=agent
    )
    _decide(made)
    made.order = _order(made)
    _contact(made)
    if state == "acknowledged":
        _acknowledge(made)
    return made


def _item(campaign, agent, reviewer, level, disposition):
    grant = GrantFactory(level=level)
    item = ReviewItem.objects.create(
        campaign=campaign,
        grant=grant,
        agent=agent,
        system=grant.system,
        level=level,
        label=grant.label,
        frozen={"actions": ["s3:PutObject"], "resources": ["*"]},
        subject_sha256="cd" * 32,
        reviewer=reviewer,
        found_by="manager",
        state="final",
        disposition=disposition,
    )
    Assignment.objects.create(item=item, reviewer=reviewer, found_by="manager", since=days(-1))
    return item


@transaction.atomic
def _decide(made):
    said = (
        (made.items[0], "keep", "Serves the ticket task"),
        (made.items[1], "revoke", "=HYPERLINK()"),
    )
    for item, outcome, reason in said:
        Decision.objects.create(
            item=item, outcome=outcome, reason=reason, decided_by=made.manager, decided_at=days(3)
        )
        record(
            actor=Person(made.manager),
            verb=Verb.ITEM_DECIDED,
            target=item,
            changes={"outcome": (None, outcome)},
            reason=reason,
        )


def _order(made):
    item = made.items[1]
    order = Order.objects.create(
        kind="revoke",
        grant=item.grant,
        label=item.label,
        reason="Not needed",
        origin_type="reviews.reviewitem",
        origin_id=item.pk,
        campaign_id=made.campaign.pk,
        state="confirmed",
        decided_by=made.manager,
        decided_at=days(14),
        executed_at=days(15),
        executed_by=made.steward,
        verified_at=days(16),
        verified_how="Confirmed by hand",
    )
    ReviewItem.objects.filter(pk=item.pk).update(order=order)
    folder = Path(settings.DATA_DIR) / "proofs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROOF_SHA256).write_bytes(PROOF)
    OrderProof.objects.create(
        order=order,
        kind="proof",
        file_name="console.txt",
        file_sha256=PROOF_SHA256,
        file_bytes=len(PROOF),
        given_by=made.manager,
        given_by_label="Head of support",
    )
    return order


def _contact(made):
    """One mail about the whole campaign, and one about its first item."""
    for kind, about in (("review-launched", made.campaign), ("review-question", made.items[0])):
        notice = Notice.objects.create(
            kind=kind,
            recipient=made.manager,
            address=made.manager.email,
            about_type=about._meta.label_lower,
            about_id=about.pk,
            subject="Please review",
            body="Please review",
            dedupe_key=f"{kind}-{made.campaign.pk}",
        )
        Delivery.objects.create(notice=notice, status="sent", sent_at=T0, answer="250 OK")


@transaction.atomic
def _acknowledge(made):
    Acknowledgement.objects.create(
        campaign=made.campaign, words="Access remains appropriate.", given_by=made.steward
    )
    record(actor=Person(made.steward), verb=Verb.CAMPAIGN_ACKNOWLEDGED, target=made.campaign)


def happen_later(made, reason="It was found in use again"):
    """Write an entry about an order after the acknowledgement."""
    with transaction.atomic():
        record(
            actor=System("test"),
            verb=Verb.ORDER_MOVED,
            target=made.order,
            changes={"state": ("confirmed", "verify_failed")},
            reason=reason,
        )


def build(made, actor=None):
    """Ask for a package and build it, as the task does."""
    actor = actor or Person(made.steward)
    package = package_request(campaign_id=made.campaign.pk, actor=actor)
    return package_build(package_id=package.pk, actor=actor)
