"""A review of 100,000 items, timed at each step that a person waits for."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.utils import timezone

from apps.accounts.models import User
from apps.core.actors import Person, Role
from apps.core.jobs import jobs_of
from apps.reviews.models import Campaign, Draft, ReviewItem
from apps.reviews.scope import Scope
from apps.reviews.services.campaigns import NewCampaign, campaign_create, campaign_stage
from apps.reviews.services.items import items_submit
from apps.reviews.services.launching import campaign_launch
from apps.reviews.services.staging import staging_run
from apps.reviews.states import ItemState, Outcome
from tests.bench.company import Size
from tests.bench.measure import Measured, once

# Two of the company's twenty teams: a review freezes 100,000 of a million grants.
TEAMS = (1, 2)
SHARE = 10


def review_steps(size: Size) -> Iterator[Measured]:
    """Stage one review of a tenth of all grants, and submit 500 of its decisions."""
    steward = Person(User.objects.get(role=Role.STEWARD))
    campaign = _campaign(steward)
    items = size.grants // SHARE
    yield once(f"stage {items:,} items", lambda: _stage(campaign, steward), bound=20_000)
    campaign_launch(campaign_id=campaign.pk, actor=steward, fallback_reason="Measured only.")
    reviewer, items = _drafted(campaign)
    yield once(
        "submit 500 decisions",
        lambda: items_submit(campaign_id=campaign.pk, item_ids=items, actor=Person(reviewer)),
        bound=1_000,
        note=" ",
    )


def _campaign(steward: Person) -> Campaign:
    return campaign_create(
        new=NewCampaign(
            name=f"Measured {timezone.now():%Y-%m-%d %H:%M:%S}",
            fallback_reviewer=steward.user,
            run_by=steward.user,
            deadline_on=timezone.localdate() + timedelta(days=14),
            scope=Scope(teams=TEAMS),
        ),
        actor=steward,
    )


def _stage(campaign: Campaign, steward: Person) -> str:
    campaign_stage(campaign_id=campaign.pk, actor=steward, stale_reason="Measured only.")
    job = jobs_of(campaign).latest("pk")
    staging_run(job_id=job.pk)
    campaign.refresh_from_db()
    return f"{campaign.population_count:,} items"


def _drafted(campaign: Campaign) -> tuple[User, list[int]]:
    first = ReviewItem.objects.filter(campaign=campaign, state=ItemState.OPEN).first()
    assert first is not None
    rows = ReviewItem.objects.filter(
        campaign=campaign, reviewer=first.reviewer_id, state=ItemState.OPEN
    ).order_by("pk")[:500]
    Draft.objects.bulk_create(
        Draft(
            item=item,
            reviewer_id=item.reviewer_id,
            outcome=Outcome.REVOKE,
            reason="Not needed any more.",
        )
        for item in rows
    )
    return first.reviewer, [item.pk for item in rows]


def evidence_steps() -> Iterator[Measured]:
    """Built in a process of its own, so that its memory is its own."""
    campaign = Campaign.objects.latest("pk")
    with TemporaryDirectory() as folder:
        out = Path(folder) / "evidence.zip"
        said: list[str] = []

        def build() -> str:
            done = subprocess.run(
                [sys.executable, "-m", "tests.bench.evidence", str(campaign.pk), str(out)],
                capture_output=True,
                text=True,
                check=False,
            )
            said.append(done.stdout.strip().splitlines()[-1] if done.stdout else done.stderr[-300:])
            return said[-1]

        yield once("evidence zip of the campaign", build, bound=60_000)
        peak = float(said[-1].split()[0]) if said[-1][:1].isdigit() else float("inf")
        yield Measured("evidence zip, peak memory (MB, not ms)", peak, 300)
