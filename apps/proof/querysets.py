from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from apps.proof.states import WatchKind


class CheckpointQuerySet(models.QuerySet):
    def newest_of(self, log: models.Model) -> Self:
        return self.filter(log=log).order_by("-pk")


class WatchQuerySet(models.QuerySet):
    def in_trouble(self) -> Self:
        return self.exclude(trouble="")

    def signers_silent_since(self, moment: datetime) -> Self:
        """Signers that have not looked since then, at logs that hold anything."""
        silent = Q(looked_at__isnull=True, log__begun_at__lt=moment) | Q(looked_at__lt=moment)
        return self.filter(silent, kind=WatchKind.SIGNER, log__size__gt=0)
