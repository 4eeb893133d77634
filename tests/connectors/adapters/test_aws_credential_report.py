import base64
import json
from datetime import UTC, datetime

import pytest

from apps.connectors.adapters.contract import CredentialRow, Header, UnreadableSource
from tests.connectors.adapters.reading import FIXTURES, identity, rejected, rows_from, rows_of

FORMAT = "aws-credential-report"
REPORT = FIXTURES / "aws-credential-report.csv"


def credentials(rows):
    return {row.key.rpartition("/")[2]: row for row in rows if isinstance(row, CredentialRow)}


def test_the_report_as_aws_makes_it():
    held = credentials(rows_of(REPORT, FORMAT))

    assert set(held) == {
        "arn:aws:iam::111122223333:root#password",
        "support-agent#access-key-1",
        "support-agent#access-key-2",
        "steward#password",
        "steward#certificate-1",
    }


def test_an_access_key_has_age_rotation_and_last_use():
    key = credentials(rows_of(REPORT, FORMAT))["support-agent#access-key-1"]

    assert key.kind == "access-key"
    assert key.active
    assert key.created_at == key.rotated_at == datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
    assert key.last_used_at == datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
    assert key.facts == {"last_used_region": "eu-central-1", "last_used_service": "s3"}


def test_a_key_switched_off_and_never_used_is_still_a_credential():
    key = credentials(rows_of(REPORT, FORMAT))["support-agent#access-key-2"]

    assert not key.active
    assert key.last_used_at is None
    assert key.use_known


def test_password_and_mfa_are_kept():
    rows = rows_of(REPORT, FORMAT)

    assert identity(rows, "steward").facts == {"mfa_active": True, "password_enabled": True}
    assert identity(rows, "root account").kind == "aws-root"
    assert credentials(rows)["steward#password"].expires_at == datetime(2026, 12, 30, tzinfo=UTC)


def test_the_commands_own_json_gives_the_providers_time(tmp_path):
    wrapper = {
        "Content": base64.b64encode(REPORT.read_bytes()).decode(),
        "ReportFormat": "text/csv",
        "GeneratedTime": "2026-11-23T22:00:00+00:00",
    }

    rows = rows_from(tmp_path, json.dumps(wrapper), FORMAT)

    assert isinstance(rows[0], Header)
    assert rows[0].provider_at == datetime(2026, 11, 23, 22, tzinfo=UTC)
    assert credentials(rows).keys() == credentials(rows_of(REPORT, FORMAT)).keys()


def test_a_bad_cell_names_line_and_column(tmp_path):
    text = REPORT.read_text().replace("2025-03-01T09:30:00+00:00", "first of March")

    (bad,) = rejected(rows_from(tmp_path, text, FORMAT))

    assert bad.path == "line 3, access_key_1_last_rotated"
    assert bad.reason == "'first of March' is not a time."
    assert bad.key == "arn:aws:iam::111122223333:user/support-agent"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,mail\nx,y\n", "line 1: .* the column user is missing"),
        ('{"Users": []}', "not the output of"),
        (REPORT.read_text().splitlines()[0] + "\n", "lists no user"),
    ],
)
def test_other_files_are_refused(tmp_path, text, reason):
    with pytest.raises(UnreadableSource, match=reason):
        rows_from(tmp_path, text, FORMAT)
