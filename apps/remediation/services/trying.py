"""Where the secret is at hand, the best proof: it is tried once, and refused."""

from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.connectors.adapters.live import Clue, ProviderError, Seen, Sighting
from apps.connectors.services.adapters import adapter_of
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.remediation import policies
from apps.remediation.models import Order, OrderProof
from apps.remediation.services.looking import told
from apps.remediation.states import ProofKind

# What each kind of system calls the credential that is tried.
KINDS = {"aws": "aws-key", "azure": "azure", "vault": "vault"}


@sensitive_variables("secret", "clue")
def order_try(*, order_id: int, secret: str, actor: Person) -> Order:
    """Make one harmless call with the secret of what was ended. What it answered is kept as proof;
    the secret is kept nowhere."""
    order = Order.objects.for_table().get(pk=order_id)
    enforce(policies.can_try(actor, order))
    if order.credential is None or order.connection is None:
        raise DomainError("Only a credential of a connection can be tried.")
    clue = Clue(
        KINDS[order.connection.kind],
        external_id=order.credential.external_id,
        secret=secret.strip(),
    )
    try:
        sighting = adapter_of(order.connection).try_out(clue)
    except ProviderError as error:
        raise DomainError(f"It could not be tried: {error}") from None
    except NotImplementedError:
        raise DomainError("This kind of connection cannot try a secret.") from None
    return _keep(order, sighting, actor)


@transaction.atomic
def _keep(order: Order, sighting: Sighting, actor: Person) -> Order:
    text = told(sighting, timezone.now())
    OrderProof.objects.create(
        order=order,
        kind=ProofKind.SEEN,
        text=text,
        given_by=actor.user,
        given_by_label=str(actor)[:150],
    )
    record(
        actor=actor,
        verb=Verb.ORDER_PROVEN,
        target=order,
        changes={"proof": (None, ProofKind.SEEN), "seen": (None, sighting.seen)},
        reason=text,
    )
    if sighting.seen == Seen.LIVE:
        order.trouble = f"It was tried, and still works. {sighting.said}"
        order.save(update_fields=["trouble"])
    return order
