"""Reading an account while it goes wrong: what came is kept, what is missing is told."""

import pytest
from botocore.config import Config

from apps.connectors.adapters import aws_client
from apps.connectors.adapters.contract import CredentialRow, IdentityRow, Rejected
from apps.connectors.adapters.live import Unavailable
from tests.connectors.aws.faulty import failure

THROTTLED = (400, failure("Throttling", "Rate exceeded"))


def said(action, inner):
    return (200, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>")


def user(name):
    return (
        f"<member><UserName>{name}</UserName><UserId>AIDA</UserId><Path>/</Path>"
        f"<Arn>arn:aws:iam::000000000000:user/{name}</Arn>"
        "<CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
    )


def users(*names):
    told = "".join(user(name) for name in names)
    return said("ListUsers", f"<Users>{told}</Users><IsTruncated>false</IsTruncated>")


def service_credential(name, key):
    return (
        f"<member><UserName>{name}</UserName><Status>Active</Status>"
        "<ServiceCredentialAlias>BedrockAPIKey-x-at-000000000000</ServiceCredentialAlias>"
        "<CreateDate>2026-01-01T00:00:00Z</CreateDate>"
        "<ExpirationDate>2026-02-01T00:00:00Z</ExpirationDate>"
        f"<ServiceSpecificCredentialId>{key}</ServiceSpecificCredentialId>"
        "<ServiceName>bedrock.amazonaws.com</ServiceName></member>"
    )


def page_of(members, marker=""):
    more = f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"
    end = more if marker else "<IsTruncated>false</IsTruncated>"
    return said(
        "ListServiceSpecificCredentials",
        f"<ServiceSpecificCredentials>{members}</ServiceSpecificCredentials>{end}",
    )


@pytest.fixture
def once(monkeypatch):
    """A reading that asks again at once would have to wait for seconds."""
    tried = Config(retries={"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setattr(aws_client, "PATIENTLY", aws_client.PATIENTLY.merge(tried))


def credentials(faulty):
    adapter = faulty.adapter()
    part = next(part for part in adapter.parts() if part.key.startswith("credentials:"))
    return list(adapter.discover(part))


def test_credentials_of_one_service_are_read_over_all_pages(faulty, once):
    faulty.status, faulty.text = 404, failure("NoSuchEntity")
    faulty.answers = {
        "ListUsers": [users("one", "two")],
        "ListServiceSpecificCredentials": [
            page_of(service_credential("one", "ACCAONE"), marker="next"),
            page_of(service_credential("two", "ACCATWO")),
        ],
    }

    found = [row for row in credentials(faulty) if isinstance(row, CredentialRow)]

    assert [(row.identity[-3:], row.key, row.kind) for row in found] == [
        ("one", "ACCAONE", "api-key"),
        ("two", "ACCATWO", "api-key"),
    ]
    assert found[0].facts["service"] == "bedrock.amazonaws.com"
    assert f"{found[0].expires_at:%Y-%m-%d}" == "2026-02-01"


def test_throttling_is_waited_out(faulty):
    faulty.status, faulty.text = 404, failure("NoSuchEntity")
    faulty.answers = {"ListUsers": [THROTTLED, users("one")]}

    rows = credentials(faulty)

    assert faulty.asked.count("ListUsers") == 2
    assert [row.name for row in rows if isinstance(row, IdentityRow)] == ["one"]
    assert not [row for row in rows if isinstance(row, Rejected)]


def test_an_answer_that_does_not_come_for_one_user_spares_what_is_known_of_it(faulty, once):
    faulty.status, faulty.text = 404, failure("NoSuchEntity")
    faulty.answers = {
        "ListUsers": [users("one", "two")],
        "ListAccessKeys": [(500, failure("ServiceFailure", "Try later."))],
    }

    rows = credentials(faulty)

    [rejected] = [row for row in rows if isinstance(row, Rejected)]
    assert rejected.key == "arn:aws:iam::000000000000:user/one"
    assert (rejected.path, rejected.reason) == ("iam:ListAccessKeys", "Try later.")
    assert [row.name for row in rows if isinstance(row, IdentityRow)] == ["one", "two"]


def test_a_reading_is_given_up_where_nothing_comes_any_more(faulty, once):
    faulty.status, faulty.text = 500, failure("ServiceFailure")
    faulty.answers = {"ListUsers": [users(*(f"user-{number}" for number in range(20)))]}

    with pytest.raises(Unavailable):
        credentials(faulty)
