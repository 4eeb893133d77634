"""What a package may be about."""

from django.db import models


class Subject(models.TextChoices):
    CAMPAIGN = "campaign", "A review campaign"
    REQUEST = "request", "A request for access"
    INCIDENT = "incident", "An incident"
    PERIOD = "period", "The requests of a period"
    INVOCATION = "invocation", "An invocation"
    AGENT = "agent", "An agent's period"
    WHOLE = "whole", "Everything in a period"


# What agents did: these prove records of the trail.
OF_TRAIL = (Subject.INVOCATION, Subject.AGENT, Subject.WHOLE)
