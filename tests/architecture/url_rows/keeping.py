from apps.activity.headers import Whose
from apps.activity.models import Erasure, Event
from tests.activity.keeping import records_come
from tests.architecture.url_matrix import READERS, READERS_RECORD, STEWARDS, Row, inside
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentFactory


def _leaf():
    agent = AgentFactory()
    records_come(1, whose=Whose(agent_id=agent.pk, agent=agent.name))
    return [Event.objects.get().leaf_index]


def _erasure():
    leaf = _leaf()[0]
    event = Event.objects.get()
    made = Erasure.objects.create(
        log_id=event.log_id,
        leaf_index=leaf,
        recorded_at=event.recorded_at,
        record_name=event.name,
        agent_id=event.agent_id,
        state="asked",
        basis="person",
        reason="They asked for it.",
        asked_by=UserFactory(steward=True),
    )
    return [made.pk]


# An auditor asks only where the seat includes the words of agents; nobody takes back another's.
NOT_THEIRS = inside(403, 403, 403, 403)

ROWS = {
    "activity:kept": Row(READERS),
    "activity:months_archive": Row(STEWARDS),
    "activity:erasure_list": Row(READERS),
    "activity:erasure_detail": Row(READERS_RECORD, _erasure),
    "activity:erasure_new": Row(STEWARDS, _leaf),
    "activity:erasure_allow": Row(STEWARDS, _erasure),
    "activity:erasure_deny": Row(STEWARDS, _erasure),
    "activity:erasure_take_back": Row(NOT_THEIRS, _erasure),
}
