from django.db import transaction

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import System as Countersign
from tests.architecture.url_matrix import READERS, READERS_RECORD, Row
from tests.factories.inventory import AgentFactory


def _entry():
    with transaction.atomic():
        return record(
            actor=Countersign("test"), verb=Verb.AGENT_CHANGED, target=AgentFactory(), reason="x"
        )


def _told():
    return ["inventory.agent", _entry().target_id]


ROWS = {
    "console:record_list": Row(READERS),
    "console:record_detail": Row(READERS_RECORD, lambda: [_entry().pk]),
    "console:record_timeline": Row(READERS_RECORD, _told),
}
