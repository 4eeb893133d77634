"""The pages of break-glass, and the banner above every other while it lasts."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.approvals.models import BreakGlass
from apps.approvals.selectors.break_glass import in_force_for
from apps.approvals.states import GroupKey
from apps.core.actors import Person
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.approvals import BreakGlassFactory, GroupMemberFactory, KnownGroupFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

WHY = "The queue stands still and nobody of the team can be reached."
BANNER = 'class="break-glass-banner"'
LIST = reverse("approvals:break_glass_list")
FIND = reverse("approvals:break_glass_find")


@pytest.fixture
def as_person(client):
    def signed_in(person, **how):
        sign_in(client, person, **how)
        return client

    return signed_in


def taking(company):
    args = [company.agent.pk, company.identity.pk, company.write.pk]
    return reverse("approvals:break_glass_take", args=args)


def taken(company, **changes):
    values = {"actions": [company.write.key], "resources": "*", "reason": WHY, "hours": 1}
    return {**values, **changes}


def act(client, use, name, **data):
    return client.post(reverse(f"approvals:break_glass_{name}", args=[use.pk]), data)


def test_an_empty_list_means_nobody_and_the_page_says_so(as_steward):
    shown = as_steward.get(LIST).text

    assert "Nobody: the group Break-glass is empty." in shown
    assert "nobody is named, so every steward is paged" in shown
    assert FIND not in shown
    assert as_steward.get(FIND).status_code == 403


def test_the_page_names_who_may_and_lets_them_alone_through(taker, as_person):
    stranger = UserFactory()

    assert f'href="{FIND}"' in as_person(taker).get(LIST).text
    shown = as_person(stranger).get(LIST).text
    assert "<dd>Taker</dd>" in shown
    assert "Only the people in the group Break-glass may." in shown


def test_a_named_person_finds_any_agent_and_takes_what_helps(company, taker, as_person):
    client = as_person(taker)
    choose = reverse("approvals:break_glass_choose", args=[company.agent.pk])

    assert choose in client.get(FIND, {"q": company.agent.name}).text
    assert choose not in client.get(FIND, {"q": "nothing of that name"}).text
    assert taking(company) in client.get(choose, {"q": "customers upd"}).text
    assert "Nobody approves this." in client.get(taking(company)).text
    answer = client.post(taking(company), taken(company))

    use = BreakGlass.objects.get()
    assert answer["Location"] == use.get_absolute_url()
    assert (use.taken_by, use.hours, use.reason) == (taker, 1, WHY)


def test_others_are_refused_whatever_they_may_see(company, taker, as_person):
    for person, code in ((company.owner, 403), (company.steward, 403), (UserFactory(), 404)):
        client = as_person(person)

        answers = [client.get(taking(company)), client.post(taking(company), taken(company))]

        assert [answer.status_code for answer in answers] == [code, code]
    assert not BreakGlass.objects.exists()


def test_it_asks_for_a_fresh_sign_in(company, taker, as_person):
    client = as_person(taker, seconds_ago=3600)

    answer = client.post(taking(company), taken(company))

    assert answer["Location"].startswith(reverse("accounts:sign_in_again"))
    assert not BreakGlass.objects.exists()


def test_two_clicks_give_one_use(company, taker, as_person):
    client = as_person(taker)

    answers = [client.post(taking(company), taken(company)) for _ in range(2)]

    assert len({answer["Location"] for answer in answers}) == 1
    assert BreakGlass.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reason": "short"}, "at least 10 characters"),
        ({"hours": 5}, "at most 4 hours"),
        ({"actions": []}, "Choose at least one permission."),
    ],
)
def test_what_is_wrong_with_it_is_said_on_the_form(company, taker, as_person, changes, says):
    answer = as_person(taker).post(taking(company), taken(company, **changes))

    assert (answer.status_code, says in answer.text) == (422, True)


def test_while_it_lasts_a_banner_stands_on_every_page_of_those_near_it(company, taker, as_person):
    as_person(taker).post(taking(company), taken(company))
    use = BreakGlass.objects.get()
    pages = [reverse("console:home"), LIST, reverse("inventory:agent_list")]

    def banners(person):
        client = as_person(person)
        return [
            BANNER in text and use.get_absolute_url() in text
            for text in (client.get(page).text for page in pages)
        ]

    near = (taker, company.owner, company.manager, company.system_owner, company.steward)
    for person in (*near, SeatFactory().user):
        assert banners(person) == [True] * 3
    for person in (UserFactory(), SeatFactory(limited_to_systems=True).user):
        assert banners(person) == [False] * 3
    act(as_person(taker), use, "end", reason="The queue moves again.")
    assert banners(taker) == [False] * 3


def test_the_banner_lets_an_auditor_read_and_the_owner_end_it(company, taker, as_person):
    use = BreakGlassFactory(agent=company.agent)
    end = reverse("approvals:break_glass_end", args=[use.pk])

    assert end in as_person(company.owner).get(LIST).text
    assert end not in as_person(SeatFactory().user).get(LIST).text


def test_the_banner_costs_one_query_while_nothing_is_in_force(steward, django_assert_num_queries):
    BreakGlassFactory(over=True)
    with django_assert_num_queries(1) as queries:
        assert in_force_for(Person(steward)) == []
    assert "ends_at" in queries.captured_queries[0]["sql"]


def test_a_use_that_is_over_says_who_reviews_it_and_by_when(company, as_person):
    use = BreakGlassFactory(agent=company.agent, over=True)

    shown = as_person(company.owner).get(use.get_absolute_url()).text

    assert "Somebody else has to review it by" in shown
    assert "Security" in shown
    assert "Security reviews it, or a steward where nobody of security may." in shown


def test_security_reviews_it_in_a_dialog_and_finds_it_on_home(company, as_person, htmx):
    use = BreakGlassFactory(agent=company.agent, over=True)
    url = reverse("approvals:break_glass_review", args=[use.pk])
    words = {"verdict": "warranted", "review": "I read the log: the queue stood still."}
    client = as_person(company.security)

    assert use.get_absolute_url() in client.get(reverse("console:home")).text
    wordless = client.post(url, {"verdict": "warranted"}, headers=htmx("dialog"))
    done = client.post(url, words, headers=htmx("dialog"))

    use.refresh_from_db()
    assert (wordless.status_code, use.state) == (422, "reviewed")
    assert done["HX-Redirect"] == use.get_absolute_url()
    assert words["review"] in client.get(use.get_absolute_url()).text
    assert use.get_absolute_url() not in client.get(reverse("console:home")).text


def test_home_asks_nobody_to_review_who_may_not(company, as_person):
    use = BreakGlassFactory(agent=company.agent, over=True)

    for person in (company.owner, company.steward, use.taken_by):
        assert "To review: " not in as_person(person).get(reverse("console:home")).text


def test_whoever_asks_for_access_is_shown_the_way_if_they_are_named(company, taker, as_person):
    choose = reverse("approvals:break_glass_choose", args=[company.agent.pk])
    ask = reverse("approvals:ask_agent", args=[company.agent.pk])
    assert choose not in as_person(company.owner).get(ask).text

    GroupMemberFactory(group=KnownGroupFactory(key=GroupKey.BREAK_GLASS), person=company.owner)

    assert choose in as_person(company.owner).get(ask).text


def test_the_list_costs_the_same_however_many_uses(as_steward, django_assert_max_num_queries):
    BreakGlassFactory.create_batch(8, over=True)

    with django_assert_max_num_queries(14):
        assert as_steward.get(LIST).status_code == 200


def test_home_costs_the_same_however_many_uses_wait_for_their_review(
    company, as_person, django_assert_num_queries
):
    client = as_person(company.security)
    BreakGlassFactory(agent=company.agent, over=True)
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("console:home"))
    BreakGlassFactory.create_batch(5, agent=company.agent, over=True)

    with django_assert_num_queries(len(one)):
        assert client.get(reverse("console:home")).text.count("To review: ") == 6
