"""Routes to tools, against servers on this machine that refuse what the real ones refuse."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.core.references import SHAPE
from apps.notices import services
from apps.notices.models import Delivery, Notice, Route
from apps.notices.states import By, DeliveryStatus
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.notices import RouteFactory, ladder_of, page_sent

pytestmark = pytest.mark.django_db
REFERENCE = "env:COUNTERSIGN_SECRET_TEST_PAGER"


def deliver(notice):
    return services.notice_deliver(notice_id=notice.pk)


def delivered(route, **said):
    """A page to this route alone, handed over once."""
    ladder_of(route)
    return deliver(Notice.objects.get(page=page_sent(**said), route=route))


def tried_out(route, steward):
    return deliver(services.route_test(route_id=route.pk, actor=Person(steward)))


class TestPagerDuty:
    def test_a_page_opens_an_incident_and_the_answer_is_kept(self, pagerduty, pager_route):
        delivery = delivered(pager_route, subject="A revoked key was used")

        assert delivery.status == DeliveryStatus.SENT
        assert delivery.answer.startswith('202 {"status": "success"')
        assert list(pagerduty.incidents) == [delivery.message_id]
        [event] = pagerduty.taken
        assert event["payload"]["summary"] == "A revoked key was used"
        assert event["payload"]["source"] == "127.0.0.1:8000"
        assert delivery.notice.page.get_absolute_url() in event["client_url"]

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [("critical", "critical"), ("high", "error"), ("medium", "warning"), ("low", "info")],
    )
    def test_a_severity_is_told_in_its_words(self, pagerduty, pager_route, ours, theirs):
        delivered(pager_route, severity=ours)

        assert pagerduty.taken[0]["payload"]["severity"] == theirs

    def test_the_longest_page_is_taken(self, pagerduty, pager_route):
        delivery = delivered(pager_route, subject="x" * 5000, body="y" * 20000)

        assert delivery.status == DeliveryStatus.SENT

    def test_too_many_at_once_is_tried_again_no_sooner_than_asked(self, pagerduty, pager_route):
        pagerduty.instead = [(429, {"Retry-After": "600"}, "Throttled")]

        first = delivered(pager_route)
        wait = (first.next_attempt_at - timezone.now()).total_seconds()
        second = deliver(first.notice)

        assert first.answer == "429 Throttled"
        assert 590 < wait <= 600
        assert (second.status, second.attempts) == (DeliveryStatus.SENT, 2)

    def test_a_page_is_tried_again_within_a_minute_or_so(self, pagerduty, pager_route):
        pagerduty.instead = [(503, {}, "Unavailable")]

        delivery = delivered(pager_route)

        assert (delivery.next_attempt_at - timezone.now()).total_seconds() <= 60

    def test_an_event_that_is_refused_is_not_tried_again(self, pagerduty, pager_route, monkeypatch):
        monkeypatch.setenv("COUNTERSIGN_SECRET_TEST_PAGER", "another" + "0" * 25)

        delivery = delivered(pager_route)

        assert delivery.status == DeliveryStatus.FAILED
        assert "Invalid routing key" in delivery.answer
        assert "another" not in delivery.answer

    def test_what_is_no_pagerduty_is_not_believed(self, pagerduty, pager_route):
        pagerduty.instead = [(200, {}, "Welcome to our guest network")]

        delivery = delivered(pager_route)

        assert delivery.status == DeliveryStatus.QUEUED
        assert "Not an answer of PagerDuty" in delivery.answer

    def test_a_secret_that_is_not_there_is_named_and_waited_for(
        self, pagerduty, pager_route, monkeypatch
    ):
        monkeypatch.delenv("COUNTERSIGN_SECRET_TEST_PAGER")

        missing = delivered(pager_route)
        monkeypatch.setenv("COUNTERSIGN_SECRET_TEST_PAGER", pagerduty.routing_key)

        assert missing.answer == f"{REFERENCE} is not set where this process runs."
        assert deliver(missing.notice).status == DeliveryStatus.SENT


class TestChat:
    def test_a_page_reaches_the_routes_own_chat(self, slack, chat_route):
        delivery = delivered(chat_route, subject="A key was used", body="After its end.")

        assert (delivery.status, delivery.answer) == (DeliveryStatus.SENT, "200 ok")
        [text] = slack.taken
        assert text.startswith("A key was used\nAfter its end.")

    def test_a_name_calls_nobody_and_draws_no_link(self, slack, chat_route):
        delivered(chat_route, subject="Agent <!channel> & <https://evil.example|this>")

        assert "&lt;!channel&gt; &amp; &lt;https://evil.example|this&gt;" in slack.taken[0]
        assert "<" not in slack.taken[0]

    def test_an_address_that_slack_does_not_know_fails_and_is_not_told(
        self, slack, chat_route, monkeypatch
    ):
        monkeypatch.setenv("COUNTERSIGN_SECRET_TEST_CHAT", f"{slack.host}/services/T0/B0/gone")

        delivery = delivered(chat_route)

        assert (delivery.status, delivery.answer) == (DeliveryStatus.FAILED, "404 no_service")

    @pytest.mark.parametrize(
        "url", ["not an address", "https://a b.example/s3cret", "ftp://example.com/s3cret"]
    )
    def test_what_is_no_address_is_refused_without_telling_it(
        self, slack, chat_route, monkeypatch, url
    ):
        monkeypatch.setenv("COUNTERSIGN_SECRET_TEST_CHAT", url)

        delivery = delivered(chat_route)

        assert delivery.status == DeliveryStatus.FAILED
        assert delivery.answer.startswith("An address begins with https://")
        assert "s3cret" not in delivery.answer

    def test_an_answer_that_repeats_the_address_is_kept_without_it(self, slack, chat_route):
        slack.instead = [(500, {}, f"No handler for {slack.path} at {slack.url}")]

        delivery = delivered(chat_route)

        assert slack.path not in delivery.answer
        assert "No handler for ***" in delivery.answer


class TestWebhook:
    def test_a_page_is_signed_as_the_specification_says(self, receiver, hook_route):
        delivery = delivered(hook_route, subject="A key was used")

        assert (delivery.status, delivery.answer) == (DeliveryStatus.SENT, "204")
        [told] = receiver.taken
        assert told["type"] == "page.sent"
        assert told["data"]["subject"] == "A key was used"
        assert told["data"]["severity"] == "critical"

    def test_another_secret_is_refused(self, receiver, hook_route, monkeypatch):
        monkeypatch.setenv("COUNTERSIGN_SECRET_TEST_HOOK", f"whsec_{'QUJD' * 8}")

        delivery = delivered(hook_route)

        assert (delivery.status, receiver.taken) == (DeliveryStatus.FAILED, [])
        assert delivery.answer == "401 no matching signature found"

    @pytest.mark.parametrize("secret", ["plain words", "whsec_no base64!", "whsec_QUJD"])
    def test_a_secret_not_written_as_the_specification_says_is_refused(
        self, receiver, hook_route, monkeypatch, secret
    ):
        monkeypatch.setenv("COUNTERSIGN_SECRET_TEST_HOOK", secret)

        delivery = delivered(hook_route)

        assert delivery.status == DeliveryStatus.FAILED
        assert delivery.answer == "The secret is not whsec_ and 24 to 64 bytes in base64."

    def test_a_message_sent_again_is_known_as_the_same(self, receiver, hook_route):
        first = delivered(hook_route)
        Delivery.objects.update(status=DeliveryStatus.QUEUED)  # as if its worker had died

        deliver(first.notice)

        assert len(receiver.taken) == 1

    def test_a_host_inside_is_refused_unless_named(self, receiver, hook_route, settings):
        settings.OUTBOUND_INTERNAL_HOSTS = []

        delivery = delivered(hook_route)

        assert (delivery.status, receiver.taken) == (DeliveryStatus.FAILED, [])
        assert "Name it in OUTBOUND_INTERNAL_HOSTS" in delivery.answer


class TestTesting:
    @pytest.mark.parametrize("name", ["pager_route", "chat_route", "hook_route"])
    def test_a_test_goes_out_and_keeps_the_answer(self, request, steward, name):
        route = request.getfixturevalue(name)

        delivery = tried_out(route, steward)

        assert delivery.status == DeliveryStatus.SENT
        assert delivery.answer.startswith("20")
        assert AuditEntry.objects.get(verb="notices.route.tested").target_id == route.pk

    def test_a_test_by_mail_reaches_the_person(self, steward, mailoutbox):
        route = RouteFactory(name="Ada by mail")

        tried_out(route, steward)

        assert [(one.to, one.subject) for one in mailoutbox] == [
            ([route.person.email], "Test of Ada by mail")
        ]

    def test_a_test_that_fails_is_not_tried_again(self, pagerduty, pager_route, steward):
        pagerduty.instead = [(503, {}, "Unavailable")]

        delivery = tried_out(pager_route, steward)

        assert (delivery.status, delivery.answer) == (DeliveryStatus.FAILED, "503 Unavailable")

    @pytest.mark.django_db(transaction=True)
    def test_each_test_is_one_of_its_own(self, slack, chat_route, steward):
        services.route_test(route_id=chat_route.pk, actor=Person(steward))
        services.route_test(route_id=chat_route.pk, actor=Person(steward))

        assert [text.partition("\n")[0] for text in slack.taken] == ["Test of Chat"] * 2

    def test_a_route_that_is_retired_is_not_tested(self, steward):
        route = RouteFactory(retired=True)

        with pytest.raises(PermissionDenied, match="retired"):
            services.route_test(route_id=route.pk, actor=Person(steward))


class TestMaking:
    def test_a_route_keeps_a_reference_and_the_record_says_where_it_leads(self, steward):
        route = services.route_create(
            name=" Pager  of\nSecurity ", by=By.PAGERDUTY, secret=REFERENCE, actor=Person(steward)
        )

        assert (route.name, route.secret) == ("Pager of Security", REFERENCE)
        entry = AuditEntry.objects.get(verb="notices.route.created")
        assert entry.changes["secret_lies_at"] == [None, REFERENCE]

    def test_a_secret_pasted_instead_of_its_reference_is_refused_and_kept_nowhere(self, steward):
        with pytest.raises(DomainError) as refused:
            services.route_create(
                name="Pager", by=By.PAGERDUTY, secret="R0UTINGKEY" * 3, actor=Person(steward)
            )

        assert str(refused.value) == SHAPE
        assert not Route.objects.exists()
        assert not AuditEntry.objects.exists()

    @pytest.mark.parametrize(
        "url",
        ["", "example.com", "ftp://example.com", "https://user:pw@example.com", "https://", "h\n"],
    )
    def test_a_webhook_needs_an_address(self, steward, url):
        with pytest.raises(DomainError, match="begins with https://"):
            services.route_create(
                name="Hook", by=By.WEBHOOK, url=url, secret=REFERENCE, actor=Person(steward)
            )

    def test_mail_goes_to_somebody_who_is_here(self, steward):
        with pytest.raises(DomainError, match="Mail goes to a person"):
            services.route_create(name="Mail", by=By.MAIL, actor=Person(steward))
        for person in (UserFactory(nobody=True), SeatFactory().user):
            with pytest.raises(DomainError, match="reviewer or steward"):
                services.route_create(name="M", by=By.MAIL, person=person, actor=Person(steward))

    def test_a_name_is_taken_once(self, steward):
        route = RouteFactory()

        with pytest.raises(DomainError, match="already"):
            services.route_create(
                name=route.name, by=By.PAGERDUTY, secret=REFERENCE, actor=Person(steward)
            )

    def test_only_a_steward_makes_tests_and_retires_routes(self, reviewer):
        route, auditor = RouteFactory(), SeatFactory().user
        for person in (reviewer, auditor):
            actor = Person(person)
            with pytest.raises(PermissionDenied):
                services.route_create(name="X", by=By.MAIL, person=person, actor=actor)
            with pytest.raises(PermissionDenied):
                services.route_test(route_id=route.pk, actor=actor)
            with pytest.raises(PermissionDenied):
                services.route_retire(route_id=route.pk, reason="Why not", actor=actor)

        route.refresh_from_db()
        assert (route.retired_at, Notice.objects.count()) == (None, 0)

    def test_a_route_on_a_ladder_is_not_retired(self, steward):
        route = RouteFactory()
        ladder = ladder_of(route)

        with pytest.raises(DomainError, match="On call of the house"):
            services.route_retire(route_id=route.pk, reason="Left", actor=Person(steward))

        ladder.steps.all().delete()
        retired = services.route_retire(route_id=route.pk, reason="Left", actor=Person(steward))
        assert retired.retired_at is not None

    @pytest.mark.parametrize(
        "changes", [{"person": None}, {"secret": "env:X"}, {"by": By.WEBHOOK}, {"by": "fax"}]
    )
    def test_the_database_refuses_a_route_that_lacks_what_it_needs(self, changes):
        with pytest.raises(IntegrityError), transaction.atomic():
            RouteFactory(**changes)
