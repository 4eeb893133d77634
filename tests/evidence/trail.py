"""An agent's run with what systems recorded beside it, sealed and signed, and its packages."""

import hashlib
from datetime import timedelta
from types import SimpleNamespace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Invocation
from apps.activity.readings import Reading
from apps.activity.services.append import Delivery, deliveries_append
from apps.activity.services.projecting import events_project
from apps.audit.services import record
from apps.audit.services.seals import entries_seal
from apps.audit.verbs import Verb
from apps.core.actors import Person, System
from apps.evidence.models import Package
from apps.evidence.policies import Period
from apps.evidence.services.packages import package_build
from apps.evidence.services.trail_packages import (
    agent_package_request,
    everything_package_request,
    invocation_package_request,
)
from apps.grants.models import Justification
from apps.proof.memory import Memory
from apps.proof.services.signing import logs_sign
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory, BindingFactory

TRACE, OTHER = "0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319c"
SIGNER = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
SECOND = 10**9
WORDS = {"did": {"order": "=1+1"}, "result": "refunded"}


def said(kind, name, at=0, lasting=1, trace=TRACE, **more):
    start = int(timezone.now().timestamp() * SECOND) + at * SECOND
    return Reading(kind, name, start, start + lasting * SECOND, trace_id=trace, **more)


def keep(*readings, whose):
    digest = hashlib.sha256(repr((readings, whose)).encode()).digest()
    deliveries_append([Delivery("test", digest, [(one, whose) for one in readings])])
    events_project()


def sign(folder, *, later=timedelta()) -> None:
    """Seal what committed, and sign every log, as sealer and signer do."""
    folder.mkdir(parents=True, exist_ok=True)
    entries_seal()
    logs_sign(key=SIGNER, memory=Memory(folder), now=timezone.now() + later)


def run_of(trace=TRACE, *, request="REQ1"):
    root, step = "a" * 16, "b" * 16
    return [
        said(
            "invocation", "refunds", 0, 60, trace, span_id=root, outcome="ok", body={"told": "Go"}
        ),
        said("step", "chat", 1, 1, trace, span_id=step, parent_id=root, body={"decided": "refund"}),
        said("action", "=refund", 2, 1, trace, parent_id=root, outcome="failed", body=WORDS),
        said("call", "s3:GetObject", 2, 1, trace, parent_id=step, request_id=request),
    ]


def ran(folder, *, signed=True) -> SimpleNamespace:
    """Two agents' runs one after the other, calls that systems recorded, and a justified grant."""
    agent, other = AgentFactory(name="Refund agent"), AgentFactory(name="Other agent")
    binding = BindingFactory(agent=agent)
    grant = GrantFactory(identity=binding.identity, system=binding.identity.system)
    Justification.objects.create(grant=grant, reason="=It pays refunds.", given_by_label="Somebody")
    of_agent = Whose(agent_id=agent.pk, agent=agent.name)
    of_other = Whose(agent_id=other.pk, agent=other.name)
    as_identity = Whose(
        identity_id=binding.identity_id,
        identity=binding.identity.name,
        system_id=binding.identity.system_id,
        system=binding.identity.system.name,
    )
    keep(*run_of(OTHER, request="REQ2")[:3], whose=of_other)
    keep(*run_of(), whose=of_agent)
    keep(said("api", "s3:GetObject", 2, 0, "", request_id="REQ1"), whose=as_identity)
    keep(*run_of(OTHER, request="REQ2")[3:], whose=of_other)
    keep(said("api", "s3:ListBuckets", 3, 0, ""), whose=as_identity)
    nobody = System("test")
    record(actor=nobody, verb=Verb.AGENT_OWNER_CHANGED, target=agent, changes={"owner": [None, 1]})
    record(actor=nobody, verb=Verb.SIGNED_IN, target=UserFactory())
    record(actor=nobody, verb=Verb.AGENT_OWNER_CHANGED, target=other, changes={"owner": [None, 1]})
    if signed:
        sign(folder)
    return SimpleNamespace(
        run=Invocation.objects.get(trace_id=TRACE),
        agent=agent,
        other=other,
        binding=binding,
        grant=grant,
        folder=folder,
    )


def long_over(run) -> Invocation:
    """The same run, as if it had been two days ago: no late log is waited for."""
    ago = timezone.now() - timedelta(days=2)
    Invocation.objects.filter(pk=run.pk).update(started_at=ago, ended_at=ago + timedelta(minutes=1))
    return Invocation.objects.get(pk=run.pk)


def today() -> Period:
    day = timezone.now().date()
    return Period(day, day)


def build(package, person) -> Package:
    return package_build(package_id=package.pk, actor=Person(person))


def build_run(run, person, *, with_payloads=False) -> Package:
    package = invocation_package_request(
        invocation_id=run.pk, with_payloads=with_payloads, actor=Person(person)
    )
    return build(package, person)


def build_agent(agent, person, period=None) -> Package:
    package = agent_package_request(
        agent_id=agent.pk, period=period or today(), actor=Person(person)
    )
    return build(package, person)


def build_everything(person, period=None) -> Package:
    return build(everything_package_request(period=period or today(), actor=Person(person)), person)
