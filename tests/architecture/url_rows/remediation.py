from django.utils import timezone

from apps.remediation.models import Batch
from apps.remediation.states import BatchState, OrderKind
from tests.architecture.url_matrix import EVERYBODY, READERS, READERS_RECORD, RECORD, STEWARDS, Row
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentFactory, CredentialFactory
from tests.factories.remediation import IncidentFactory, OrderFactory


def _waiting():
    return [OrderFactory(waiting=True).pk]


def _carried_out():
    order = OrderFactory(
        waiting=True, executed_at=timezone.now(), executed_by=UserFactory(steward=True)
    )
    return [order.pk]


def _proof_without_file():
    order = OrderFactory(waiting=True)
    proof = order.proofs.create(kind="done", text="Detached.", given_by_label="test")
    return [order.pk, proof.pk]


def _credential():
    return [CredentialFactory().pk]


def _killed():
    credential = CredentialFactory()
    return [OrderFactory(kind=OrderKind.KILL, grant=None, credential=credential, label="key").pk]


def _incident():
    return [IncidentFactory().pk]


def _held():
    batch = Batch.objects.create(
        label="Revoke 60 credentials",
        reason="Left behind",
        count=60,
        state=BatchState.HELD,
        held_because="60 are many.",
        decided_by=UserFactory(steward=True),
    )
    return [batch.pk]


ROWS = {
    "remediation:order_list": Row(EVERYBODY),
    "remediation:order_detail": Row(RECORD, _waiting),
    "remediation:order_carry_out": Row(RECORD, _waiting, overrides={"auditor": 403}),
    "remediation:order_confirm": Row(RECORD, _carried_out, overrides={"auditor": 403}),
    "remediation:order_except": Row(RECORD, _waiting, overrides={"auditor": 403}),
    # Words alone: there is no file to give.
    "remediation:proof_file": Row(
        RECORD, _proof_without_file, overrides={"steward": 404, "auditor": 404}
    ),
    "remediation:credential_revoke": Row(STEWARDS, _credential),
    "remediation:credential_kill": Row(STEWARDS, _credential),
    "remediation:credential_panel": Row(STEWARDS, _credential),
    "remediation:reach": Row(STEWARDS),
    "remediation:credentials_end": Row(STEWARDS),
    "remediation:kill_confirm": Row(STEWARDS, _killed),
    # It was not carried out by a connection, so nobody can undo it from here.
    "remediation:order_undo": Row(STEWARDS, _killed, overrides={"steward": 403}),
    "remediation:order_try": Row(STEWARDS, _killed, overrides={"steward": 403}),
    "remediation:leak_search": Row(STEWARDS),
    "remediation:leak_adopt": Row(STEWARDS, method="post"),
    "remediation:batch_detail": Row(STEWARDS, _held),
    "remediation:batch_release": Row(STEWARDS, _held),
    "remediation:batch_refuse": Row(STEWARDS, _held),
    "remediation:incident_list": Row(READERS),
    "remediation:incident_detail": Row(READERS_RECORD, _incident),
    "remediation:incident_calls": Row(READERS_RECORD, _incident),
    "remediation:incident_read": Row(STEWARDS, _incident, method="post"),
    # Nothing was made with it, so nothing can be taken back.
    "remediation:incident_take_back": Row(STEWARDS, _incident, overrides={"steward": 403}),
    "remediation:incident_close": Row(STEWARDS, _incident),
    "remediation:agent_stop": Row(STEWARDS, lambda: [AgentFactory(active=True).pk]),
}
