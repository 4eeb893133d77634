from apps.connectors.models import Sync
from apps.connectors.states import SyncStatus
from tests.architecture.url_matrix import READERS, STEWARDS, Row
from tests.factories.inventory import SourceFactory


def _source():
    return [SourceFactory().pk]


def _reading():
    sync = Sync.objects.create(
        format="countersign",
        file_name="agents.csv",
        brought_by_label="test",
        channel="web",
        status=SyncStatus.READY,
    )
    return [sync.pk]


ROWS = {
    "connectors:source_list": Row(READERS),
    # A source is about a whole account, so a seat limited to systems reads it too.
    "connectors:source_detail": Row(READERS, _source),
    "connectors:sync_upload": Row(STEWARDS),
    "connectors:inventory_export": Row(STEWARDS),
    "connectors:sync_detail": Row(STEWARDS, _reading),
    "connectors:sync_apply": Row(STEWARDS, _reading, method="post"),
    "connectors:sync_discard": Row(STEWARDS, _reading, method="post"),
}
