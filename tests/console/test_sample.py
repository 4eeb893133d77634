import io
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.accounts.models import Team, User
from apps.approvals.models import AccessRequest, BreakGlass, RemovalProposal
from apps.approvals.states import GroupKey
from apps.audit.models import AuditEntry
from apps.console.sample.document import company_document
from apps.console.sample.load import sample_load
from apps.notices.models import Notice
from tests.factories.approvals import KnownGroupFactory

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
SIZES = {"agents": 40, "systems": 15, "identities": 60, "credentials": 90, "grants": 300}


class ClosedPipe(io.StringIO):
    """Whoever listened went away after the first line: the load stops half way."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(text)


def test_the_invented_company_has_the_size_it_should_have():
    company = company_document(NOW)

    assert {kind: len(company[kind]) for kind in SIZES} == SIZES


def test_no_two_entries_of_the_invented_company_are_one():
    company = company_document(NOW)

    names = [(one["system"], one["name"]) for one in company["identities"]]
    held = [
        (one["system"], one["identity"], one["service"], one["level"]) for one in company["grants"]
    ]
    assert len(set(names)) == len(names)
    assert len(set(held)) == len(held)


def test_identities_of_the_invented_company_differ_in_what_they_hold():
    grants = company_document(NOW)["grants"]

    counts = Counter((one["system"], one["identity"]) for one in grants)
    assert len(set(counts.values())) > 5
    assert Counter(one["level"] for one in grants)["admin"] == 18


@pytest.mark.django_db
def test_the_invented_company_has_asked_for_access_and_judged_it():
    for key in GroupKey:
        KnownGroupFactory(key=key)

    list(sample_load(password="a long enough password"))

    requests = AccessRequest.objects.all()
    assert Counter(requests.values_list("state", flat=True)) == {
        "pending": 8,
        "approved": 1,
        "provisioned": 4,
        "denied": 1,
        "cancelled": 1,
        "lapsed": 1,
    }
    assert requests.filter(is_unmeetable=True).count() == 1
    ending = requests.get(access_ends_at__lt=timezone.now() + timedelta(days=3))
    assert Notice.objects.about(ending).filter(kind="access-ends").exists()
    assert RemovalProposal.objects.open().get().use_is_known
    use = BreakGlass.objects.get()
    assert (use.state, use.grant.state) == ("reviewed", "revoked")
    assert use.taken_at < timezone.now() - timedelta(days=20)


@pytest.mark.django_db
def test_a_load_that_is_stopped_half_way_leaves_nothing_and_can_be_started_again():
    with pytest.raises(BrokenPipeError):
        call_command("sample_data", password="a long enough password", stdout=ClosedPipe())

    assert not User.objects.exists()
    assert not Team.objects.exists()
    assert not AuditEntry.objects.exists()
