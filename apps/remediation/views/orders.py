from collections.abc import Callable

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.audit.models import AuditEntry
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page, written
from apps.core.listing import render_listing
from apps.core.policies import Verdict, enforce, page
from apps.remediation import policies
from apps.remediation.filters import OrderFilterSet
from apps.remediation.forms import ExceptionForm, ProofForm
from apps.remediation.models import Order, OrderProof
from apps.remediation.proofs import proof_path
from apps.remediation.selectors.ending import progress_of, used_since_told
from apps.remediation.services import by_hand
from apps.remediation.tables import OrderTable


@require_GET
@page(policies.can_browse)
def order_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "remediation/order_list.html",
        rows=Order.objects.visible_to(request.actor).for_table(),
        table_class=OrderTable,
        filterset_class=OrderFilterSet,
        context={
            "empty_title": "No orders yet",
            "empty_text": "When a review revokes or narrows access, its order stands here.",
            "empty_icon": "clipboard-check",
        },
        csv_name="orders",
    )


@require_GET
@page(policies.can_browse)
def order_detail(request: Request, pk: int) -> HttpResponse:
    order = _order(request, pk)
    return render_page(
        request,
        "remediation/order_detail.html",
        {
            "order": order,
            "proofs": order.proofs.select_related("given_by"),
            "entries": AuditEntry.objects.about(order, request.actor),
            "may_carry_out": policies.can_carry_out(request.actor, order),
            "may_confirm": policies.can_confirm(request.actor, order),
            "may_except": policies.can_except(request.actor, order),
            "may_try": policies.can_try(request.actor, order),
            "may_undo": policies.can_undo(request.actor, order),
            "may_confirm_kill": policies.can_confirm_kill(request.actor, order),
            "progress": progress_of(order),
            "used_since": used_since_told(order),
        },
        regions=["order-summary", "order-steps", "order-history"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def order_carry_out(request: Request, pk: int) -> HttpResponse:
    return _proof_dialog(
        request,
        pk,
        service=by_hand.order_carried_out,
        rule=policies.can_carry_out,
        title="It was carried out",
        text="Say what was done. Somebody else then confirms that the access is gone.",
        submit="Note it as carried out",
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def order_confirm(request: Request, pk: int) -> HttpResponse:
    return _proof_dialog(
        request,
        pk,
        service=by_hand.order_confirm,
        rule=policies.can_confirm,
        title="Confirm that the access is gone",
        text="Look in the system itself, and give what you saw as proof.",
        submit="Confirm",
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def order_except(request: Request, pk: int) -> HttpResponse:
    order = _order(request, pk)
    enforce(policies.can_except(request.actor, order))
    form = ExceptionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            by_hand.order_except(order_id=pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return written(
                request,
                changed="order",
                otherwise=order.get_absolute_url(),
                said="The access stands until the date you gave.",
            )
    context = {
        "order": order,
        "form": form,
        "title": "Let it stand for a while",
        "text": "The access stays in force. The exception is printed in the evidence.",
        "submit": "Make the exception",
    }
    return _dialog(request, context, form)


@require_GET
@page(policies.can_browse)
def proof_file(request: Request, pk: int, proof_pk: int) -> FileResponse:
    proof = get_object_or_404(OrderProof, order=_order(request, pk), pk=proof_pk)
    path = proof_path(proof.file_sha256)
    if not proof.file_sha256 or not path.exists():
        raise Http404
    return FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=proof.file_name,
        content_type="application/octet-stream",
    )


def _order(request: Request, pk: int) -> Order:
    return get_object_or_404(Order.objects.visible_to(request.actor).for_table(), pk=pk)


def _proof_dialog(
    request: Request,
    pk: int,
    *,
    service: Callable[..., Order],
    rule: Callable[[Actor, Order], Verdict],
    title: str,
    text: str,
    submit: str,
) -> HttpResponse:
    order = _order(request, pk)
    enforce(rule(request.actor, order))
    if (used := used_since_told(order)) is not None:
        text = (
            f"It still worked after it was said to be carried out: a call with it succeeded at"
            f" {used:%Y-%m-%d %H:%M:%S} UTC. {text}"
        )
    form = ProofForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            service(order_id=pk, proof=form.proof(), actor=request.actor)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return written(
                request, changed="order", otherwise=order.get_absolute_url(), said="Noted."
            )
    context = {"order": order, "form": form, "title": title, "text": text, "submit": submit}
    return _dialog(request, context, form)


def _dialog(request: Request, context: dict, form: ProofForm | ExceptionForm) -> HttpResponse:
    return render_page(
        request,
        "remediation/order_act.html",
        context,
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
