from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.services.seals import entries_seal, seals_sweep
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.notices.models import Page
from apps.notices.services import broken_logs_page
from apps.proof import notes
from apps.proof.models import Checkpoint, Log, Watch
from apps.proof.services.signing import Untrue, logs_sign
from tests.audit.test_seals import said
from tests.proof.conftest import key, memory  # noqa: F401  (fixtures)
from tests.proof.tampering import as_owner, delete_everything

pytestmark = pytest.mark.django_db
BEFORE = "UPDATE audit_auditentry SET occurred_at = occurred_at - interval '1 hour'"


@pytest.fixture
def sign(key, memory):  # noqa: F811
    return lambda: logs_sign(key=key, memory=memory, now=timezone.now())


def page_of(client, entry):
    return client.get(reverse("console:record_detail", args=[entry.pk])).text


def findings(system):
    findings_recheck(actor=system, rules=["log-broken", "signer-silent"])
    return list(Finding.objects.holding().values_list("rule", "subject_label", "detail"))


def test_an_entry_says_whether_it_is_sealed_and_verified_as_one_looks(as_auditor, sign):
    entry = said().last()
    assert "Not sealed yet" in page_of(as_auditor, entry)

    entries_seal()
    assert "not in a signed checkpoint yet" in page_of(as_auditor, entry)

    [checkpoint] = sign()
    page = page_of(as_auditor, entry)
    link = reverse("console:checkpoint_download", args=[checkpoint.pk])
    assert f'<a href="{link}">{checkpoint.size}</a>' in page
    assert "verified now" in page


def test_an_entry_that_was_changed_says_so(as_steward, sign):
    entry = said().last()
    entries_seal()
    sign()
    change = "UPDATE audit_auditentry SET actor_label = 'Nobody' WHERE id = %s"
    as_owner("audit_auditentry", change, entry.pk)

    page = page_of(as_steward, entry)

    assert "Does not hold: The entry says other than what was sealed." in page
    assert "verified now" not in page


def test_the_page_tells_how_each_log_stands(as_auditor, sign, django_assert_max_num_queries):
    said(3)
    entries_seal()
    sign()
    seals_sweep()

    page = as_auditor.get(reverse("console:proof")).text

    checkpoint = Checkpoint.objects.get()
    assert f"<dd>{checkpoint.size}, signed" in page
    assert Log.objects.get().origin in page
    assert "Read everything anew" in page
    assert checkpoint.note.splitlines()[2] in page


def test_a_checkpoint_is_taken_as_it_was_signed(as_auditor, sign, client):
    said()
    entries_seal()
    [checkpoint] = sign()

    got = as_auditor.get(reverse("console:checkpoint_download", args=[checkpoint.pk]))
    client.logout()
    published = client.get(reverse("evidence:keys")).json()

    [log] = published["logs"]
    assert got.headers["Content-Disposition"].endswith('.checkpoint"')
    assert notes.opened(got.text, log["vkey"]).startswith(log["origin"])


def test_what_sweeper_and_signer_find_is_on_the_page_and_a_finding(as_steward, sign, system):
    said()
    entries_seal()
    sign()
    assert findings(system) == []
    change = "UPDATE audit_auditentry SET reason = 'Other' WHERE id = %s"
    as_owner("audit_auditentry", change, AuditEntry.objects.first().pk)

    seals_sweep(now=timezone.now() + timedelta(hours=2))

    [(rule, label, detail)] = findings(system)
    assert (rule, label) == ("log-broken", "Log governance")
    assert "says other than what was sealed" in detail
    assert detail in as_steward.get(reverse("console:proof")).text
    found = Finding.objects.get()
    assert reverse("console:proof") in as_steward.get(found.get_absolute_url()).text


def test_a_log_that_nobody_signs_is_a_finding(sign, system):
    said()
    entries_seal()
    assert findings(system) == []
    earlier = timezone.now() - timedelta(hours=1)
    Log.objects.update(begun_at=earlier)

    assert [rule for rule, _, _ in findings(system)] == ["signer-silent"]
    sign()
    assert findings(system) == []
    Watch.objects.update(looked_at=earlier)
    assert [rule for rule, _, _ in findings(system)] == ["signer-silent"]


