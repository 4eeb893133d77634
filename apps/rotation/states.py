from django.db import models


class Stage(models.TextChoices):
    """How long before its day somebody is reminded that a credential is to be rotated."""

    FIRST = "14", "14 days before"
    SECOND = "3", "3 days before"
    LAST = "0", "On the day"
