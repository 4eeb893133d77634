"""Handing a message to a mail server, and keeping what the server said to it."""

import smtplib
from email.utils import parseaddr
from string import Template
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.utils.module_loading import import_string

from apps.core.outbound import PutOff, Refused
from apps.notices.models import Notice


class _Answering:
    answer = ""

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, text = super().data(msg)  # type: ignore[misc]
        self.answer = f"{code} {text.decode(errors='replace')}"
        return code, text


class _SMTP(_Answering, smtplib.SMTP):
    pass


class _SMTPOverTLS(_Answering, smtplib.SMTP_SSL):
    pass


class AnsweringBackend(EmailBackend):
    """Django's SMTP backend, which also notes the server's answer on each message."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _SMTPOverTLS if self.use_ssl else _SMTP

    def _send(self, email_message: EmailMessage) -> bool:
        sent: bool = super()._send(email_message)  # type: ignore[misc]
        answer = getattr(self.connection, "answer", "")
        email_message.server_answer = answer  # type: ignore[attr-defined]
        return sent


def message_id(notice: Notice) -> str:
    """The same for every attempt, so that a mail server can drop one it has seen."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<notice-{notice.pk}-{notice.created_at:%Y%m%d%H%M%S}@{domain}>"


def message_of(notice: Notice) -> EmailMessage:
    return EmailMessage(
        subject=notice.subject,
        body=_filled(notice),
        to=[notice.address],
        headers={"Message-ID": message_id(notice), "Auto-Submitted": "auto-generated"},
    )


def mail_send(notice: Notice) -> str:
    """Mail a notice, and return what the server answered."""
    message = message_of(notice)
    message.send()
    answer: str = getattr(message, "server_answer", "")
    return answer


def is_permanent(error: Exception) -> bool:
    """Whether trying again cannot help: the address or the message itself was refused."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= 500
    return isinstance(error, ValueError)


def words_of(error: Exception) -> str:
    """What the server, or the way to it, said."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(_answer(*answer) for answer in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    if isinstance(error, PutOff | Refused):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _answer(code: int, text: bytes | str) -> str:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {said}"


def _filled(notice: Notice) -> str:
    path = settings.NOTICE_WORDS.get(notice.kind)
    if path is None:
        return notice.body
    return Template(notice.body).safe_substitute(import_string(path)(notice.about_id))
