"""Two buttons for a credential: revoke it, or kill it now; and what follows."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, moved, render_page
from apps.core.policies import enforce, page
from apps.inventory.models import Credential
from apps.remediation import policies
from apps.remediation.forms import KillForm, TryForm
from apps.remediation.models import Order
from apps.remediation.selectors.ending import (
    confirmation_of,
    connection_for,
    progress_of,
    reach_of,
    systems_reached,
)
from apps.remediation.services import ending, trying
from apps.remediation.states import OrderKind


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
def credential_revoke(request: Request, pk: int) -> HttpResponse:
    credential = _credential(request, pk)
    return _end(
        request,
        credential,
        OrderKind.REVOKE,
        form=ReasonForm(request.POST or None, label="Why it is revoked"),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
def credential_kill(request: Request, pk: int) -> HttpResponse:
    credential = _credential(request, pk)
    return _end(
        request,
        credential,
        OrderKind.KILL,
        form=KillForm(
            request.POST or None, label="What happened", initial={"reason": "It was exposed."}
        ),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
def kill_confirm(request: Request, pk: int) -> HttpResponse:
    order = _order(request, pk)
    enforce(policies.can_confirm_kill(request.actor, order))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None, label="Why it was right"),
        act=partial(ending.kill_confirm, order_id=pk, actor=request.actor),
        words=Words(
            "Was killing it right?",
            "Once you confirm, what can no longer be undone follows at once.",
            "Confirm the kill",
            said="Confirmed.",
        ),
        changed="order",
        back=order.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
def order_undo(request: Request, pk: int) -> HttpResponse:
    order = _order(request, pk)
    enforce(policies.can_undo(request.actor, order))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None, label="Why it is undone"),
        act=partial(ending.order_undo, order_id=pk, actor=request.actor),
        words=Words(
            "Undo this order?",
            "Each step is taken back in the system, last one first. It works again afterwards.",
            "Undo it",
            style="btn-warning",
            said="It is being undone.",
        ),
        changed="order",
        back=order.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
@sensitive_post_parameters("secret")
def order_try(request: Request, pk: int) -> HttpResponse:
    order = _order(request, pk)
    enforce(policies.can_try(request.actor, order))
    return answer_dialog(
        request,
        form=TryForm(request.POST or None),
        act=partial(trying.order_try, order_id=pk, actor=request.actor),
        words=Words(
            "See it refused?",
            "Where you have the secret, trying it is the best proof that it is dead.",
            "Try it once",
            said="Tried. What was answered stands under Proof.",
        ),
        changed="order",
        back=order.get_absolute_url(),
    )


@require_GET
@page(policies.can_end_credentials)
def credential_panel(request: Request, pk: int) -> HttpResponse:
    """What the page of a credential shows of ending it."""
    credential = _credential(request, pk)
    orders = list(Order.objects.about_credential(pk).for_table()[:5])
    return render_page(
        request,
        "remediation/credential_panel.html",
        {
            "credential": credential,
            "connection": connection_for(credential),
            "orders": orders,
            "is_live": any(progress_of(order).is_live for order in orders),
            "may_end": policies.can_end_credential(request.actor, credential),
        },
        regions=["credential-ending"],
    )


@require_GET
@page(policies.can_end_credentials)
def reach(request: Request) -> HttpResponse:
    """Where credentials can be killed from here, and where only by hand."""
    return render_page(
        request,
        "remediation/reach.html",
        {"reach": reach_of(request.actor), "systems": systems_reached(request.actor)},
    )


def _end(
    request: Request, credential: Credential, kind: OrderKind, *, form: ReasonForm
) -> HttpResponse:
    verdict = policies.can_end_credential(request.actor, credential)
    enforce(verdict)
    if request.method == "POST" and form.is_valid():
        act = ending.credential_kill if kind == OrderKind.KILL else ending.credential_revoke
        try:
            order = act(credential_id=credential.pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=order.get_absolute_url())
    return render_page(
        request,
        "remediation/credential_end.html",
        {
            "credential": credential,
            "is_kill": kind == OrderKind.KILL,
            "form": form,
            "confirmation": confirmation_of(credential, kind, request.actor),
        },
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


def _credential(request: Request, pk: int) -> Credential:
    return get_object_or_404(Credential.objects.visible_to(request.actor).for_table(), pk=pk)


def _order(request: Request, pk: int) -> Order:
    return get_object_or_404(Order.objects.visible_to(request.actor).for_table(), pk=pk)
