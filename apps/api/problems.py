"""Errors as RFC 9457 has them: one shape for everything that goes wrong."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from apps.core.errors import DomainError
from apps.core.logs import current_request_id

MEDIA_TYPE = "application/problem+json"
NOT_HERE = "There is no such record, or it is not yours."
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Countersign"'}
# Where ninja says a value stood, before its name.
PLACES = {"body", "path", "query", "header"}
SHOWN = 20


class TooMany(Exception):
    """A client called more often than it may."""

    def __init__(self, seconds: int):
        super().__init__(f"Too many calls. Try again in {seconds} seconds.")
        self.seconds = seconds


class Conflict(Exception):
    """What is asked for does not fit the state of the record."""


class Unanswered(Exception):
    """A system that has to be asked does not answer now."""


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": current_request_id.get(),
    }
    if errors:
        body["errors"] = list(errors)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE, headers=dict(headers or {}))


def is_problem(response: HttpResponse) -> bool:
    return response.headers.get("Content-Type", "").startswith(MEDIA_TYPE)


def speak_problems(api: NinjaAPI) -> None:
    """Have an API tell everything it refuses as a problem."""
    handlers: tuple[tuple[type[Exception], Any], ...] = (
        (ValidationError, _invalid),
        (DomainError, _broken_rule),
        (PermissionDenied, _refused),
        (AuthenticationError, _unknown_caller),
        (TooMany, _too_many),
        (Conflict, _conflict),
        (Unanswered, _unanswered),
        (Http404, _missing),
        (ObjectDoesNotExist, _missing),
        (BadRequest, _garbled),
        (HttpError, _unreadable),
    )
    for kind, handler in handlers:
        api.add_exception_handler(kind, handler)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Say which fields; never what they held, which may be a secret put in the wrong place."""
    if any(one["loc"][:1] == ("path",) for one in error.errors):
        return problem(404, NOT_HERE)
    told = [{"field": _field(one["loc"]), "detail": one["msg"]} for one in error.errors[:SHOWN]]
    named = ", ".join(dict.fromkeys(one["field"] for one in told))
    return problem(422, f"Not valid: {named}.", errors=told)


def _field(place: Sequence[Any]) -> str:
    """The name of a field in the caller's words: `body.ask.days` is `days`."""
    names = [str(one) for one in place]
    if names[:1] == ["body"]:
        names = names[2:] or ["body"]
    elif names[:1] and names[0] in PLACES:
        names = names[1:]
    return ".".join(names)


def _broken_rule(request: HttpRequest, error: DomainError) -> HttpResponse:
    told = [{"field": error.field, "detail": str(error)}] if error.field else []
    return problem(422, str(error), errors=told)


def _refused(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return problem(403, str(error) or "This client may not do that.")


def _unknown_caller(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    detail = "Send a valid token of this API: Authorization: Bearer and the token."
    return problem(401, detail, headers=CHALLENGE)


def _too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    return problem(429, str(error), headers={"Retry-After": str(error.seconds)})


def _conflict(request: HttpRequest, error: Conflict) -> HttpResponse:
    return problem(409, str(error))


def _unanswered(request: HttpRequest, error: Unanswered) -> HttpResponse:
    return problem(503, str(error))


def _missing(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(404, NOT_HERE)


def _garbled(request: HttpRequest, error: BadRequest) -> HttpResponse:
    return problem(400, "The address of this call cannot be read.")


def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 400:
        told = [{"field": "body", "detail": "This is not JSON."}]
        return problem(400, "The body is not JSON.", errors=told)
    return problem(error.status_code, str(error))
