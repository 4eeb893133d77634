from django.db import models
from django.db.models.functions import Now

from apps.inventory.models import Credential


class Leak(models.Model):
    """Somebody or something reported a credential in the wrong place. Append-only.

    What was found is not kept, neither as text nor as a digest; only which credential it is of.
    """

    credential = models.ForeignKey(Credential, models.PROTECT, null=True, related_name="leaks")
    kinds = models.CharField(max_length=120)
    found_at = models.CharField("where it was found", max_length=300, blank=True)
    reported_by_label = models.CharField(max_length=150)
    reported_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(name="remediation_leak_credential", fields=["credential", "-id"])]

    def __str__(self) -> str:
        return f"{self.credential or self.kinds} at {self.found_at or 'a place not told'}"

    def get_absolute_url(self) -> str:
        return self.credential.get_absolute_url() if self.credential else ""
