from threading import Thread

import pytest
from django.db import connection, transaction

from apps.audit.models import AuditEntry
from apps.connectors.services.applying import ONE_AT_A_TIME, sync_apply
from apps.inventory.models import Identity, Source, System
from tests.connectors.adapters.reading import FIXTURES
from tests.connectors.importing import COMMAND, bring, read

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
