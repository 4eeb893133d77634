from apps.connectors.models import Sync
from apps.connectors.states import ConnectionState, SyncStatus
from tests.architecture.url_matrix import READERS, STEWARDS, Row
from tests.factories.accounts import UserFactory
from tests.factories.connectors import ConnectionFactory
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


def _connection():
    return [ConnectionFactory().pk]


def _removing():
    return [ConnectionFactory(removing=True).pk]


def _asked():
    asked = ConnectionFactory(
        state=ConnectionState.REMOVAL_ASKED, removal_asked_by=UserFactory(steward=True)
    )
    return [asked.pk]


ROWS = {
    "connectors:source_list": Row(READERS),
    # A source is about a whole account, so a seat limited to systems reads it too.
    "connectors:source_detail": Row(READERS, _source),
    "connectors:sync_upload": Row(STEWARDS),
    "connectors:inventory_export": Row(STEWARDS),
    "connectors:sync_detail": Row(STEWARDS, _reading),
    "connectors:sync_apply": Row(STEWARDS, _reading, method="post"),
    "connectors:sync_discard": Row(STEWARDS, _reading, method="post"),
    "connectors:connection_list": Row(STEWARDS),
    "connectors:connection_new": Row(STEWARDS, lambda: ["aws"]),
    "connectors:connection_detail": Row(STEWARDS, _connection),
    "connectors:connection_change": Row(STEWARDS, _connection),
    "connectors:connection_test": Row(STEWARDS, _connection, method="post"),
    "connectors:connection_read": Row(STEWARDS, _connection, method="post"),
    "connectors:connection_ask_removal": Row(STEWARDS, _connection),
    "connectors:connection_allow_removal": Row(STEWARDS, _asked),
    "connectors:connection_stop_removal": Row(STEWARDS, _removing),
    "connectors:connection_retire": Row(STEWARDS, _connection),
}
