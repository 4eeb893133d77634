"""Choices as reviewers type them."""

from datetime import timedelta

from django.utils import timezone

from apps.core.actors import Person
from apps.reviews.choices import Chosen
from apps.reviews.states import Outcome

WHY = "It sets the priority of tickets."


def soon(days=30):
    return timezone.localdate() + timedelta(days=days)


def by(item):
    return Person(item.reviewer)


def keeping(**changes):
    return Chosen(Outcome.KEEP, **{"until": soon(), "reason": WHY, **changes})
