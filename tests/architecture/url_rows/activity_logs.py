from apps.activity.models import Stream
from apps.activity.services.logs import import_open
from apps.core.actors import System as Countersign
from tests.architecture.url_matrix import READERS, READERS_RECORD, STEWARDS, Row
from tests.factories.inventory import SystemFactory


def _log():
    return [Stream.objects.create(system=SystemFactory(), log_format="cloudtrail").pk]


def _import():
    held = import_open(
        stream=Stream.objects.get(pk=_log()[0]),
        way="command",
        name="log.json",
        actor=Countersign("test"),
    )
    return [held.pk]


ROWS = {
    "activity:log_list": Row(READERS),
    "activity:log_new": Row(STEWARDS),
    "activity:log_try": Row(STEWARDS, method="post"),
    "activity:log_detail": Row(READERS_RECORD, _log),
    "activity:log_change": Row(STEWARDS, _log),
    "activity:log_upload": Row(STEWARDS, _log),
    "activity:log_resume": Row(STEWARDS, _log),
    "activity:log_import_detail": Row(READERS_RECORD, _import),
}
