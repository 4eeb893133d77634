"""What a package may be about."""

from django.db import models


class Subject(models.TextChoices):
    CAMPAIGN = "campaign", "A review campaign"
    REQUEST = "request", "A request for access"
    INCIDENT = "incident", "An incident"
    PERIOD = "period", "The requests of a period"
