from django.http import HttpResponse
from django.views.decorators.http import require_GET

from apps.core.htmx import Request
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.grants import policies
from apps.grants.filters import GrantFilterSet, JustificationFilterSet, PermissionFilterSet
from apps.grants.models import Grant, Justification, Permission
from apps.grants.tables import GrantTable, JustificationTable, PermissionTable


@require_GET
@page(policies.can_browse)
def grant_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "grants/grant_list.html",
        rows=Grant.objects.visible_to(request.actor).for_table(),
        table_class=GrantTable,
        filterset_class=GrantFilterSet,
        context={
            "empty_title": "No grants yet",
            "empty_text": "They come with a source: import an inventory or a cloud account.",
            "empty_icon": "shield-check",
        },
        csv_name="grants",
    )


@require_GET
@page(policies.can_browse)
def permission_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "grants/permission_list.html",
        rows=Permission.objects.visible_to(request.actor).for_table(),
        table_class=PermissionTable,
        filterset_class=PermissionFilterSet,
        context={
            "empty_title": "No permissions yet",
            "empty_text": "The catalogue fills as sources are imported.",
            "empty_icon": "lock-access",
        },
        csv_name="permissions",
    )


@require_GET
@page(policies.can_browse)
def justification_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "grants/justification_list.html",
        rows=Justification.objects.visible_to(request.actor).for_table(),
        table_class=JustificationTable,
        filterset_class=JustificationFilterSet,
        context={
            "empty_title": "No justifications yet",
            "empty_text": "Open a grant and say why it exists.",
            "empty_icon": "message-2-check",
        },
        csv_name="justifications",
    )
