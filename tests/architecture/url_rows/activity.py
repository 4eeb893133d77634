from pathlib import Path
from tempfile import TemporaryDirectory

from apps.activity.headers import Whose
from apps.activity.models import Event, Invocation, SavedSearch
from tests.activity.runs import keep, run
from tests.architecture.url_matrix import EVERYBODY, RECORD, Row, inside
from tests.evidence.trail import sign
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory, CredentialFactory


def _told():
    agent = AgentFactory()
    told = run()
    told[0].body = {"told": "refund order 7"}
    keep(*told, whose=Whose(agent_id=agent.pk, agent=agent.name))
    return Invocation.objects.get()


def _run():
    return [_told().pk]


def _leaf():
    _told()
    return [Event.objects.filter(kind="invocation").get().leaf_index]


def _signed_leaf():
    leaf = _leaf()
    with TemporaryDirectory() as folder:
        sign(Path(folder))
    return leaf


def _agent():
    return [AgentFactory().pk]


def _saved():
    return [SavedSearch.objects.create(person=UserFactory(), name="Mine", text="kind:api").pk]


# An auditor reads what was said only where the seat includes it.
WORDS = inside(404, 200, 403, 403)
NOBODY_ELSES = inside(404, 404, 404, 404)

ROWS = {
    "activity:invocation_list": Row(EVERYBODY),
    "activity:invocation_detail": Row(RECORD, _run),
    "activity:payloads_open": Row(WORDS, _run, method="post"),
    "activity:payload_open": Row(WORDS, _leaf, method="post"),
    "activity:agent_activity": Row(RECORD, lambda: [AgentFactory().pk]),
    "activity:agent_standing": Row(RECORD, _agent),
    "activity:credential_use": Row(RECORD, lambda: [CredentialFactory().pk]),
    "activity:credential_breaks": Row(RECORD, lambda: [CredentialFactory().pk]),
    "activity:grant_use": Row(RECORD, lambda: [GrantFactory().pk]),
    "activity:record_detail": Row(RECORD, _leaf),
    "activity:record_proof": Row(RECORD, _signed_leaf),
    "activity:reconstruction_list": Row(EVERYBODY),
    "activity:reconstruction_detail": Row(RECORD, _agent),
    "activity:reconstruction_sign": Row(RECORD, _agent, overrides={"auditor": 403}),
    "activity:search": Row(EVERYBODY),
    "activity:search_save": Row(EVERYBODY, method="post"),
    "activity:search_forget": Row(NOBODY_ELSES, _saved, method="post"),
    "console:invocation_access": Row(RECORD, _run),
    "console:record_access": Row(RECORD, _leaf),
    "console:around": Row(RECORD, lambda: ["inventory.agent", AgentFactory().pk]),
}
