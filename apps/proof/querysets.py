from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.db import connection, models
from django.db.models import Q

from apps.proof.states import WatchKind
from apps.proof.tiles import Place

# One statement for all; as conditions joined by OR they take longer to write than to answer.
TILES = """
    SELECT level, index, hashes FROM proof_tile
    JOIN unnest(%s::smallint[], %s::bigint[]) AS wanted (level, index) USING (level, index)
    WHERE log_id = %s
"""


class TileQuerySet(models.QuerySet):
    def hashes_at(self, log: models.Model, places: Iterable[Place]) -> dict[Place, bytes]:
        """The hashes of those of the tiles that there are."""
        wanted = list(places)
        levels, indexes = [level for level, _ in wanted], [index for _, index in wanted]
        with connection.cursor() as cursor:
            cursor.execute(TILES, [levels, indexes, log.pk])
            return {(level, index): bytes(data) for level, index, data in cursor.fetchall()}


class CheckpointQuerySet(models.QuerySet):
    def newest_of(self, log: models.Model | models.OuterRef) -> Self:
        return self.filter(log=log).order_by("-pk")


class WatchQuerySet(models.QuerySet):
    def in_trouble(self) -> Self:
        return self.exclude(trouble="")

    def of_what_is_sealed(self) -> Self:
        return self.exclude(kind=WatchKind.KEEPER)

    def of_partitions(self) -> Self:
        return self.filter(kind=WatchKind.KEEPER)

    def signers_silent_since(self, moment: datetime) -> Self:
        """Signers that have not looked since then, at logs that hold anything."""
        silent = Q(looked_at__isnull=True, log__begun_at__lt=moment) | Q(looked_at__lt=moment)
        return self.filter(silent, kind=WatchKind.SIGNER, log__size__gt=0)
