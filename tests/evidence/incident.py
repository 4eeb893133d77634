"""A leaked key that was killed by hand: what it did and made, and how it ended."""

from datetime import timedelta
from types import SimpleNamespace

from django.utils import timezone

from apps.core.actors import Person
from apps.remediation.models import Incident
from apps.remediation.services import incidents, leaks, orders
from apps.remediation.services.orders import Proof
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentFactory, BindingFactory, CredentialFactory

WHY = "=cmd|' /C calc'!A0 was seen in a public place."
HOME, AWAY = "203.0.113.7", "198.51.100.9"


def killed(steward) -> SimpleNamespace:
    """An open incident: three calls from two addresses, one thing to take back, one not."""
    credential = CredentialFactory(
        external_id="AKIASP2TPHJSQH3FJRUX", issued_at=timezone.now() - timedelta(days=3)
    )
    owner = UserFactory(display_name="Owner of the agent")
    agent = AgentFactory(name="Invoice agent", owner=owner)
    BindingFactory(agent=agent, identity=credential.identity)
    leaks.leaks_report(text=credential.external_id, actor=Person(steward))
    orders.credential_kill(credential_id=credential.pk, reason=WHY, actor=Person(steward))
    incident = Incident.objects.get(credential=credential)
    calls = (
        ("event-1", HOME, "ListUsers", "", True),
        ("event-2", AWAY, "CreateUser", "", False),
        ("event-3", AWAY, "DeleteTrail", "AccessDenied", None),
    )
    for hours, (event, address, name, error, read_only) in enumerate(calls, start=1):
        incident.calls.create(
            event_id=event,
            at=credential.issued_at + timedelta(hours=hours),
            service="iam.amazonaws.com",
            name=name,
            address=address,
            client="-aws-cli/2",
            error=error,
            read_only=read_only,
        )
    at = credential.issued_at + timedelta(hours=2)
    steps = [{"title": "Disable the user", "reversible": True}]
    incident.made.create(
        kind="user", name="twin", at=at, event_id="event-2", address=AWAY, steps=steps
    )
    incident.made.create(kind="snapshot", name="snap-1", at=at, event_id="event-2", address=AWAY)
    return SimpleNamespace(incident=incident, credential=credential, order=incident.order)


def over(steward) -> Incident:
    """The same, to its end: dead, confirmed, taken back, closed."""
    made, actor = killed(steward), Person(steward)
    another = Person(UserFactory(steward=True, display_name="Another steward"))
    back = incidents.incident_take_back(incident_id=made.incident.pk, reason=WHY, actor=actor)
    done = Proof(text="Removed it in the console.")
    for order in (made.order, back):
        orders.order_carried_out(order_id=order.pk, proof=done, actor=actor)
        orders.order_confirm(order_id=order.pk, proof=done, actor=another)
    orders.kill_confirm(order_id=made.order.pk, reason="It was in a public place.", actor=another)
    incidents.incident_close(
        incident_id=made.incident.pk, reason="Nothing is left of it.", actor=actor
    )
    made.incident.refresh_from_db()
    return made.incident
