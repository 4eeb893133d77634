"""Bringing in what systems recorded, by the command."""

import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError

from apps.activity.models import Event, LogImport, Stream
from apps.activity.services import logs
from apps.audit.models import AuditEntry
from tests.activity.logs import (
    ROBOT,
    as_lines,
    command,
    delivered,
    event,
    stream,
)
from tests.factories.inventory import SystemFactory

pytestmark = pytest.mark.django_db


def test_the_command_says_what_it_kept_and_names_what_it_could_not_read(tmp_path):
    SystemFactory(name="AWS", kind="aws")
    path = tmp_path / "trail.jsonl"
    path.write_bytes(as_lines(event(1), "{", event(2)))

    out = command("log_import", path, "--system", "AWS", "--format", "cloudtrail")
    again = command("log_import", path, "--system", "AWS", "--format", "cloudtrail")

    assert "trail.jsonl, line 2: This is not valid JSON" in out
    assert "2 kept, 0 were here already, 1 could not be read, 2 of no known identity" in out
    assert "0 kept, 2 were here already" in again
    assert Stream.objects.count() == 1
    assert Event.objects.count() == 2


@pytest.mark.parametrize(("more", "is_complete"), [([], False), (["--whole"], True)])
def test_files_make_a_log_complete_only_where_somebody_says_they_are_whole(
    tmp_path, more, is_complete
):
    """They may have been filtered, by a user's name, say, and do not tell."""
    log = stream(name="AWS")
    path = tmp_path / "some.json"
    path.write_bytes(delivered(event(1), event(2)))

    command("log_import", path, "--system", "AWS", "--format", "cloudtrail", *more)

    log.refresh_from_db()
    assert (log.complete_until is not None) is is_complete
    held = LogImport.objects.get()
    assert (held.status, held.kept) == ("done", 2)
    assert ("was not said to be whole" in held.said) is not is_complete
    (entry,) = AuditEntry.objects.filter(verb="activity.logimport.read")
    assert entry.changes["said to be whole"] == [None, is_complete]


def test_the_command_takes_a_mapping_for_any_other_log(tmp_path):
    system = SystemFactory(name="CRM", kind="crm")
    mapping, path = tmp_path / "mapping.json", tmp_path / "crm.jsonl"
    mapping.write_text(json.dumps({"name": "act", "happened_at": "at"}))
    path.write_bytes(as_lines({"act": "refund", "at": "2026-07-10T11:00:00Z"}))

    command("log_import", path, "--system", "CRM", "--format", "generic", "--mapping", mapping)

    assert Event.objects.get().name == "refund"
    assert system.logs.get().mapping == {"name": "act", "happened_at": "at"}


def test_the_command_refuses_what_it_does_not_know(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\0\0")
    SystemFactory(name="CRM")

    for wrong, said in (
        (["log_import", path, "--system", "None", "--format", "vault"], "no system called None"),
        (["log_import", tmp_path / "y", "--system", "CRM", "--format", "vault"], "no such file"),
        (["log_import", path, "--system", "CRM", "--format", "generic"], "name has to be mapped"),
        (["log_import", path, "--system", "CRM", "--format", "vault"], "x.jsonl, line 1"),
    ):
        with pytest.raises(CommandError, match=said):
            command(*wrong)


def test_a_command_that_was_stopped_is_said_to_have_been(tmp_path):
    log = stream(name="AWS")
    opened = logs.import_open(stream=log, way="command", name="old.json", actor=ROBOT)
    LogImport.objects.filter(pk=opened.pk).update(
        status="running", advanced_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    path = tmp_path / "new.json"
    path.write_bytes(delivered(event(1)))

    command("log_import", path, "--system", "AWS", "--format", "cloudtrail")

    opened.refresh_from_db()
    assert opened.status == "failed"
    assert "stopped halfway" in opened.said
