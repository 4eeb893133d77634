"""Samples: drawn by a rule anybody can repeat, and kept."""

import hashlib
import secrets

from django.db import transaction

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.evidence import policies
from apps.evidence.models import Sample
from apps.reviews.models import Campaign, ReviewItem

MOST = 1000


@transaction.atomic
def sample_draw(*, campaign_id: int, size: int, seed: str, actor: Actor) -> Sample:
    """Draw items of a campaign at random, and keep the draw. Without a seed, one is made.

    The same seed, size, and population give the same sample, by `drawn`.
    """
    campaign = Campaign.objects.get(pk=campaign_id)
    enforce(policies.can_sample(actor, campaign))
    items = list(
        ReviewItem.objects.filter(campaign=campaign).order_by("pk").values_list("pk", flat=True)
    )
    if not 1 <= size <= min(MOST, len(items)):
        raise DomainError(f"A sample of this campaign has 1 to {min(MOST, len(items))} items.")
    seed = seed.strip() or secrets.token_hex(8)
    sample = Sample.objects.create(
        campaign=campaign,
        size=size,
        seed=seed,
        population_count=len(items),
        population_digest=population_digest(items),
        item_ids=drawn(items, size=size, seed=seed),
        drawn_by=actor.user if isinstance(actor, Person) else None,
    )
    record(
        actor=actor,
        verb=Verb.SAMPLE_DRAWN,
        target=sample,
        changes={
            "size": (None, size),
            "seed": (None, seed),
            "population": (None, sample.population_digest),
        },
    )
    return sample


def drawn(items: list[int], *, size: int, seed: str) -> list[int]:
    """Order items by SHA-256 of `seed:item`, and take the first ones.

    Nothing but SHA-256 is needed to repeat it, with the numbers in `data/population_at_close.csv`.
    """
    return sorted(items, key=lambda item: hashlib.sha256(f"{seed}:{item}".encode()).digest())[:size]


def population_digest(items: list[int]) -> str:
    """SHA-256 of the item numbers in ascending order, each with a line feed after it."""
    return hashlib.sha256("".join(f"{item}\n" for item in sorted(items)).encode()).hexdigest()
