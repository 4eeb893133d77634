"""What the document says is what happens, whatever is sent: schemathesis against the whole app."""

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
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


@pytest.fixture
def schema(settings):
    settings.API_RATES = dict.fromkeys(settings.API_RATES, 1_000_000)
    return schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("key", OPERATIONS)
def test_every_answer_is_one_that_the_document_names(schema, caller, company, key, mode):
    operation = schema.find_operation_by_id(key)
    company.submit()
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
        called.append(case.call_and_validate(headers=sign_in).status_code)

    if mode == GenerationMode.NEGATIVE and not _can_be_said_wrongly(operation):
        return
    probe()

    assert called
    assert max(called) < 500
    assert AccessRequest.objects.count() == 1


def _can_be_said_wrongly(operation):
    return bool(list(operation.iter_parameters()) or operation.body)
