import pytest
from django.db import transaction
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.console.timelines import entries_visible_to, timeline_of
from apps.core.actors import Person
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory, BindingFactory
from tests.factories.notices import page_sent
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@transaction.atomic
def said(verb, target, actor, reason="Because"):
    return record(actor=actor, verb=verb, target=target, reason=reason)


def test_the_record_lists_entries_and_links_each_to_its_record(as_steward, system):
    agent = AgentFactory(name="Ticket triage")
    entry = said(Verb.AGENT_CREATED, agent, system)

    page = as_steward.get(reverse("console:record_list")).content.decode()

    assert "Ticket triage" in page
    assert reverse("console:record_detail", args=[entry.pk]) in page
    assert reverse("console:record_timeline", args=["inventory.agent", agent.pk]) in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ticket", True),
        ("q=nothing", False),
        ("verb=inventory.agent.created", True),
        ("verb=inventory.agent.retired", False),
        ("channel=task", True),
        ("channel=web", False),
        ("since=2001-01-01", True),
        ("until=2001-01-01", False),
        ("kind=inventory.agent", True),
    ],
)
def test_the_record_is_searched_by_record_verb_door_and_time(as_steward, system, query, found):
    said(Verb.AGENT_CREATED, AgentFactory(name="Ticket triage"), system)

    page = as_steward.get(f"{reverse('console:record_list')}?{query}").content.decode()

    assert ("Ticket triage" in page) is found


def test_the_record_is_searched_by_person(as_steward, steward, reviewer):
    said(Verb.AGENT_CHANGED, AgentFactory(name="Ticket triage"), Person(reviewer))
    said(Verb.AGENT_CHANGED, AgentFactory(name="Invoice matcher"), Person(steward))

    url = f"{reverse('console:record_list')}?actor={reviewer.pk}"
    page = as_steward.get(url).content.decode()

    assert "Ticket triage" in page
    assert "Invoice matcher" not in page


def test_the_entries_of_one_record_are_searched_under_its_name(as_steward, system):
    agent = AgentFactory(name="Ticket triage")
    said(Verb.AGENT_CREATED, agent, system)
    said(Verb.AGENT_CREATED, AgentFactory(name="Invoice matcher"), system)
    story = as_steward.get(reverse("console:record_timeline", args=["inventory.agent", agent.pk]))
    query = f"?kind=inventory.agent&record={agent.pk}"

    page = as_steward.get(f"{reverse('console:record_list')}{query}")

    assert query.replace("&", "&amp;") in story.text
    assert [(chip.label, chip.value) for chip in page.context["listing"].chips] == [
        ("Kind of record", "Agent"),
        ("Record", "Ticket triage"),
    ]
    assert "Invoice matcher" not in page.text


def test_people_to_search_by_are_those_who_did_something(as_steward, steward, reviewer):
    said(Verb.AGENT_CHANGED, AgentFactory(), Person(reviewer))

    form = as_steward.get(reverse("console:record_list")).context["filterset"].form

    assert list(form.fields["actor"].queryset) == [reviewer]


def test_no_template_is_drawn_for_each_of_the_people_to_search_by(as_steward):
    url, no_entry = reverse("console:record_list"), {"channel": "command"}
    before = as_steward.get(url, no_entry)
    for person in UserFactory.create_batch(20):
        said(Verb.PERSON_CHANGED, person, Person(person))

    after = as_steward.get(url, no_entry)

    assert after.text.count("<option") == before.text.count("<option") + 20
    assert len(after.templates) == len(before.templates)


def test_the_record_says_which_page_an_auditor_opened(as_auditor):
    as_auditor.get(reverse("inventory:agent_list"))

    page = as_auditor.get(reverse("console:record_list")).text

    assert f'<div class="mono text-break">{reverse("inventory:agent_list")}</div>' in page


def test_a_reviewer_may_not_read_the_record(as_reviewer, system):
    entry = said(Verb.AGENT_CREATED, AgentFactory(), system)

    assert as_reviewer.get(reverse("console:record_list")).status_code == 403
    assert as_reviewer.get(reverse("console:record_detail", args=[entry.pk])).status_code == 403


def test_an_entry_shows_the_change_and_leads_to_the_record(as_auditor, system):
    agent = AgentFactory()
    with transaction.atomic():
        entry = record(
            actor=system,
            verb=Verb.AGENT_CHANGED,
            target=agent,
            changes={"platform": ("Lambda", "Fargate"), "activation_gaps": ([], ["trail"])},
            reason="Moved",
        )

    page = as_auditor.get(reverse("console:record_detail", args=[entry.pk])).content.decode()

    assert "Lambda" in page
    assert "Fargate" in page
    assert "Activation gaps" in page
    assert "activation_gaps" not in page
    assert "[" not in page[page.index("What changed") :]
    assert reverse("console:agent_detail", args=[agent.pk]) in page


def test_an_entry_leads_an_auditor_to_no_page_that_is_closed_to_them(client, auditor, steward):
    sent = page_sent()
    entry = AuditEntry.objects.get(target_type="notices.page", target_id=sent.pk)
    address = reverse("console:record_detail", args=[entry.pk])
    theirs = reverse("notices:page_detail", args=[sent.pk])

    sign_in(client, steward)
    assert theirs in client.get(address).content.decode()

    sign_in(client, auditor)
    assert theirs not in client.get(address).content.decode()


def test_an_agents_timeline_holds_what_belongs_to_it(steward, system):
    binding = BindingFactory()
    grant = GrantFactory(identity=binding.identity)
    said(Verb.AGENT_CREATED, binding.agent, system)
    said(Verb.BINDING_CREATED, binding, system)
    said(Verb.GRANT_JUSTIFIED, grant, system)
    said(Verb.AGENT_CREATED, AgentFactory(), system)

    entries = timeline_of("inventory.agent", binding.agent_id, actor=Person(steward))

    assert {entry.verb for entry in entries} == {
        Verb.AGENT_CREATED,
        Verb.BINDING_CREATED,
        Verb.GRANT_JUSTIFIED,
    }
    assert entries.count() == 3


def test_an_auditor_reads_the_record_of_their_period(auditor, system):
    said(Verb.AGENT_CREATED, AgentFactory(), system)
    auditor.seat.period_until = "2001-01-01"
    auditor.seat.save()
    auditor.refresh_from_db()

    assert AuditEntry.objects.count() == 1
    assert not entries_visible_to(Person(auditor)).exists()


def test_an_auditor_limited_to_systems_reads_of_no_other(auditor, system):
    said(Verb.GRANT_JUSTIFIED, GrantFactory(), system)
    auditor.seat.limited_to_systems = True
    auditor.seat.save()
    auditor.refresh_from_db()

    assert not entries_visible_to(Person(auditor)).exists()


def test_a_record_nobody_knows_has_no_timeline(as_steward):
    for target in ("inventory.agent", "nonsense", "no.thing"):
        url = reverse("console:record_timeline", args=[target, 999_999])
        assert as_steward.get(url).status_code == 404
