from threading import Thread

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.connectors.models import LogSource
from apps.connectors.services.applying import ONE_AT_A_TIME, sync_apply
from apps.connectors.services.logs import log_end, log_source_add
from apps.core.errors import DomainError
from apps.inventory.models import Identity, Source, System
from tests.activity.logs import stream
from tests.connectors.adapters.reading import FIXTURES
from tests.connectors.importing import COMMAND, bring, read
from tests.factories.connectors import ConnectionFactory

LIMITS = FIXTURES / "aws-limits.json"
FORMAT = "aws-authorization-details"


@pytest.mark.django_db(transaction=True)
def test_an_import_waits_until_another_has_ended():
    def second() -> None:
        bring(LIMITS, FORMAT)
        connection.close()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
        thread = Thread(target=second)
        thread.start()
        thread.join(timeout=3)
        waited = thread.is_alive()
    thread.join(timeout=30)

    assert waited
    assert Source.objects.count() == 1


@pytest.mark.django_db
def test_an_import_that_fails_half_way_leaves_nothing():
    sync = read(LIMITS, FORMAT)
    sync.rows.create(kind="justification", key="broken", data={})

    with pytest.raises(KeyError), transaction.atomic():
        sync_apply(sync_id=sync.pk, actor=COMMAND)

    assert not Source.objects.exists()
    assert not System.objects.exists()
    assert not Identity.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_log_that_ends_while_a_connection_is_added_is_read_by_none():
    log = stream(account="000000000000")
    told = {"auth": "references", "access_key_id": "env:NONE", "secret_access_key": "env:NONE"}
    source = ConnectionFactory(told={**told, "regions": ["us-east-1"]})

    def end() -> None:
        log_end(stream_id=log.pk, reason="The account was closed.", actor=COMMAND)
        connection.close()

    with transaction.atomic():
        log_source_add(stream=log, connection_id=source.pk, since=timezone.now(), actor=COMMAND)
        thread = Thread(target=end)
        thread.start()
        thread.join(timeout=2)
        waited = thread.is_alive()
    thread.join(timeout=30)

    log.refresh_from_db()
    assert waited
    assert log.ended_at is not None
    assert not LogSource.objects.standing().exists()


@pytest.mark.django_db
def test_a_log_that_ended_meanwhile_gets_no_connection_from_who_saw_it_before():
    seen_before = stream(account="000000000000")
    log_end(stream_id=seen_before.pk, reason="The account was closed.", actor=COMMAND)

    with pytest.raises(DomainError, match="has ended"):
        log_source_add(
            stream=seen_before,
            connection_id=ConnectionFactory().pk,
            since=timezone.now(),
            actor=COMMAND,
        )
