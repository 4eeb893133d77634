"""An agent's activity: each figure leads to exactly what it counts, and "no grant" says why."""

import re
from html import unescape

import pytest
from django.urls import reverse
from django.utils.html import escape

from apps.activity.headers import Whose
from apps.activity.models import Event, Invocation
from apps.activity.services.hours import hours_count
from apps.activity.services.measuring import use_measure
from apps.grants.models import GrantStatement
from tests.activity.runs import NOW, OTHER, api, keep, run, shifted
from tests.activity.use import known_for_long
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import BindingFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
ODD = 'tickets.read & "<i>more'


@pytest.fixture
def binding():
    """Another agent acts as the same identity."""
    mine = BindingFactory(agent__name="helper", identity__system__kind="helpdesk")
    BindingFactory(identity=mine.identity)
    return mine


@pytest.fixture
def grant(binding):
    known_for_long(binding.identity)
    grant = known_for_long(GrantFactory(identity=binding.identity, service="tickets", level="read"))
    GrantStatement.objects.create(
        grant=grant, position=0, actions=["tickets.*"], resources=["tickets/team-*", "boards/1"]
    )
    return grant


@pytest.fixture(autouse=True)
def told(binding, grant):
    """Of four calls by the identity two are proven of the agent's runs, and one of those failed."""
    identity = binding.identity
    told = shifted(run(), NOW)
    told[2].request_id = "REQ0"
    again = shifted(
        run(
            OTHER,
        ),
        NOW,
    )
    again[3].request_id = "REQ2"
    whose = Whose(agent_id=binding.agent_id, agent=binding.agent.name)
    keep(*told, *again, whose=whose)
    keep(
        api("tickets.read", NOW + 1, request_id="REQ1", target="ticket 7", outcome="ok"),
        api(ODD, NOW + 2, request_id="REQ2", target="ticket 8", outcome="denied"),
        api("tickets.read", NOW + 900, request_id="REQ8", target="ticket 9", outcome="ok"),
        api("tickets.read", NOW + 900, request_id="REQ9", target="ticket 9", outcome="ok"),
        whose=Whose(
            identity_id=identity.pk,
            identity=identity.name,
            system_id=identity.system_id,
            system=identity.system.name,
        ),
    )
    hours_count()
    use_measure()


def activity(client, binding):
    return client.get(reverse("activity:agent_activity", args=[binding.agent_id]))


def test_each_figure_leads_to_exactly_what_it_counts(as_steward, binding):
    page = activity(as_steward, binding).text

    assert ODD not in page
    assert escape(ODD) in page
    figures = re.findall(r'<a href="(/trail/(?:calls|deeds)/[^"]+)">(\d+)</a>', page)
    assert sorted(int(figure) for _, figure in figures) == [1, 1, 1, 1, 1, 2, 4]
    for href, figure in figures:
        listed = as_steward.get(unescape(href)).context["listing"]
        assert (listed.count.value, listed.refusals) == (int(figure), []), href


def test_a_search_by_agent_finds_what_a_shared_identity_did_in_its_runs(as_steward, binding):
    for asked, expected in ((f"agent:{binding.agent_id} kind:api", 2), ("kind:api", 4)):
        found = as_steward.get(reverse("activity:search", query={"q": asked})).context["found"]
        assert len(found.rows) == expected


def test_where_a_grant_names_the_action_for_other_things_the_pages_say_which(
    as_steward, binding, grant
):
    run_of_it = Invocation.objects.get(trace_id="0af7651916cd43dd8448eb211c80319c")
    panel = as_steward.get(reverse("console:invocation_access", args=[run_of_it.pk])).text
    page = activity(as_steward, binding).text

    for text in (panel, page):
        assert grant.get_absolute_url() in text
        assert "names this action, but only on" in text
        assert "tickets/team-*" in text
    assert "on <span" in panel
    assert "ticket 7" in panel
    assert "ticket 9" not in panel


def test_a_grant_that_the_reader_may_not_see_is_not_named(client, binding, grant):
    seat = SeatFactory(limited_to_systems=True)
    seat.seat_systems.create(system=BindingFactory(agent=binding.agent).identity.system)
    sign_in(client, seat.user)

    text = activity(client, binding).text

    assert grant.label not in text
    assert "tickets/team" not in text
    assert "1 system outside of your seat is not shown." in text


def test_who_sees_all_reads_of_no_seat(as_steward, binding):
    assert "outside of your seat" not in activity(as_steward, binding).text


def test_what_it_costs_does_not_grow_with_what_was_done(
    client, binding, django_assert_num_queries, django_assert_max_num_queries
):
    sign_in(client, UserFactory(steward=True))
    activity(client, binding)
    with django_assert_max_num_queries(15) as before:
        activity(client, binding)
    keep(
        *(api(f"tickets.read{n}", NOW + 2, target=f"t{n}", request_id=f"R{n}") for n in range(30)),
        whose=Whose(identity_id=binding.identity_id, system_id=binding.identity.system_id),
    )
    hours_count()
    use_measure()

    with django_assert_num_queries(len(before)):
        activity(client, binding)


def test_of_a_call_whose_name_no_permission_has_it_is_said_that_it_cannot_be_told(
    as_steward, binding
):
    """As its record says, and a grant that names other actions tells nothing of it."""
    keep(
        api("boards/reorder", NOW + 3, request_id="REQ0", target="board 2", outcome="ok"),
        whose=Whose(
            identity_id=binding.identity_id,
            identity=binding.identity.name,
            system_id=binding.identity.system_id,
        ),
    )
    hours_count()
    use_measure()
    record = Event.objects.get(name="boards/reorder").leaf_index

    page = activity(as_steward, binding).text
    of_record = as_steward.get(reverse("console:record_access", args=[record])).text

    for text in (page, of_record):
        assert "no permission that is known here has its name" in text
    assert "no grant covers it" not in page.partition("boards/reorder")[2].partition("</tr>")[0]
