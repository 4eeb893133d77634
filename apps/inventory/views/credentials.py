from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request, render_page
from apps.core.policies import enforce, page
from apps.inventory import policies
from apps.inventory.forms import StorageForm
from apps.inventory.models import Credential
from apps.inventory.selectors.exposure import exposure_of
from apps.inventory.selectors.flags import flags_of
from apps.inventory.services.credentials import credential_change


@require_GET
@page(policies.can_browse)
def credential_detail(request: Request, pk: int) -> HttpResponse:
    credential = _credential(request, pk)
    return render_page(
        request,
        "inventory/credential_detail.html",
        {
            "credential": credential,
            "flags": flags_of(credential),
            "exposure": exposure_of(credential),
            "bindings": credential.identity.bindings.live().for_table(),
            "entries": AuditEntry.objects.about(credential, request.actor)[:30],
            "may_change": policies.can_change_credential(request.actor, credential),
        },
        regions=["credential-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def credential_edit(request: Request, pk: int) -> HttpResponse:
    credential = _credential(request, pk)
    enforce(policies.can_change_credential(request.actor, credential))
    initial = {
        name: getattr(credential, name) for name in ("stored_in", "stored_at", "rotation_days")
    }
    return answer_dialog(
        request,
        form=StorageForm(request.POST or None, initial=initial),
        act=partial(credential_change, credential_id=pk, actor=request.actor),
        words=Words(
            "Where is its secret kept?", "Say where; never paste the secret itself.", "Save"
        ),
        changed="credential",
        back=credential.get_absolute_url(),
    )


def _credential(request: Request, pk: int) -> Credential:
    return get_object_or_404(Credential.objects.visible_to(request.actor).for_table(), pk=pk)
