"""Working through requests one by one, each in a transaction and under lock."""

from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet

from apps.approvals.models import AccessRequest

BESIDE = ("agent__team", "agent__owner", "system", "identity", "asked_by", "grant")


def each_request(rows: QuerySet, work: Callable[[AccessRequest], bool]) -> int:
    """Work through requests, a transaction each: what one changes is whole, whatever comes next.

    Returns for how many `work` said that it did something.
    """
    return sum(
        _one(rows, pk, work) for pk in list(rows.order_by("pk").values_list("pk", flat=True))
    )


@transaction.atomic
def _one(rows: QuerySet, pk: int, work: Callable[[AccessRequest], bool]) -> bool:
    """Judge again under lock: somebody else may have been quicker, or hold it right now."""
    locked = rows.filter(pk=pk).select_related(*BESIDE)
    request = locked.select_for_update(of=["self"], skip_locked=True).first()
    return request is not None and work(request)
