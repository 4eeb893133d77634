from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from apps.activity.querysets.searches import SavedSearchQuerySet


class SavedSearch(models.Model):
    """A search of the trail that somebody keeps for themselves, by a name of theirs."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    text = models.CharField(max_length=500)
    saved_at = models.DateTimeField(db_default=Now())

    objects = SavedSearchQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(name="activity_savedsearch_once", fields=["person", "name"])
        ]

    def __str__(self) -> str:
        return self.name