def test_where_an_owner_took_every_log_away_home_and_the_page_of_logs_say_so(
    as_steward, as_auditor, sign, system
):
    """Whoever comes first: the pages by themselves, then the signer, which remembers."""
    said()
    entries_seal()
    sign()
    home, proof = reverse("console:home"), reverse("console:proof")
    assert "may not be what was sealed" not in as_steward.get(home).text
    as_owner("audit_auditentry", BEFORE)
    delete_everything()

    assert "somebody who owns the database took the log away" in as_steward.get(home).text
    page = as_auditor.get(proof).text
    assert "The log of the record is not there" in page
    assert "Nothing is sealed yet" not in page

    with pytest.raises(Untrue):
        sign()

    told = "The database has no log governance, which was signed before."
    assert told in as_steward.get(home).text
    assert told in as_auditor.get(home).text
    page = as_auditor.get(proof).text
    assert (told in page, "Stopped; it signs nothing" in page) == (True, True)
    assert findings(system) == [("log-broken", "Log governance", told)]


@pytest.mark.parametrize("are_seals_left", [True, False])
def test_a_log_that_the_sealer_made_anew_is_told_until_it_is_signed(
    as_steward, as_auditor, sign, are_seals_left
):
    """Within seconds: before that nobody may have looked. The signer does not run."""
    said()
    as_owner("audit_auditentry", BEFORE)
    entries_seal()
    home, proof = reverse("console:home"), reverse("console:proof")
    new = as_steward.get(home).text
    sign()
    before = as_steward.get(home).text
    entries_seal()
    delete_everything()
    if not are_seals_left:
        as_owner("audit_seal", "DELETE FROM audit_seal")

    entries_seal()

    assert Log.objects.get().size == (0 if are_seals_left else AuditEntry.objects.count())
    told = "began after them and was never signed"
    assert (told in new, told in before, told in as_steward.get(home).text) == (True, False, True)
    assert "began after entries that it should hold" in as_auditor.get(proof).text


def test_a_manager_is_not_told_of_logs_that_they_may_not_read(as_reviewer):
    said()
    as_owner("audit_auditentry", BEFORE)

    assert "may not be what was sealed" not in as_reviewer.get(reverse("console:home")).text


def test_without_a_signer_the_sweeper_misses_what_stood_in_the_log(as_steward, sign, system):
    said(3)
    entries_seal()
    sign()
    last = Log.objects.get().size - 1
    delete_everything()

    entries_seal()
    seals_sweep()

    told = f"Log governance: The log ends at 0, and entries are sealed up to {last}."
    assert findings(system) == [("log-broken", "Log governance", told)]
    assert told in as_steward.get(reverse("console:home")).text


def test_a_log_made_anew_behind_its_owner_misses_its_signer(sign, system):
    """With the seals gone as well nothing in the database says that there ever was a log."""
    said(3)
    entries_seal()
    sign()
    delete_everything()
    as_owner("audit_seal", "DELETE FROM audit_seal")
    as_owner("audit_auditentry", "UPDATE audit_auditentry SET reason = 'Other'")

    entries_seal()
    Log.objects.update(begun_at=timezone.now() - timedelta(hours=1))

    assert [rule for rule, _, _ in findings(system)] == ["signer-silent"]
    with pytest.raises(Untrue, match="are not one"):
        sign()
    assert Watch.objects.in_trouble().get().log.name == "governance"


def test_somebody_is_called_once_for_each_trouble_of_a_log(sign, system, steward):
    said()
    entries_seal()
    sign()
    assert broken_logs_page(actor=system) == 0
    delete_everything()
    with pytest.raises(Untrue):
        sign()

    assert broken_logs_page(actor=system) == broken_logs_page(actor=system) == 1

    page = Page.objects.get()
    assert page.severity == "critical"
    assert "The database has no log governance" in page.subject
    assert page.about_href == reverse("console:proof")
