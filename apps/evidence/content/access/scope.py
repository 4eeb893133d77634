"""Which requests a package is about, and whether anything in it is still to come."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.approvals.models import AccessRequest, BreakGlass
from apps.approvals.states import OPEN, BreakGlassState, RequestState
from apps.evidence.content.review import FINAL, INTERIM
from apps.evidence.models import Package
from apps.inventory.models import System
from apps.remediation.models import Order
from apps.remediation.states import SETTLED

REQUEST = AccessRequest._meta.label_lower
USE = BreakGlass._meta.label_lower


@dataclass(frozen=True, slots=True)
class Scope:
    """One request, or those asked for from a day to another, both whole and in UTC."""

    name: str
    request_id: int | None = None
    since: date | None = None
    until: date | None = None
    system: System | None = None
    status: str = FINAL
    note: str = ""

    @property
    def package(self) -> str:
        if self.request_id is not None:
            return f"request-{self.request_id}"
        on = f"-system-{self.system.pk}" if self.system else ""
        return f"requests-{self.since}-{self.until}{on}"

    @property
    def requests(self) -> QuerySet[AccessRequest]:
        rows = AccessRequest.objects.order_by("pk")
        if self.request_id is not None:
            return rows.filter(pk=self.request_id)
        return self._within(rows, "submitted_at")

    @property
    def uses(self) -> QuerySet[BreakGlass]:
        """Emergencies of the period; beside one request, those that used the same grant."""
        rows = BreakGlass.objects.order_by("pk")
        if self.request_id is not None:
            return rows.filter(grant__in=self.requests.order_by().values("grant"))
        return self._within(rows, "taken_at")

    @property
    def pks(self) -> QuerySet:
        return self.requests.order_by().values("pk")

    @property
    def use_pks(self) -> QuerySet:
        return self.uses.order_by().values("pk")

    @property
    def orders(self) -> QuerySet[Order]:
        """What these requests and emergencies ordered, and what else met their grants meanwhile."""
        mine = self.requests.order_by().filter(
            Q(access_ended_at__isnull=True) | Q(access_ended_at__gte=OuterRef("created_at")),
            grant=OuterRef("grant"),
            provisioned_at__lte=OuterRef("created_at"),
        )
        rows: QuerySet[Order] = Order.objects.filter(self.ordered | Q(Exists(mine)))
        return rows.order_by("pk")

    @property
    def ordered(self) -> Q:
        return Q(origin_type=REQUEST, origin_id__in=self.pks) | Q(
            origin_type=USE, origin_id__in=self.use_pks
        )

    @property
    def before(self) -> QuerySet[AccessRequest]:
        """Asked for before the period, and not over when it began: not in the package."""
        rows = AccessRequest.objects.filter(submitted_at__lt=start_of(self.since))
        if self.system is not None:
            rows = rows.filter(system=self.system)
        began = start_of(self.since)
        return rows.filter(
            Q(state__in=OPEN)
            | Q(decided_at__gte=began)
            | Q(state=RequestState.PROVISIONED, access_ended_at__isnull=True)
            | Q(access_ended_at__gte=began)
        )

    def _within[Rows: QuerySet](self, rows: Rows, field: str) -> Rows:
        end = start_of(self.until) + timedelta(days=1)
        rows = rows.filter(**{f"{field}__gte": start_of(self.since), f"{field}__lt": end})
        return rows.filter(system=self.system) if self.system is not None else rows


def start_of(day: date | None) -> datetime:
    assert day is not None  # noqa: S101  (a period has both of its days)
    return datetime.combine(day, time.min, tzinfo=UTC)


def about_of(package: Package) -> Scope:
    """What a package is about, before anybody looked whether that is over."""
    return Scope(
        name=package.about,
        request_id=package.request_id,
        since=package.period_from,
        until=package.period_to,
        system=package.period_system,
    )


def scope_of(package: Package) -> Scope:
    """What a package is about, with its status as things stand now."""
    about = about_of(package)
    note = _note(about)
    return replace(about, status=INTERIM, note=note) if note else about


def still_to_come(request: AccessRequest) -> str:
    """Why a package of the request would be interim now; empty if it would be final."""
    return _note(Scope(name=str(request), request_id=request.pk))


def _note(scope: Scope) -> str:
    """Why it is interim, in words; empty once everything in it is over."""
    running = Q(state=RequestState.PROVISIONED, access_ended_at__isnull=True)
    open_requests = scope.requests.filter(Q(state__in=OPEN)).count()
    in_place = scope.requests.filter(running).count()
    unreviewed = scope.uses.exclude(state=BreakGlassState.REVIEWED).count()
    unsettled = Order.objects.filter(scope.ordered).exclude(state__in=SETTLED).count()
    said = (
        (open_requests, "still open: {}"),
        (in_place, "access still in place: {}"),
        (unreviewed, "break-glass uses not reviewed: {}"),
        (unsettled, "removals not settled: {}"),
    )
    found = [words.format(count) for count, words in said if count]
    if scope.until is not None and timezone.now() < start_of(scope.until) + timedelta(days=1):
        found.insert(0, "the period is not over")
    return f"Not everything is over ({'; '.join(found)}), so this will change." if found else ""


def outcome_of(state: str, ended_at: datetime | None) -> str:
    """One word for what became of a request: its state, or that its access is over."""
    return ENDED if state == RequestState.PROVISIONED and ended_at is not None else state


def words_of(outcome: str) -> str:
    return "Was in place, and is over" if outcome == ENDED else str(RequestState(outcome).label)


ENDED = "ended"
