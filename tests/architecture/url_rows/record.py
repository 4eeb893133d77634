from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import System as Countersign
from apps.proof.models import Checkpoint, Log
from tests.architecture.url_matrix import READERS, READERS_RECORD, Row
from tests.evidence.trail import sign
from tests.factories.inventory import AgentFactory


def _entry():
    with transaction.atomic():
        return record(
            actor=Countersign("test"), verb=Verb.AGENT_CHANGED, target=AgentFactory(), reason="x"
        )


def _sealed():
    entry = _entry()
    with TemporaryDirectory() as folder:
        sign(Path(folder))
    return [entry.pk]


def _told():
    return ["inventory.agent", _entry().target_id]


def _checkpoint():
    log = Log.objects.get_or_create(name="governance", origin="example.com/governance")[0]
    made = Checkpoint.objects.create(
        log=log, epoch=1, size=1, root=b"\0" * 32, note="note", signed_at=timezone.now()
    )
    return [made.pk]


ROWS = {
    "console:proof": Row(READERS),
    "console:checkpoint_download": Row(READERS, _checkpoint),
    "console:record_list": Row(READERS),
    "console:record_detail": Row(READERS_RECORD, lambda: [_entry().pk]),
    "console:record_proof": Row(READERS_RECORD, _sealed),
    "console:record_timeline": Row(READERS_RECORD, _told),
}
