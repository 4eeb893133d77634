"""What stands before each operation: a bounded body of the right kind, and problems alone."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from ninja.operation import Operation

from apps.api.base import TELLS
from apps.api.problems import is_problem, problem

JSON = "application/json"
TOKENS = "Its own sign-in: every operation behind it demands a token."


def door(operations: Sequence[Operation], view: Callable[..., HttpResponse]) -> Callable:
    """Let calls through to the operations of one address.

    It stands outside the sign-in of people, and no cookie opens it. Without a token demanded of
    every operation it declares no policy, and `apps.core.checks` rejects it.
    """

    @csrf_exempt
    @login_not_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = _refusal(request, most()) or view(request, *args, **kwargs)
        if response.status_code == 405 and not is_problem(response):
            allowed = ", ".join(sorted(response.headers["Allow"].split(", ")))
            response = problem(405, f"Only {allowed} here.", headers={"Allow": allowed})
        response.headers["Cache-Control"] = "no-store"
        return response

    def most() -> int:
        """The largest body of this address; an agent tells of a whole run at once."""
        tells = any(auth is TELLS for one in operations for auth in one.auth_callbacks)
        return int(settings.API_LARGEST_TELLING if tells else settings.API_LARGEST_BODY)

    if operations and all(operation.auth_callbacks for operation in operations):
        guarded.page_rule = TOKENS  # type: ignore[attr-defined]
    return guarded


def too_large(request: HttpRequest, most: int) -> HttpResponse | None:
    """Refuse a body past the limit, by what its header says and before it is read."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length <= most:
        return None
    return problem(
        413,
        f"A body has at most {most} bytes.",
        errors=[{"field": "body", "detail": f"at most {most} bytes"}],
    )


def _refusal(request: HttpRequest, most: int) -> HttpResponse | None:
    refused = too_large(request, most)
    if refused is not None or request.method != "POST":
        return refused
    if request.content_type != JSON:
        return problem(
            415,
            f"Send {JSON}.",
            errors=[{"field": "Content-Type", "detail": f"must be {JSON}"}],
            headers={"Accept": JSON},
        )
    return None
