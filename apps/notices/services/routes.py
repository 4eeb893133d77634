from typing import TYPE_CHECKING
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.outbound import outbound_validate
from apps.core.policies import enforce
from apps.core.references import reference_validate
from apps.notices import policies
from apps.notices.models import LadderStep, Notice, Route
from apps.notices.selectors import can_be_called
from apps.notices.services.notices import notice_queue
from apps.notices.states import By

if TYPE_CHECKING:
    from apps.accounts.models import User

TEST = "route-test"


@transaction.atomic
def route_create(
    *,
    name: str,
    by: str,
    actor: Actor,
    person: "User | None" = None,
    url: str = "",
    secret: str = "",
) -> Route:
    """Name a place that pages can go to. `secret` is a reference to where the secret lies."""
    enforce(policies.can_make_routes(actor))
    route = Route(name=" ".join(name.split()), by=By(by), person=person, url=url, secret=secret)
    _refuse_odd(route)
    try:
        with transaction.atomic():
            route.save(force_insert=True)
    except IntegrityError as error:
        raise DomainError(f"There is a route called “{route.name}” already.") from error
    record(
        actor=actor,
        verb=Verb.ROUTE_CREATED,
        target=route,
        changes={
            "by": (None, route.by),
            "person": (None, None if person is None else str(person)),
            "url": (None, route.url),
            "secret_lies_at": (None, route.secret),
        },
    )
    return route


@transaction.atomic
def route_test(*, route_id: int, actor: Actor) -> Notice:
    """Send a message there now, the way pages go, so that its answer can be read.

    It is tried once, and every test is one of its own.
    """
    route = Route.objects.select_related("person").locked(route_id)
    enforce(policies.can_test_route(actor, route))
    person = route.person
    record(actor=actor, verb=Verb.ROUTE_TESTED, target=route)
    return notice_queue(
        f"{TEST}:{route.pk}:{uuid4()}",
        (route._meta.label_lower, route.pk),
        kind=TEST,
        by=route.by,
        route=route,
        recipient=person,
        address=person.email if person is not None else route.name,
        subject=f"Test of {route.name}"[:200],
        body=f"{actor} tests where pages go. Nothing is wrong, and nobody has to do anything.",
        sent_for=str(actor)[:150],
    )


@transaction.atomic
def route_retire(*, route_id: int, reason: str, actor: Actor) -> Route:
    """Let nothing go there any more. What went there stays in the record."""
    route = Route.objects.locked(route_id)
    enforce(policies.can_retire_route(actor, route))
    if not reason.strip():
        raise DomainError("Say why it is retired.")
    steps = LadderStep.objects.filter(route=route).select_related("ladder__team")
    if on := [str(step.ladder) for step in steps]:
        raise DomainError(f"It is still on a ladder: {', '.join(on)}. Take it off there first.")
    route.retired_at = timezone.now()
    route.save(update_fields=["retired_at"])
    record(
        actor=actor,
        verb=Verb.ROUTE_RETIRED,
        target=route,
        changes={"retired_at": (None, route.retired_at.isoformat())},
        reason=reason.strip(),
    )
    return route


def _refuse_odd(route: Route) -> None:
    if not route.name:
        raise DomainError("A route needs a name.")
    if (route.by == By.MAIL) != (route.person is not None):
        raise DomainError("Mail goes to a person, and only mail does.")
    if route.person is not None and not can_be_called(route.person):
        raise DomainError("Only an active reviewer or steward can be on call.")
    try:
        if route.by == By.WEBHOOK:
            outbound_validate(route.url)
        if route.by != By.MAIL:
            reference_validate(route.secret)
    except ValidationError as error:
        raise DomainError(" ".join(error.messages)) from error
