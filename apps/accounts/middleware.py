from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services.seats import page_opened, rows_exported
from apps.core.actors import Person, Role
from apps.core.listing import RowsResponse

type GetResponse = Callable[[HttpRequest], HttpResponse]


class StandingMiddleware:
    """Times in the reader's zone; and one page, everywhere, for people without a standing role.

    That is somebody whom no steward gave a role yet, or an auditor whose seat has ended. Views
    that are not ours (sign-in and its settings) and public ones are left alone.
    """

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        rule = getattr(view, "page_rule", None)
        if isinstance(rule, str) or not isinstance(request.user, User):
            return None
        timezone.activate(ZoneInfo(request.user.time_zone))
        if rule is None or request.user.standing_role:
            return None
        return render(request, "accounts/no_role.html", status=403)


class ReadingMiddleware:
    """Record every page an auditor opens and every file they take away.

    Written once the answer is known and before it leaves: what cannot be recorded is not shown.
    Regions of a page are not pages; they belong to one that was recorded.
    """

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if _is_ours(request) and request.method == "GET" and response.status_code == 200:
            actor: Any = request.actor  # type: ignore[attr-defined]
            if isinstance(actor, Person) and actor.role == Role.AUDITOR:
                _note(request, response, actor)
        return response


def _is_ours(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and callable(getattr(match.func, "page_rule", None))


def _note(request: HttpRequest, response: HttpResponse, actor: Person) -> None:
    address = request.get_full_path()
    if response.has_header("Content-Disposition"):
        row_count = response.row_count if isinstance(response, RowsResponse) else None
        rows_exported(page=address, actor=actor, row_count=row_count)
    elif _is_whole_page(request):
        page_opened(page=address, actor=actor)


def _is_whole_page(request: HttpRequest) -> bool:
    htmx: Any = request.htmx  # type: ignore[attr-defined]
    return not htmx or htmx.boosted or htmx.history_restore_request
