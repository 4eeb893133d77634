import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.connectors.models import Sync
from apps.inventory.models import Identity, Source
from tests.connectors.adapters.reading import FIXTURES
from tests.factories.accounts import UserFactory

LIMITS = FIXTURES / "aws-limits.json"
FORMAT = "aws-authorization-details"

pytestmark = pytest.mark.django_db


def run(*args):
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_an_import_answers_in_json():
    told = json.loads(run("inventory_import", FORMAT, str(LIMITS), "--json"))

    assert told["source"] == Source.objects.get().pk
    assert (told["read"], told["accepted"], told["rejected"]) == (12, 12, 0)
    assert told["changes"]["identity"] == {
        "new": 9,
        "changed": 0,
        "gone": 0,
        "back": 0,
        "same": 0,
    }


def test_a_dry_run_says_what_would_change_and_leaves_no_trace():
    out = run("inventory_import", FORMAT, str(LIMITS), "--dry-run")

    assert "identity: 9 would be new" in out
    assert "nothing was written" in out
    assert not Sync.objects.exists()
    assert not Source.objects.exists()
    assert not Identity.objects.exists()


def test_a_refusal_names_file_place_and_reason(tmp_path):
    path = tmp_path / "export.json"
    path.write_text('{"UserDetailList": [')

    with pytest.raises(CommandError, match=r"export\.json: line 1, column 21: This is not valid"):
        run("inventory_import", FORMAT, str(path))

    assert not Sync.objects.exists()


def test_an_import_may_name_the_person_who_brings_it():
    user = UserFactory(email="steward@example.com", role="steward")

    run("inventory_import", FORMAT, str(LIMITS), "--by", "steward@example.com")

    assert Source.objects.get().brought_by == user


def test_nobody_unknown_brings_anything():
    with pytest.raises(CommandError, match="Nobody active here has the address"):
        run("inventory_import", FORMAT, str(LIMITS), "--by", "nobody@example.com")


def test_an_export_of_one_identity_is_one_document(tmp_path):
    run("inventory_import", FORMAT, str(LIMITS))

    told = json.loads(run("inventory_export", "--identity", "bounded", "--format", "json"))

    assert [one["name"] for one in told["identities"]] == ["bounded"]
    assert {(one["service"], one["level"]) for one in told["grants"]} == {
        ("ec2", "write"),
        ("s3", "read"),
        ("s3", "write"),
        ("sts", "write"),
    }
    out = tmp_path / "out.json"
    run("inventory_export", "--out", str(out))
    assert len(json.loads(out.read_text())["identities"]) == 9
