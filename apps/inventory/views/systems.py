from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request, render_page
from apps.core.policies import enforce, page
from apps.inventory import policies
from apps.inventory.forms import NewSystemForm, SystemForm
from apps.inventory.models import Agent, Identity, System
from apps.inventory.services.systems import system_change, system_create


@require_GET
@page(policies.can_browse)
def system_detail(request: Request, pk: int) -> HttpResponse:
    system = _system(request, pk)
    identities = Identity.objects.visible_to(request.actor).filter(system=system)
    agents = Agent.objects.visible_to(request.actor).acting_on(system)
    return render_page(
        request,
        "inventory/system_detail.html",
        {
            "system": system,
            "identities": identities.for_table().order_by("name")[:25],
            "agents": agents.for_table().order_by("name")[:25],
            "entries": AuditEntry.objects.about(system, request.actor)[:30],
            "may_change": policies.can_change_system(request.actor, system),
        },
        regions=["system-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def system_edit(request: Request, pk: int) -> HttpResponse:
    system = _system(request, pk)
    enforce(policies.can_change_system(request.actor, system))
    initial = {
        "description": system.description,
        "environment": system.environment,
        "owner_id": system.owner_id,
        "tags": ", ".join(system.tags),
    }
    return answer_dialog(
        request,
        form=SystemForm(request.POST or None, initial=initial),
        act=lambda **fields: system_change(system_id=pk, actor=request.actor, **fields),
        words=Words(f"Change {system}", "Each change is kept in the record.", "Save"),
        changed="system",
        back=system.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_create_system)
def system_new(request: Request) -> HttpResponse:
    def create(*, reason: str, **fields: Any) -> System:
        return system_create(actor=request.actor, **fields)

    return answer_dialog(
        request,
        form=NewSystemForm(request.POST or None),
        act=create,
        words=Words("Add a system", "Something agents act on.", "Add"),
        changed="system",
        back=reverse("inventory:system_list"),
    )


def _system(request: Request, pk: int) -> System:
    return get_object_or_404(System.objects.visible_to(request.actor).for_table(), pk=pk)
