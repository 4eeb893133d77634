"""What people see: a page and its buttons, routes and their tests, who is on call, home."""

import pytest
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.notices import services
from apps.notices.models import Ladder, Notice, Page, Route
from apps.notices.states import PageState
from tests.factories.accounts import TeamFactory, UserFactory
from tests.factories.notices import RouteFactory, ladder_of, page_sent
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
HOME = reverse("console:home")
COMMITTED = pytest.mark.django_db(transaction=True)


def acknowledge(client, page):
    return client.post(reverse("notices:page_acknowledge", args=[page.pk]), follow=True)


def waiting(client):
    return client.get(HOME).text.partition('id="waiting"')[2].partition("</section>")[0]


class TestPages:
    def test_home_says_that_nobody_answered_until_somebody_did(self, as_steward):
        page = page_sent()

        before = waiting(as_steward)
        acknowledge(as_steward, page)

        assert "1 page not acknowledged" in before
        assert f'href="{reverse("notices:page_list")}?state=sent"' in before
        assert "not acknowledged" not in waiting(as_steward)

    def test_home_counts_what_one_may_answer_and_nothing_else(self, client):
        team = TeamFactory()
        member, stranger = UserFactory(team=team), UserFactory()
        page_sent(team_id=team.pk)
        page_sent(team_id=team.pk)

        shown = []
        for person in (member, stranger):
            sign_in(client, person)
            shown.append("2 pages not acknowledged" in waiting(client))

        assert shown == [True, False]

    def test_a_button_acknowledges_and_the_page_says_who(self, as_steward, steward):
        page = page_sent()

        shown = acknowledge(as_steward, page).text

        page.refresh_from_db()
        assert (page.state, page.acknowledged_by) == (PageState.ACKNOWLEDGED, steward)
        assert "Acknowledged: nobody else is called." in shown
        assert reverse("notices:page_acknowledge", args=[page.pk]) not in shown
        assert reverse("notices:page_resolve", args=[page.pk]) in shown

    def test_who_comes_second_reads_who_was_quicker(self, as_steward):
        page, quick = page_sent(), UserFactory(steward=True, display_name="Quick one")
        services.page_acknowledge(page_id=page.pk, actor=Person(quick))

        response = acknowledge(as_steward, page)

        assert response.status_code == 200
        assert "Quick one was quicker." in response.text

    def test_looking_at_a_page_changes_nothing(self, as_steward):
        page = page_sent()

        as_steward.get(page.get_absolute_url())
        refused = as_steward.get(reverse("notices:page_acknowledge", args=[page.pk]))

        assert (refused.status_code, Page.objects.get().state) == (405, PageState.SENT)

    def test_whose_act_it_is_reads_why_they_may_not(self, as_steward, steward):
        page = page_sent(caused_by=steward)

        shown = as_steward.get(page.get_absolute_url()).text

        assert "It is about what you did yourself." in shown
        assert acknowledge(as_steward, page).status_code == 403

    def test_a_page_names_whom_it_told_and_the_answer(self, as_steward):
        ladder_of(RouteFactory(person__display_name="Ada"))
        page = page_sent()
        services.notice_deliver(notice_id=Notice.objects.get(page=page).pk)

        shown = as_steward.get(page.get_absolute_url()).text

        assert "Ada" in shown
        assert "Handed over" in shown

    def test_the_list_costs_the_same_for_many(self, as_steward, django_assert_max_num_queries):
        for _ in range(12):
            page_sent(team_id=TeamFactory().pk)

        with django_assert_max_num_queries(12):
            as_steward.get(reverse("notices:page_list"))


