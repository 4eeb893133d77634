from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request, render_page
from apps.core.policies import page
from apps.inventory import policies
from apps.inventory.forms import AccountableForm, BindForm, UnbindForm
from apps.inventory.models import Binding, Identity
from apps.inventory.services.bindings import binding_create, binding_end
from apps.inventory.services.identities import identity_choose_accountable


@require_GET
@page(policies.can_browse)
def identity_detail(request: Request, pk: int) -> HttpResponse:
    identity = _identity(request, pk)
    return render_page(
        request,
        "inventory/identity_detail.html",
        {
            "identity": identity,
            "bindings": identity.bindings.for_table().order_by("ended_at", "pk"),
            "credentials": identity.credentials.for_table().order_by("external_id"),
            "entries": AuditEntry.objects.about(identity, request.actor)[:30],
            "may_bind": policies.can_bind(request.actor),
            "may_choose": policies.can_choose_accountable(request.actor),
        },
        regions=["identity-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_bind)
def binding_new(request: Request, pk: int) -> HttpResponse:
    identity = _identity(request, pk)
    return answer_dialog(
        request,
        form=BindForm(request.POST or None, actor=request.actor, identity=identity),
        act=partial(binding_create, identity_id=pk, actor=request.actor),
        words=Words(f"Who acts as {identity}?", "Declare the agent that signs in as it.", "Bind"),
        changed="identity",
        back=identity.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_bind)
def binding_close(request: Request, pk: int) -> HttpResponse:
    rows = Binding.objects.visible_to(request.actor).for_table()
    binding = get_object_or_404(rows, pk=pk)
    return answer_dialog(
        request,
        form=UnbindForm(request.POST or None),
        act=partial(binding_end, binding_id=pk, actor=request.actor),
        words=Words(
            "End the binding",
            f"{binding.agent} no longer counts as acting as {binding.identity}. "
            "Nothing is removed in the system itself.",
            "End the binding",
        ),
        changed="identity",
        back=binding.identity.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_choose_accountable)
def identity_accountable(request: Request, pk: int) -> HttpResponse:
    identity = _identity(request, pk)
    initial = {"agent_id": identity.accountable_agent_id}
    return answer_dialog(
        request,
        form=AccountableForm(request.POST or None, identity=identity, initial=initial),
        act=partial(identity_choose_accountable, identity_id=pk, actor=request.actor),
        words=Words(
            "Which agent answers for it?",
            "Several agents act as it. Its grants are reviewed under the one you choose.",
            "Choose",
        ),
        changed="identity",
        back=identity.get_absolute_url(),
    )


def _identity(request: Request, pk: int) -> Identity:
    return get_object_or_404(Identity.objects.visible_to(request.actor).for_table(), pk=pk)
