"""What is known of each system's log: what of it is here, and what is wrong with it."""

import io

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from apps.activity.formats.lines import Bad
from apps.activity.formats.registry import readings_of
from apps.activity.models import LogImport, Stream
from apps.activity.readings import Reading


def with_logs(systems: QuerySet) -> QuerySet:
    """Systems, each with its logs as `logs_known`: two queries, however many there are."""
    known = with_newest(Stream.objects.for_table()).order_by("pk")
    return systems.prefetch_related(Prefetch("logs", known, to_attr="logs_known"))


def with_newest(streams: QuerySet) -> QuerySet:
    """Logs, with how the newest reading of each went."""
    newest = LogImport.objects.filter(stream=OuterRef("pk")).order_by("-pk")
    return streams.annotate(
        newest_status=Subquery(newest.values("status")[:1]),
        newest_said=Subquery(newest.values("said")[:1]),
        newest_id=Subquery(newest.values("pk")[:1]),
    )


def sample_read(log_format: str, mapping: dict[str, str], line: bytes) -> Reading | Bad | None:
    """What one pasted record would become; None if it holds no record."""
    return next(readings_of(log_format, io.BytesIO(line), mapping), None)
