"""Pages: who is called, who next, and that an answer ends it. Time is moved, not waited for."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Machine, Person
from apps.core.models import Setting
from apps.core.policies import ALLOW, deny
from apps.notices import services, tasks
from apps.notices.models import Delivery, Notice, Page
from apps.notices.policies import can_acknowledge
from apps.notices.states import PAGE_MOVES, DeliveryStatus, PageState
from tests.factories.accounts import SeatFactory, TeamFactory, UserFactory
from tests.factories.notices import RouteFactory, ladder_of, page_sent

pytestmark = pytest.mark.django_db
# Each act is committed, as in life: one entry about one thing belongs to one transaction.
COMMITTED = pytest.mark.django_db(transaction=True)


def told(page, event="trigger"):
    """Whom the page told, in order."""
    rows = Notice.objects.filter(page=page, event=event).order_by("pk")
    return [one.recipient.display_name if one.recipient else one.address for one in rows]


def mail_to(name, **person):
    return RouteFactory(name=f"Mail to {name}", person=UserFactory(display_name=name, **person))


def after(minutes, system):
    """Let so many minutes pass for every page there is."""
    moment = timezone.now() + timedelta(minutes=minutes)
    return services.pages_escalate(moment=moment, actor=system)


class TestWhoIsCalled:
    def test_the_first_on_the_teams_ladder_is_called_and_nobody_else(self, steward):
        team = TeamFactory()
        ladder_of(mail_to("House"))
        ladder_of(mail_to("Ada"), mail_to("Ben"), team=team)

        page = page_sent(team_id=team.pk)

        assert (told(page), page.level) == (["Ada"], 0)
        wait = page.escalates_at - timezone.now()
        assert timedelta(minutes=14) < wait <= timedelta(minutes=15)

    def test_a_team_without_a_ladder_has_the_houses(self, steward):
        team = TeamFactory()
        ladder_of(mail_to("House"))
        ladder_of(team=team)
        ladder_of(mail_to("Other team's"), team=TeamFactory())

        assert told(page_sent(team_id=team.pk)) == ["House"]

    def test_where_nobody_is_named_every_steward_is_called_and_it_goes_no_further(self, steward):
        UserFactory(steward=True, display_name="Second steward")
        UserFactory(steward=True, is_active=False, deactivated_at=timezone.now())

        page = page_sent()

        assert told(page) == ["The steward", "Second steward"]
        assert page.escalates_at is None

    def test_a_step_of_no_minutes_calls_the_next_at_once(self, steward):
        ladder_of((mail_to("Ada"), 0), (mail_to("Ben"), 5), mail_to("Cleo"))

        page = page_sent()

        assert (told(page), page.level) == (["Ada", "Ben"], 1)
        assert page.escalates_at <= timezone.now() + timedelta(minutes=5)

    def test_people_named_by_who_sends_it_are_called_with_the_first_step(self, steward):
        ladder_of(mail_to("Ada"))

        page = page_sent(people=[UserFactory(display_name="Guard")])

        assert told(page) == ["Guard", "Ada"]

    def test_people_named_without_any_ladder_have_the_usual_time(self, steward, system):
        page = page_sent(people=[UserFactory(display_name="Guard")])

        assert told(page) == ["Guard"]
        assert after(16, system) == 1
        assert told(page) == ["Guard", "The steward"]

    def test_nobody_is_called_twice_at_one_level(self, steward):
        route = mail_to("Ada")
        ladder_of(route)

        assert told(page_sent(people=[route.person, route.person])) == ["Ada"]

    def test_whose_act_it_is_about_is_never_called(self, steward, system):
        ada = mail_to("Ada")
        ladder_of(ada, mail_to("Ben"))

        page = page_sent(caused_by=ada.person, people=[ada.person])
        UserFactory(steward=True, display_name="Other steward")
        after(16, system)

        assert told(page) == ["Ben", "The steward", "Other steward"]

    def test_who_left_or_may_not_act_any_more_is_passed_over_at_once(self, steward):
        gone = mail_to("Gone", is_active=False, deactivated_at=timezone.now())
        ladder_of(gone, mail_to("Without a role", nobody=True), mail_to("Ben"))

        assert told(page_sent()) == ["Ben"]

    def test_asking_again_under_the_same_key_calls_nobody(self, steward):
        first = page_sent(about=steward)
        again = page_sent(about=steward, subject="Something else")

        assert again == first
        assert (Page.objects.count(), told(first)) == (1, ["The steward"])
        assert AuditEntry.objects.filter(verb="notices.page.sent").count() == 1

    def test_the_record_says_who_was_called(self, steward):
        ladder_of(mail_to("Ada"))

        page = page_sent()

        entry = AuditEntry.objects.get(verb="notices.page.sent")
        assert (entry.target_id, entry.changes["told"]) == (page.pk, [None, ["Ada"]])


class TestEscalation:
    @COMMITTED
    def test_it_climbs_step_by_step_and_ends_at_the_stewards(self, steward, system):
        ladder_of(mail_to("Ada"), (mail_to("Ben"), 30))
        page = page_sent()

        assert after(14, system) == 0
        assert after(15, system) == 1
        assert told(page) == ["Ada", "Ben"]
        assert after(15, system) == 0
        assert after(44, system) == 0
        assert after(46, system) == 1
        assert told(page) == ["Ada", "Ben", "The steward"]
        assert after(10_000, system) == 0
        assert Page.objects.get().state == PageState.SENT

    def test_the_usual_time_is_a_policy(self, steward, system):
        Setting.objects.create(key="page_minutes", value=3)
        ladder_of(mail_to("Ada"), mail_to("Ben"))
        page = page_sent()

        assert after(2, system) == 0
        assert after(3, system) == 1
        assert told(page) == ["Ada", "Ben"]

    def test_a_late_reminder_says_so(self, steward, system):
        ladder_of(mail_to("Ada"))
        page = page_sent(subject="A key was used")
        after(16, system)

        subjects = Notice.objects.filter(page=page).order_by("pk").values_list("subject", flat=True)
        assert list(subjects) == ["A key was used", "Still waiting: A key was used"]

    def test_the_schedule_lets_pages_climb(self, steward):
        ladder_of(mail_to("Ada"))
        page = page_sent()
        Page.objects.update(escalates_at=timezone.now())

        assert (tasks.escalate_pages(), tasks.escalate_pages()) == (1, 0)
        assert told(page) == ["Ada", "The steward"]

    def test_a_page_somebody_acknowledged_climbs_no_further(self, steward, system):
        ada = mail_to("Ada")
        ladder_of(ada)
        page = page_sent()

        services.page_acknowledge(page_id=page.pk, actor=Person(ada.person))

        assert after(10_000, system) == 0
        assert told(page) == ["Ada"]

    def test_a_ladder_changed_meanwhile_is_climbed_as_it_is_now(self, steward, system):
        ladder_of(mail_to("Ada"), mail_to("Ben"))
        page = page_sent()

        cleo = mail_to("Cleo")
        services.ladder_change(
            team_id=None,
            steps=[(mail_to("Dan").pk, None), (cleo.pk, None)],
            reason="A new week",
            actor=Person(steward),
        )
        after(16, system)

        assert told(page) == ["Ada", "Cleo"]

    @COMMITTED
    def test_two_workers_at_once_let_it_climb_one_step(self, steward, system):
        ladder_of(mail_to("Ada"), mail_to("Ben"), mail_to("Cleo"))
        page = page_sent()
        moment, barrier, climbed = timezone.now() + timedelta(minutes=16), Barrier(2), []

        def work():
            barrier.wait()
            climbed.append(services.pages_escalate(moment=moment, actor=system))
            connection.close()

        workers = [Thread(target=work) for _ in range(2)]
        [one.start() for one in workers]
        [one.join() for one in workers]

        assert sorted(climbed) == [0, 1]
        assert told(page) == ["Ada", "Ben"]


class TestAnswering:
    def test_an_acknowledgement_has_a_name_and_a_time(self, steward):
        page = page_sent()

        services.page_acknowledge(page_id=page.pk, actor=Person(steward))

        page.refresh_from_db()
        assert (page.state, page.acknowledged_by) == (PageState.ACKNOWLEDGED, steward)
        assert page.escalates_at is None
        entry = AuditEntry.objects.get(verb="notices.page.acknowledged")
        assert entry.changes["state"] == ["sent", "acknowledged"]

    def test_who_comes_second_changes_nothing(self, steward):
        page, second = page_sent(), UserFactory(steward=True)
        services.page_acknowledge(page_id=page.pk, actor=Person(steward))

        answered = services.page_acknowledge(page_id=page.pk, actor=Person(second))

        assert answered.acknowledged_by == steward
        assert AuditEntry.objects.filter(verb="notices.page.acknowledged").count() == 1

    def test_a_resolved_page_is_not_acknowledged_again(self, steward):
        page = page_sent()
        services.page_resolve(page_id=page.pk, actor=Person(steward))

        answered = services.page_acknowledge(page_id=page.pk, actor=Person(steward))

        assert (answered.state, answered.acknowledged_by) == (PageState.RESOLVED, None)

    def test_whoever_was_told_stands_on_the_ladder_or_is_of_the_team_may(self, system):
        team = TeamFactory()
        later = mail_to("Later")
        ladder_of(mail_to("Ada"), later, team=team)
        guard, member, stranger = UserFactory(), UserFactory(team=team), UserFactory()
        page = page_sent(team_id=team.pk, people=[guard])

        may = {one: bool(can_acknowledge(Person(one), page)) for one in (guard, member, stranger)}

        assert may == {guard: True, member: True, stranger: False}
        assert can_acknowledge(Person(later.person), page)

    def test_an_auditor_a_machine_and_who_caused_it_may_not(self, steward):
        team = TeamFactory()
        auditor = SeatFactory(user__team=team).user
        page = page_sent(team_id=team.pk, people=[auditor], caused_by=steward)

        for actor in (Person(auditor), Person(steward), Machine("c", None, frozenset())):
            with pytest.raises(PermissionDenied):
                services.page_acknowledge(page_id=page.pk, actor=actor)
            with pytest.raises(PermissionDenied):
                services.page_resolve(page_id=page.pk, actor=actor)

        page.refresh_from_db()
        assert page.state == PageState.SENT

    def test_the_app_that_sent_it_says_that_it_is_over(self, steward, system):
        page = page_sent(about=steward)
        over = {"dedupe_key": page.dedupe_key, "reason": "Seen dead.", "actor": system}

        with pytest.raises(PermissionDenied):
            services.page_settle(**over, authority=deny("No."))
        settled = services.page_settle(**over, authority=ALLOW)
        services.page_settle(**over, authority=ALLOW)

        assert (settled.state, settled.resolved_by) == (PageState.RESOLVED, None)
        assert AuditEntry.objects.get(verb="notices.page.resolved").reason == "Seen dead."

    def test_settling_what_was_never_sent_is_no_error(self, system):
        over = {"dedupe_key": "none", "reason": "", "actor": system}

        assert services.page_settle(**over, authority=ALLOW) is None

    @pytest.mark.parametrize("now", PageState)
    @pytest.mark.parametrize("target", PageState)
    def test_states_move_as_the_table_says(self, now, target):
        allowed = {("sent", "acknowledged"), ("sent", "resolved"), ("acknowledged", "resolved")}

        assert PAGE_MOVES.can(now, target) == ((now, target) in allowed)

    @COMMITTED
    def test_the_database_refuses_a_state_that_nobody_recorded(self, steward):
        page = page_sent()

        with pytest.raises(IntegrityError, match="changed state without an audit entry"):
            Page.objects.update(
                state=PageState.ACKNOWLEDGED,
                acknowledged_at=timezone.now(),
                acknowledged_by=steward,
                escalates_at=None,
            )

        page.refresh_from_db()
        assert page.state == PageState.SENT


class TestTools:
    """PagerDuty and webhooks keep a page open themselves: they are told what became of it."""

    @COMMITTED
    def test_pagerduty_follows_a_page_to_its_end(self, pagerduty, pager_route, steward):
        ladder_of(pager_route)
        page = page_sent()
        [opened] = pagerduty.incidents.values()
        services.page_acknowledge(page_id=page.pk, actor=Person(steward))
        [acknowledged] = pagerduty.incidents.values()
        services.page_resolve(page_id=page.pk, actor=Person(steward))
        [resolved] = pagerduty.incidents.values()

        assert (opened, acknowledged, resolved) == ("triggered", "acknowledged", "resolved")
        assert len({event["dedup_key"] for event in pagerduty.taken}) == 1

    @COMMITTED
    def test_a_webhook_follows_it_too_and_a_chat_and_mail_do_not(
        self, receiver, slack, steward, mailoutbox
    ):
        hook_route = RouteFactory(webhook=True, url=receiver.url)
        chat_route = RouteFactory(chat=True)
        ladder_of((hook_route, 0), (chat_route, 0), (mail_to("Ada"), 15))
        page = page_sent()
        services.page_acknowledge(page_id=page.pk, actor=Person(steward))
        services.page_resolve(page_id=page.pk, actor=Person(steward))

        types = [one["type"] for one in receiver.taken]
        assert types == ["page.sent", "page.acknowledged", "page.resolved"]
        assert (len(slack.taken), len(mailoutbox)) == (1, 1)

    @COMMITTED
    def test_a_tool_that_was_never_told_is_not_told_the_end(self, pagerduty, pager_route, steward):
        ladder_of(mail_to("Ada"), pager_route)
        page = page_sent()
        services.page_resolve(page_id=page.pk, actor=Person(steward))

        assert pagerduty.taken == []

    @COMMITTED
    def test_a_page_acknowledged_before_it_got_through_opens_nothing(
        self, pagerduty, pager_route, steward
    ):
        pagerduty.instead = [(503, {}, "Unavailable")]
        ladder_of(pager_route)
        page = page_sent()
        services.page_acknowledge(page_id=page.pk, actor=Person(steward))
        Delivery.objects.update(next_attempt_at=timezone.now())
        tasks.deliver_waiting()
        tasks.deliver_waiting()

        assert pagerduty.incidents == {}
        paged = Delivery.objects.get(notice__page=page, notice__event="trigger")
        assert paged.status == DeliveryStatus.DROPPED
        assert paged.answer == "Not sent: the page was acknowledged before."

    @COMMITTED
    def test_mail_that_waited_until_somebody_acknowledged_is_not_sent(self, steward, mailoutbox):
        ladder_of(mail_to("Ada"))
        page = page_sent()
        mailoutbox.clear()
        Delivery.objects.update(status=DeliveryStatus.QUEUED, next_attempt_at=timezone.now())
        services.page_acknowledge(page_id=page.pk, actor=Person(steward))

        tasks.deliver_waiting()

        assert mailoutbox == []
