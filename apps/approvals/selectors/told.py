"""Who was told what about a record, as its own page says it."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import models

from apps.notices.models import Notice


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, and its subject without the name of what the page is about."""

    notice: Notice
    what: str


def told_about(record: models.Model, *, kinds: Collection[str] = ()) -> list[Told]:
    """The notices about a record, oldest first."""
    rows = Notice.objects.about(record).for_table().order_by("pk")
    if kinds:
        rows = rows.filter(kind__in=kinds)
    return [Told(one, one.subject.removesuffix(f": {record}")) for one in rows]
