from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request, render_page
from apps.core.policies import enforce, page
from apps.grants import policies
from apps.grants.forms import JustifyForm, OverrideForm
from apps.grants.models import Grant, Permission
from apps.grants.services.justifications import grant_justify
from apps.grants.services.permissions import permission_override
from apps.inventory.models import Identity

HOLDERS_SHOWN = 25


@require_GET
@page(policies.can_browse)
def grant_detail(request: Request, pk: int) -> HttpResponse:
    grant = _grant(request, pk)
    return render_page(
        request,
        "grants/grant_detail.html",
        {
            "grant": grant,
            "statements": grant.statements.all(),
            "justifications": grant.justifications.for_table(),
            "bindings": grant.identity.bindings.live().for_table(),
            "entries": AuditEntry.objects.about(grant, request.actor)[:30],
            "may_justify": policies.can_justify(request.actor, grant),
        },
        regions=["grant-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_justify_some)
def grant_justify_dialog(request: Request, pk: int) -> HttpResponse:
    grant = _grant(request, pk)
    enforce(policies.can_justify(request.actor, grant))
    standing = grant.justification
    return answer_dialog(
        request,
        form=JustifyForm(request.POST or None, grant=grant),
        act=partial(grant_justify, grant_id=pk, actor=request.actor),
        words=Words(
            f"Why does {grant.identity} need this?",
            f"Said before: “{standing.reason}”" if standing else "Nobody has said why yet.",
            "Justify",
            said="Justified.",
        ),
        changed="grant",
        back=grant.get_absolute_url(),
    )


@require_GET
@page(policies.can_browse)
def identity_grants(request: Request, pk: int) -> HttpResponse:
    """What one identity may do, by service: a region of its page."""
    identity = get_object_or_404(Identity.objects.visible_to(request.actor), pk=pk)
    grants = Grant.objects.visible_to(request.actor).present().filter(identity=identity)
    return render_page(
        request,
        "grants/identity_grants.html",
        {"identity": identity, "grants": grants.for_table().order_by("label")[:200]},
        regions=["identity-grants"],
    )


@require_GET
@page(policies.can_browse)
def permission_detail(request: Request, pk: int) -> HttpResponse:
    permission = _permission(request, pk)
    held = Grant.objects.visible_to(request.actor).present().carrying(permission)
    return render_page(
        request,
        "grants/permission_detail.html",
        {
            "permission": permission,
            "grants": held.for_table().order_by("label")[:HOLDERS_SHOWN],
            "entries": AuditEntry.objects.about(permission, request.actor)[:30],
            "may_override": policies.can_override_permission(request.actor),
        },
        regions=["permission-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_override_permission)
def permission_override_dialog(request: Request, pk: int) -> HttpResponse:
    permission = _permission(request, pk)
    initial = {"level": permission.level, "tags": permission.tags}
    return answer_dialog(
        request,
        form=OverrideForm(request.POST or None, initial=initial),
        act=partial(permission_override, permission_id=pk, actor=request.actor),
        words=Words(
            f"Classify {permission}",
            "Your judgement stands over the catalogue's, and the record keeps both.",
            "Classify",
        ),
        changed="permission",
        back=permission.get_absolute_url(),
    )


def _grant(request: Request, pk: int) -> Grant:
    return get_object_or_404(Grant.objects.visible_to(request.actor).for_table(), pk=pk)


def _permission(request: Request, pk: int) -> Permission:
    return get_object_or_404(Permission.objects.visible_to(request.actor).for_table(), pk=pk)
