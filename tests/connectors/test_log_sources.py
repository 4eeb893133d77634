"""Systems' logs read by connection: once, from where the last ended, and whole up to there."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.models import Event, LogImport
from apps.audit.models import AuditEntry
from apps.connectors.adapters import aws_logs
from apps.connectors.adapters.live import Unavailable
from apps.connectors.models import LogSource
from apps.connectors.services import logs
from apps.connectors.tasks import read_due_logs, read_log
from apps.core.actors import System
from apps.core.errors import DomainError
from apps.core.models import Job, JobStatus
from tests.activity.logs import delivered, event, stream
from tests.factories.connectors import ConnectionFactory
from tests.factories.inventory import CredentialFactory, IdentityFactory
from tests.servers.aws import allow, as_the_log_names_it

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("ministack")]

ID, SECRET = "COUNTERSIGN_SECRET_AWS_ID", "COUNTERSIGN_SECRET_AWS_SECRET"
ACTOR = System("test")


@pytest.fixture
def told(ministack, monkeypatch):
    monkeypatch.setenv(ID, ministack.root.id)
    monkeypatch.setenv(SECRET, ministack.root.secret)
    return {
        "auth": "references",
        "access_key_id": f"env:{ID}",
        "secret_access_key": f"env:{SECRET}",
        "regions": ["us-east-1"],
        "endpoint": ministack.endpoint,
    }


@pytest.fixture
def at_once(monkeypatch):
    """The log of the server is complete at once."""
    monkeypatch.setattr(aws_logs, "COMPLETE_AFTER", timedelta(seconds=-2))


@pytest.fixture
def log(ministack):
    return stream(account=ministack.account, name="AWS")


@pytest.fixture
def source(log, told, ministack):
    return LogSource.objects.create(
        connection=ConnectionFactory(told=told, accounts=[ministack.account]),
        stream=log,
        since=timezone.now() - timedelta(hours=1),
    )


def read(source):
    job = logs.log_source_read(source_id=source.pk, actor=ACTOR)
    read_log(job_id=job.pk)
    source.refresh_from_db()
    source.stream.refresh_from_db()
    return LogImport.objects.latest("pk")


def names_as(identity):
    return list(Event.objects.filter(identity_id=identity.pk).values_list("name", flat=True))


@pytest.fixture
def trail(ministack, told, name):
    """A bucket that a trail writes to."""
    s3, bucket = ministack.client("s3"), f"logs-{name}"
    s3.create_bucket(Bucket=bucket)
    told["trails"] = [f"s3://{bucket}/AWSLogs/{ministack.account}"]

    def write(at, *events, region="us-east-1"):
        folder = f"AWSLogs/{ministack.account}/CloudTrail/{region}/{at:%Y/%m/%d}"
        stamp = f"{region}_{at:%Y%m%dT%H%M}Z_{len(events)}a"
        key = f"{folder}/{ministack.account}_CloudTrail_{stamp}.json.gz"
        s3.put_object(Bucket=bucket, Key=key, Body=delivered(*events))
        return key

    return write


@pytest.fixture
def name():
    return token_hex(6)


def happened(number, at, account="000000000000"):
    return event(number, eventTime=f"{at:%Y-%m-%dT%H:%M:%SZ}", recipientAccountId=account)


def test_the_history_of_events_is_read_and_known_again(ministack, source, at_once):
    user = ministack.user(allow("iam:*"))
    identity = IdentityFactory(system=source.stream.system, external_id=user.arn)
    # The server's log names a user by its key.
    CredentialFactory(identity=identity, external_id=user.key.id)
    as_the_log_names_it(ministack.client("iam", user.key)).list_users()

    first = read(source)
    again = read(source)

    assert names_as(identity) == ["iam:ListUsers"]
    assert first.kept >= 1
    assert (first.status, again.status) == ("done", "done")
    assert source.stream.complete_from == source.since
    assert timezone.now() - source.stream.complete_until < timedelta(minutes=1)
    assert source.problem == ""
    assert source.stream.system.log_connected


def test_what_is_new_is_all_that_is_asked_for(ministack, source, at_once):
    read(source)
    (cursor,) = source.cursors.values()
    read(source)

    (later,) = source.cursors.values()
    assert cursor < later
    assert LogImport.objects.count() == 2


def test_a_region_that_does_not_answer_is_named_and_the_others_are_kept(
    ministack, source, at_once, monkeypatch
):
    source.connection.told["regions"] = ["us-east-1", "eu-west-1"]
    source.connection.save()
    user = ministack.user(allow("iam:*"))
    as_the_log_names_it(ministack.client("iam", user.key)).list_users()
    answers = aws_logs.Clients.pages

    def pages(self, service, operation, *, region="", **params):
        if region == "eu-west-1":
            raise Unavailable("It does not answer.", call="cloudtrail:LookupEvents")
        return answers(self, service, operation, region=region, **params)

    with monkeypatch.context() as out_of_reach:
        out_of_reach.setattr(aws_logs.Clients, "pages", pages)
        held = read(source)
        halfway = source.stream.complete_until

    assert (held.status, held.unreadable) == ("done", 1)
    assert held.kept >= 1
    assert "Events of eu-west-1" in held.said
    assert "does not answer" in source.problem
    assert source.failing_since is not None
    assert halfway is None

    mended = read(source)
    assert (mended.status, source.problem) == ("done", "")
    assert source.stream.complete_from == source.since
    assert source.stream.complete_until is not None


def test_the_files_of_a_trail_are_read_once_and_whole_up_to_the_newest(
    ministack, source, trail, told
):
    source.connection.told = told
    source.connection.save()
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    trail(now - timedelta(hours=30), happened(1, now - timedelta(hours=30)))
    trail(now - timedelta(minutes=40), happened(2, now - timedelta(minutes=41)))
    trail(now - timedelta(minutes=30), happened(3, now), region="eu-west-1")

    first = read(source)
    until = source.stream.complete_until
    trail(now - timedelta(minutes=5), happened(4, now), happened(3, now))
    again = read(source)

    assert (first.kept, first.unreadable) == (2, 0)
    assert until == now - timedelta(minutes=45)
    assert (again.kept, Event.objects.count()) == (1, 3)
    assert source.stream.complete_until == now - timedelta(minutes=20)


def test_a_broken_file_of_a_trail_is_named_and_its_time_is_not_complete(
    ministack, source, trail, told
):
    source.connection.told = told
    source.connection.save()
    now = datetime.now(UTC)
    trail(now - timedelta(minutes=40), happened(1, now))
    key = trail(now - timedelta(minutes=35), happened(2, now), happened(3, now))
    bucket = told["trails"][0].split("/")[2]
    whole = gzip.compress(json.dumps({"Records": [happened(2, now), happened(3, now)]}).encode())
    ministack.client("s3").put_object(Bucket=bucket, Key=key, Body=whole[:-20])

    held = read(source)

    assert held.kept >= 1
    assert key.rpartition("/")[2] in held.said
    assert source.stream.complete_until is None
    assert read(source).status == "done"


def test_a_place_without_a_trail_is_refused_as_such(source, told):
    told["trails"] = ["s3://no-such-bucket-here/AWSLogs/000000000000"]
    source.connection.told = told
    source.connection.save()

    held = read(source)

    assert held.status == "failed"
    assert "no-such-bucket-here" in source.problem
    assert source.stream.complete_until is None


def test_a_worker_that_died_left_what_it_kept_and_is_said_to_have(source, at_once):
    left = logs.import_open(stream=source.stream, way="connection", name="halfway", actor=ACTOR)
    LogImport.objects.filter(pk=left.pk).update(status="running")

    read(source)

    left.refresh_from_db()
    assert (left.status, "stopped halfway" in left.said) == ("failed", True)


def test_a_connection_that_cannot_sign_in_says_so(source, monkeypatch):
    monkeypatch.delenv(SECRET)

    job = logs.log_source_read(source_id=source.pk, actor=ACTOR)
    read_log(job_id=job.pk)

    job.refresh_from_db()
    source.refresh_from_db()
    assert job.status == JobStatus.FAILED
    assert SECRET in source.problem


def test_it_reads_by_itself_when_due_and_not_once_stopped(source, at_once):
    LogSource.objects.update(next_reading_at=timezone.now())
    assert read_due_logs() == 1
    logs.log_source_stop(source_id=source.pk, actor=ACTOR)
    LogSource.objects.update(next_reading_at=timezone.now())

    assert read_due_logs() == 0
    with pytest.raises(DomainError, match="stopped"):
        logs.log_source_read(source_id=source.pk, actor=ACTOR)


def test_a_steward_has_a_log_read_in_the_browser(as_steward, log, told, ministack):
    connection = ConnectionFactory(told=told, accounts=[ministack.account], name="AWS production")
    panel = reverse("connectors:log_sources", args=[log.pk])
    offered = as_steward.get(panel).content.decode()
    day = timezone.localdate() - timedelta(days=2)

    as_steward.post(
        reverse("connectors:log_source_add", args=[log.pk]),
        {"connection": connection.pk, "since": day.isoformat()},
    )

    assert "Have it read" in offered
    source = LogSource.objects.get()
    assert timezone.localdate(source.since) == day
    assert Job.objects.filter(kind="connectors.read_log").count() == 1
    assert AuditEntry.objects.filter(verb="connectors.logsource.added").exists()
    assert "AWS production" in as_steward.get(panel).content.decode()
    as_steward.post(reverse("connectors:log_source_read", args=[source.pk]))
    assert Job.objects.filter(kind="connectors.read_log").count() == 1
    as_steward.post(reverse("connectors:log_source_stop", args=[source.pk]))
    assert "AWS production" not in as_steward.get(panel).content.decode()


def test_a_connection_of_another_account_is_not_offered(as_steward, log, told):
    other = ConnectionFactory(told=told, accounts=["999999999999"])

    page = as_steward.get(reverse("connectors:log_sources", args=[log.pk])).content.decode()

    assert "None can" in page
    with pytest.raises(DomainError, match="does not speak for"):
        logs.log_source_add(stream=log, connection_id=other.pk, since=timezone.now(), actor=ACTOR)


def test_from_before_what_aws_keeps_is_refused(as_steward, log, told, ministack):
    connection = ConnectionFactory(told=told, accounts=[ministack.account])

    answer = as_steward.post(
        reverse("connectors:log_source_add", args=[log.pk]),
        {"connection": connection.pk, "since": "2020-01-01"},
    )

    assert answer.status_code == 422
    assert "within the last 90 days" in answer.content.decode()


def test_the_rights_to_a_trail_are_told_and_tried(ministack, trail, told):
    now = datetime.now(UTC)
    trail(now, event(1))
    bucket = told["trails"][0].split("/")[2]
    adapter = ministack.adapter(trails=told["trails"])

    rights = adapter.rights({"trails": told["trails"]}, "reading")
    checks = [one for one in adapter.check(removal=False) if one.right == "s3:ListBucket"]

    assert f"arn:aws:s3:::{bucket}/AWSLogs/000000000000/*" in rights
    assert [one.worked for one in checks] == [True]


def test_ending_a_log_stops_every_connection_that_reads_it(source, log, as_steward):
    url = reverse("connectors:log_end", args=[log.pk])
    as_steward.post(url, {"reason": "The account was closed."})

    source.refresh_from_db()
    log.refresh_from_db()
    assert source.stopped_at is not None
    assert source.next_reading_at is None
    assert logs.log_sources_read_due(actor=ACTOR) == 0
    assert logs.connections_for(log) == []
    with pytest.raises(DomainError, match="has ended"):
        logs.log_source_add(
            stream=log,
            connection_id=source.connection_id,
            since=timezone.now() - timedelta(days=1),
            actor=ACTOR,
        )
