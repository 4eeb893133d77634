from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.audit.models import AuditEntry
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page, written
from apps.core.jobs import enqueue
from apps.core.listing import render_listing
from apps.core.policies import Verdict, enforce, page
from apps.findings import policies, services
from apps.findings.filters import FindingFilterSet
from apps.findings.forms import AcceptForm, ReasonForm, SnoozeForm
from apps.findings.models import Finding
from apps.findings.rules import rule_named
from apps.findings.selectors import nothing_is_read
from apps.findings.tables import FindingTable
from apps.inventory.models import Agent


@require_GET
@page(policies.can_browse)
def finding_list(request: Request) -> HttpResponse:
    has_read = not nothing_is_read()
    return render_listing(
        request,
        "findings/finding_list.html",
        rows=Finding.objects.visible_to(request.actor).for_table(),
        table_class=FindingTable,
        filterset_class=FindingFilterSet,
        context={
            "may_recheck": policies.can_recheck(request.actor),
            "nothing_is_read": not has_read,
            "empty_title": "Nothing looks wrong" if has_read else "Nothing was looked at yet",
            "empty_text": "The rules are checked on every import and every quarter hour.",
            "empty_icon": "shield-check",
        },
        csv_name="findings",
    )


@require_GET
@page(policies.can_browse)
def finding_detail(request: Request, pk: int) -> HttpResponse:
    finding = _finding(request, pk)
    rule = rule_named(finding.rule)
    return render_page(
        request,
        "findings/finding_detail.html",
        {
            "finding": finding,
            "rule": rule,
            "counted_href": rule.counted_href(finding.subject_id, timezone.now()) if rule else "",
            "subject": _subject(finding),
            "entries": AuditEntry.objects.about(finding, request.actor),
            "may_judge": policies.can_judge(request.actor, finding),
            "may_accept": policies.can_accept_risk(request.actor, finding),
        },
        regions=["finding-summary"],
    )


@require_GET
@page(policies.can_browse)
def agent_panel(request: Request, agent_pk: int) -> HttpResponse:
    """The findings of one agent, as a region of its dossier."""
    agent = get_object_or_404(Agent.objects.visible_to(request.actor), pk=agent_pk)
    rows = Finding.objects.visible_to(request.actor).standing().filter(agent=agent)
    return render_page(
        request,
        "findings/agent_panel.html",
        {"findings": _described(rows.for_table()[:20]), "agent_pk": agent_pk},
        regions=["agent-findings"],
    )


@require_POST
@page(policies.can_recheck)
def recheck(request: Request) -> HttpResponse:
    enforce(policies.can_recheck(request.actor))
    enqueue("findings.recheck")
    return written(
        request,
        changed="finding",
        otherwise=reverse("findings:finding_list"),
        said="The rules are being checked now.",
    )


@dataclass(frozen=True, slots=True)
class Act:
    """What a person may say of a finding: its service, form, and words."""

    service: Callable[..., Finding]
    rule: Callable[[Actor, Finding], Verdict]
    form: type[ReasonForm]
    title: str
    text: str
    submit: str


ACTS = {
    "acknowledge": Act(
        services.finding_acknowledge,
        policies.can_judge,
        ReasonForm,
        "Acknowledge",
        "Say what is being done about it. It stays here until it no longer holds.",
        "Acknowledge",
    ),
    "snooze": Act(
        services.finding_snooze,
        policies.can_judge,
        SnoozeForm,
        "Put it aside until a date",
        "It opens again by itself.",
        "Put aside",
    ),
    "accept": Act(
        services.finding_accept_risk,
        policies.can_accept_risk,
        AcceptForm,
        "Accept the risk",
        "The risk is accepted in your name, with this reason, until the date you give.",
        "Accept the risk",
    ),
    "reopen": Act(
        services.finding_reopen,
        policies.can_judge,
        ReasonForm,
        "Open it again",
        "What was said of it no longer stands.",
        "Open it again",
    ),
}


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def finding_act(request: Request, pk: int, act: str) -> HttpResponse:
    if act not in ACTS:
        raise Http404
    finding = _finding(request, pk)
    enforce(ACTS[act].rule(request.actor, finding))
    answer = fresh_sign_in_required(_act) if act == "accept" else _act
    return answer(request, finding, ACTS[act])


def _act(request: Request, finding: Finding, chosen: Act) -> HttpResponse:
    form = chosen.form(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            chosen.service(finding_id=finding.pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return written(
                request, changed="finding", otherwise=finding.get_absolute_url(), said="Noted."
            )
    return render_page(
        request,
        "findings/finding_act.html",
        {"finding": finding, "act": chosen, "form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


def _finding(request: Request, pk: int) -> Finding:
    return get_object_or_404(Finding.objects.visible_to(request.actor).for_table(), pk=pk)


def _subject(finding: Finding) -> Any:
    """The record it is about. Whoever may see the finding may follow the link, or get a 404."""
    model = apps.get_model(finding.subject_type)
    return model._default_manager.filter(pk=finding.subject_id).first()


def _described(rows: Iterable[Finding]) -> list[tuple[Finding, object]]:
    return [(finding, rule_named(finding.rule)) for finding in rows]
