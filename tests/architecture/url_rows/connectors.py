from django.utils import timezone

from apps.activity.models import Stream
from apps.connectors.models import LogSource, Sync
from apps.connectors.states import ConnectionState, SyncStatus
from tests.architecture.url_matrix import READERS, READERS_RECORD, STEWARDS, Row
from tests.factories.accounts import UserFactory
from tests.factories.connectors import ConnectionFactory
from tests.factories.inventory import SourceFactory, SystemFactory


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


def _log():
    return [Stream.objects.create(system=SystemFactory(), log_format="cloudtrail").pk]


def _log_source():
    source = LogSource.objects.create(
        connection=ConnectionFactory(),
        stream=Stream.objects.get(pk=_log()[0]),
        since=timezone.now(),
    )
    return [source.pk]


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
    "connectors:log_sources": Row(READERS_RECORD, _log),
    "connectors:log_source_add": Row(STEWARDS, _log),
    "connectors:log_end": Row(STEWARDS, _log),
    "connectors:log_source_read": Row(STEWARDS, _log_source, method="post"),
    "connectors:log_source_stop": Row(STEWARDS, _log_source, method="post"),
}
