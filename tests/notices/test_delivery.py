"""Notices against a real mail server on this machine."""

import socket
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from django.core import mail
from django.utils import timezone

from apps.notices import services, tasks
from apps.notices.models import Delivery, Notice
from apps.notices.states import DeliveryStatus


class Server:
    """Keeps what it is given, or answers what it was told to."""

    def __init__(self):
        self.messages = []
        self.refuses_recipient = ""
        self.answers = "250 2.0.0 Kept as 42"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.refuses_recipient:
            return self.refuses_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.messages.append(envelope)
        return self.answers


@pytest.fixture
def server(settings):
    handler = Server()
    port = _free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    settings.MAILERS = _mailer(port)
    yield handler
    controller.stop()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _mailer(port):
    options = {"host": "127.0.0.1", "port": port, "timeout": 5}
    return {"default": {"BACKEND": "apps.notices.mail.AnsweringBackend", "OPTIONS": options}}


def test_a_notice_is_delivered_and_the_servers_answer_kept(
    server, reviewer, system, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        _send(reviewer, system)

    delivery = Delivery.objects.get()
    envelope = server.messages[0]
    assert envelope.rcpt_tos == [reviewer.email]
    assert delivery.message_id.encode() in envelope.content
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.SENT, 1)
    assert delivery.answer == "250 2.0.0 Kept as 42"
    assert delivery.sent_at is not None


def test_the_same_notice_is_sent_once(server, reviewer, system, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        first = _send(reviewer, system)
        second = _send(reviewer, system)
    services.notice_deliver(notice_id=first.pk)

    assert first == second
    assert len(server.messages) == 1


def test_an_address_refused_for_good_fails_at_once(server, reviewer, system):
    server.refuses_recipient = "550 5.1.1 No such mailbox"
    notice = _send(reviewer, system)

    delivery = services.notice_deliver(notice_id=notice.pk)

    assert delivery.status == DeliveryStatus.FAILED
    assert delivery.answer == "550 5.1.1 No such mailbox"


def test_a_server_that_asks_for_patience_is_asked_again_later(server, reviewer, system):
    server.answers = "451 4.7.1 Try again later"
    notice = _send(reviewer, system)

    delivery = services.notice_deliver(notice_id=notice.pk)

    assert delivery.status == DeliveryStatus.QUEUED
    assert delivery.answer == "451 4.7.1 Try again later"
    assert delivery.next_attempt_at > timezone.now() + timedelta(seconds=100)


def test_the_tenth_failure_ends_it(settings, reviewer, system):
    settings.MAILERS = _mailer(9)
    notice = _send(reviewer, system)
    Delivery.objects.update(attempts=9)

    delivery = services.notice_deliver(notice_id=notice.pk)

    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, 10)
    assert "ConnectionRefusedError" in delivery.answer


def test_what_was_not_sent_in_a_minute_is_found_again(server, reviewer, system):
    _send(reviewer, system)
    assert tasks.deliver_waiting() == 0

    Delivery.objects.update(next_attempt_at=timezone.now())

    assert tasks.deliver_waiting() == 1
    assert tasks.deliver_waiting() == 0
    assert len(server.messages) == 1


def test_somebody_who_left_is_not_written_to(reviewer, system):
    notice = _send(reviewer, system)
    reviewer.is_active, reviewer.deactivated_at = False, timezone.now()
    reviewer.save()

    delivery = services.notice_deliver(notice_id=notice.pk)

    assert delivery.status == DeliveryStatus.FAILED
    assert mail.outbox == []


def test_a_steward_sends_a_failed_notice_again(as_steward, reviewer, system):
    notice = _send(reviewer, system)
    Delivery.objects.update(status=DeliveryStatus.FAILED, attempts=10, answer="550 Full")

    response = as_steward.post(f"{notice.get_absolute_url()}retry/")

    assert response.status_code == 302
    assert Delivery.objects.get().status == DeliveryStatus.QUEUED


def test_the_contact_log_of_a_record_holds_its_notices_alone(reviewer, steward, system):
    _send(reviewer, system)
    services.notice_send(
        kind="test",
        recipient=reviewer,
        about=steward,
        subject="Another",
        body="About somebody else.",
        dedupe_key="another",
        actor=system,
    )

    assert [notice.subject for notice in Notice.objects.about(reviewer)] == ["Reminder: 3 items"]
    assert Notice.objects.count() == 2


def _send(person, system):
    return services.notice_send(
        kind="test",
        recipient=person,
        about=person,
        subject="Reminder: 3\nitems",
        body="Three items wait for you.",
        dedupe_key="reminder:1",
        actor=system,
    )