class TestRoutes:
    @pytest.mark.parametrize(
        ("by", "said"),
        [
            ("pagerduty", {"secret": "env:COUNTERSIGN_SECRET_PAGER"}),
            ("chat", {"secret": "file:chat/url"}),
            ("webhook", {"secret": "file:key", "url": "https://hooks.example.com/a?b=c"}),
        ],
    )
    def test_a_steward_makes_one_in_the_browser(self, as_steward, by, said):
        address = reverse("notices:route_new", args=[by])

        made = as_steward.post(address, {"name": "A place", **said}, follow=True)

        route = Route.objects.get()
        assert made.redirect_chain[0][0] == route.get_absolute_url()
        assert route.by == by
        assert said["secret"] in made.text

    def test_a_person_is_chosen_among_those_who_may_be_called(self, as_steward, reviewer):
        address = reverse("notices:route_new", args=["mail"])
        nobody = UserFactory(nobody=True)

        refused = as_steward.post(address, {"name": "X", "person": nobody.pk})
        as_steward.post(address, {"name": "X", "person": reviewer.pk})

        assert refused.status_code == 422
        assert Route.objects.get().person == reviewer

    def test_a_secret_pasted_by_mistake_is_not_shown_again(self, as_steward):
        address = reverse("notices:route_new", args=["pagerduty"])

        refused = as_steward.post(address, {"name": "X", "secret": "R0UTINGKEY-of-a-house"})

        assert refused.status_code == 422
        assert "Not the secret itself" in refused.text
        assert "R0UTINGKEY" not in refused.text

    @COMMITTED
    def test_the_test_button_shows_what_the_other_side_said(self, as_steward, slack, monkeypatch):
        route = RouteFactory(chat=True)
        press = reverse("notices:route_test", args=[route.pk])

        went_well = as_steward.post(press, follow=True).text
        monkeypatch.setenv("COUNTERSIGN_SECRET_TEST_CHAT", f"{slack.host}/elsewhere")
        went_wrong = as_steward.post(press, follow=True).text

        assert "200 ok" in went_well
        assert "404 no_service" in went_wrong
        assert AuditEntry.objects.filter(verb="notices.route.tested").count() == 2

    def test_an_unknown_kind_does_not_exist(self, as_steward):
        assert as_steward.get(reverse("notices:route_new", args=["fax"])).status_code == 404

    def test_one_on_a_ladder_is_not_retired_and_says_why(self, as_steward):
        route = RouteFactory()
        ladder_of(route)
        address = reverse("notices:route_retire", args=[route.pk])

        refused = as_steward.post(address, {"reason": "Left"})
        Ladder.objects.get().steps.all().delete()
        as_steward.post(address, {"reason": "Left"})

        assert refused.status_code == 422
        assert "still on a ladder: On call of the house" in refused.text
        assert Route.objects.get().retired_at is not None


class TestOnCall:
    def test_a_steward_says_who_is_on_call_for_a_team(self, as_steward):
        team, ada, ben = TeamFactory(), RouteFactory(name="Ada"), RouteFactory(name="Ben")
        said = {"route_1": ada.pk, "minutes_1": 5, "route_2": ben.pk, "reason": "A new week"}

        shown = as_steward.post(reverse("accounts:ladder_team", args=[team.pk]), said, follow=True)

        steps = Ladder.objects.get(team=team).steps.values_list("route__name", "minutes")
        assert list(steps) == [("Ada", 5), ("Ben", None)]
        assert "Ada" in shown.text
        assert "every steward, by mail" in shown.text

    def test_the_houses_stands_above_the_teams(self, as_steward):
        TeamFactory(name="Payments")
        house = RouteFactory(name="Night watch")
        said = {"route_1": house.pk, "reason": "First"}

        as_steward.post(reverse("accounts:ladder_house"), said)
        shown = as_steward.get(reverse("accounts:ladder_list")).text

        assert "Night watch" in shown
        assert "as the house" in shown

    def test_a_retired_route_is_not_offered(self, as_steward):
        RouteFactory(name="Long gone", retired=True)

        assert "Long gone" not in as_steward.get(reverse("accounts:ladder_house")).text

    def test_the_same_route_twice_is_refused_on_the_form(self, as_steward):
        ada = RouteFactory()
        said = {"route_1": ada.pk, "route_2": ada.pk, "reason": "Twice"}

        refused = as_steward.post(reverse("accounts:ladder_house"), said)

        assert refused.status_code == 422
        assert "Each route stands on a ladder once." in refused.text

    def test_the_list_costs_the_same_for_many(self, as_steward, django_assert_max_num_queries):
        for _ in range(12):
            ladder_of(RouteFactory(), team=TeamFactory())

        with django_assert_max_num_queries(14):
            as_steward.get(reverse("accounts:ladder_list"))


def test_no_secret_reaches_the_database(pagerduty, slack, receiver, steward):
    for by in ("pagerduty", "chat"):
        RouteFactory(**{by: True})
    RouteFactory(webhook=True, url=receiver.url)
    for route in Route.objects.all():
        notice = services.route_test(route_id=route.pk, actor=Person(steward))
        services.notice_deliver(notice_id=notice.pk)

    kept = " ".join(
        str(row)
        for model in (Route, Notice, Page, AuditEntry)
        for row in model.objects.values_list()
    ) + " ".join(Notice.objects.values_list("delivery__answer", flat=True))

    assert (len(pagerduty.taken), len(slack.taken), len(receiver.taken)) == (1, 1, 1)
    for secret in (pagerduty.routing_key, slack.path, receiver.secret):
        assert secret not in kept
