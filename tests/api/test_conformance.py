"""What the document says is what happens, whatever is sent: schemathesis against the whole app."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from apps.api.document import document
from apps.approvals.models import AccessRequest

pytestmark = pytest.mark.django_db

OPERATIONS = sorted(
    operation["operationId"]
    for methods in document()["paths"].values()
    for operation in methods.values()
)
EXAMPLES = 40
# No schema can say which identities or cursors there are: what fits it may still break a rule.
CONFIG = {
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]},
    }
}
MISSHAPEN = "Not valid"


@pytest.fixture
def asked(caller, policy, ask):
    """A request of the caller's own: an example may happen to name it, and another's is refused."""
    assert caller.post("requests", body=ask(), key="own").status_code == 201


@pytest.fixture
def schema(settings, asked):
    """The app as a server runs it, but in the transaction of the test.

    It comes after the caller has signed in and asked: the test client that does it connects the
    signals anew.
    """
    settings.API_RATES = dict.fromkeys(settings.API_RATES, 1_000_000)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    config = schemathesis.Config.from_dict(CONFIG)
    yield schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application(), config=config)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("key", OPERATIONS)
def test_every_answer_is_one_that_the_document_names(schema, caller, key, mode):
    operation = schema.find_operation_by_id(key)
    sign_in = {"Authorization": f"Bearer {caller.token}"}
    called = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def probe(case):
        answer = case.call_and_validate(headers=sign_in)
        called.append(answer.status_code)
        if mode == GenerationMode.POSITIVE and answer.status_code == 422:
            assert not answer.json()["detail"].startswith(MISSHAPEN)

    if mode == GenerationMode.NEGATIVE and not _can_be_said_wrongly(operation):
        return
    probe()

    assert called
    assert max(called) < 500
    assert AccessRequest.objects.count() == 1


def _can_be_said_wrongly(operation):
    return bool(list(operation.iter_parameters()) or operation.body)
