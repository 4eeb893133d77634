"""Whom a page can go to. People are found by their model's name: `accounts` stands above."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings

from apps.core.actors import Role
from apps.core.preferences import preference
from apps.notices.models import Page, Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from apps.accounts.models import User


@dataclass(frozen=True, slots=True)
class Call:
    """One person told by mail, or one tool. A person on a ladder has a route as well."""

    route: Route | None
    person: "User | None"

    def __str__(self) -> str:
        return str(self.person or self.route)

    @property
    def key(self) -> str:
        """The same for one person, on a ladder or off it."""
        if self.person is not None:
            return f"person-{self.person.pk}"
        return f"route-{self.route.pk}" if self.route is not None else "nobody"


@dataclass(frozen=True, slots=True)
class Rung:
    """Whom one level of a page tells, and how long they have; no time where nobody follows."""

    calls: list[Call]
    wait: timedelta | None


def rung_at(page: Page, level: int) -> Rung:
    """The step of the page's ladder as it stands now; past the last one, every steward."""
    steps = [] if page.ladder is None else list(page.ladder.steps.select_related("route__person"))
    if level >= len(steps):
        return Rung(calls_to(page, _stewards()), None)
    route, minutes = steps[level].route, steps[level].minutes
    wait = usual_wait() if minutes is None else timedelta(minutes=minutes)
    if route.person is None:
        return Rung([Call(route, None)], wait)
    return Rung(calls_to(page, [route.person], route), wait)


def calls_to(page: Page, people: "Iterable[User]", route: Route | None = None) -> list[Call]:
    """Those who can answer: still here, and in a role that acts; never whose act it is about."""
    able = [one for one in people if can_be_called(one) and one.pk != page.caused_by_id]
    return [Call(route, one) for one in able]


def can_be_called(person: "User") -> bool:
    return person.is_active and person.role in {Role.REVIEWER, Role.STEWARD}


def usual_wait() -> timedelta:
    return timedelta(minutes=preference("page_minutes"))


def who_may_be_called() -> "QuerySet[User]":
    return _people().who_may_decide()  # type: ignore[no-any-return]


def _stewards() -> "Iterable[User]":
    return _people().with_role(Role.STEWARD).order_by("pk")  # type: ignore[no-any-return]


def _people() -> Any:
    return apps.get_model(settings.AUTH_USER_MODEL)._default_manager
