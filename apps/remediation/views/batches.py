"""Many removals at once: chosen by a filtered list, or all that one agent holds."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, moved, render_page
from apps.core.policies import enforce, page
from apps.inventory.filters import CredentialFilterSet
from apps.inventory.models import Agent, Credential
from apps.remediation import policies
from apps.remediation.forms import ManyForm
from apps.remediation.models import Batch
from apps.remediation.selectors.batches import breaks_of, choice_of, standing_of, tree_of
from apps.remediation.services.batches import MOST, batch_judge, credentials_end_many
from apps.remediation.services.stopping import agent_stop as stop
from apps.remediation.states import BatchState, OrderKind


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
def credentials_end(request: Request) -> HttpResponse:
    """End everything that a filtered list of credentials shows, with one reason."""
    standing = Credential.objects.visible_to(request.actor).standing()
    filterset = CredentialFilterSet(request.GET, queryset=standing, request=request)
    # A filter that cannot be read keeps nothing: more than was asked for would be ended.
    rows = filterset.qs if filterset.is_valid() else standing.none()
    chosen = choice_of(rows, request.actor, request.GET.urlencode())
    form = ManyForm(request.POST or None, count=chosen.count)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            batch = credentials_end_many(
                credential_ids=list(rows.values_list("pk", flat=True)[: MOST + 1]),
                kind=OrderKind(given["kind"]),
                reason=given["reason"],
                actor=request.actor,
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=batch.get_absolute_url())
    return render_page(
        request,
        "remediation/credentials_end.html",
        {"form": form, "chosen": chosen, "query": request.GET.urlencode()},
        status=422 if form.errors else 200,
    )


@require_GET
@page(policies.can_end_credentials)
def batch_detail(request: Request, pk: int) -> HttpResponse:
    batch = _batch(request, pk)
    return render_page(
        request,
        "remediation/batch_detail.html",
        {
            "batch": batch,
            "standing": standing_of(batch),
            "breaks": breaks_of(batch, request.actor) if batch.state == BatchState.HELD else None,
            "entries": AuditEntry.objects.about(batch, request.actor),
            "may_judge": policies.can_judge_batch(request.actor, batch),
        },
        regions=["batch-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
def batch_release(request: Request, pk: int) -> HttpResponse:
    words = Words(
        "Let the batch go?",
        "Everything in it begins at once.",
        "Let it go",
        style="btn-danger",
        said="It has begun.",
    )
    return _judge(request, pk, words, release=True)


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
def batch_refuse(request: Request, pk: int) -> HttpResponse:
    words = Words(
        "Refuse the batch?",
        "Nothing of it was begun; its orders are taken back.",
        "Refuse it",
        said="Refused. Nothing was changed.",
    )
    return _judge(request, pk, words, release=False)


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
def agent_stop(request: Request, pk: int) -> HttpResponse:
    agent = get_object_or_404(Agent.objects.visible_to(request.actor).for_table(), pk=pk)
    enforce(policies.can_stop_agent(request.actor, agent))
    form = ReasonForm(request.POST or None, label="Why it is stopped")
    if request.method == "POST" and form.is_valid():
        try:
            batch = stop(agent_id=pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=batch.get_absolute_url())
    return render_page(
        request,
        "remediation/agent_stop.html",
        {"agent": agent, "tree": tree_of(agent, request.actor), "form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


def _judge(request: Request, pk: int, words: Words, *, release: bool) -> HttpResponse:
    batch = _batch(request, pk)
    enforce(policies.can_judge_batch(request.actor, batch))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(batch_judge, batch_id=pk, release=release, actor=request.actor),
        words=words,
        changed="order",
        back=batch.get_absolute_url(),
        reloads=True,
    )


def _batch(request: Request, pk: int) -> Batch:
    return get_object_or_404(Batch.objects.visible_to(request.actor).for_table(), pk=pk)
