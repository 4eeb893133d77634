"""What may be done to an agent: each act one dialog, with the reason it asks for."""

from collections.abc import Sequence
from functools import partial

from django.forms import BaseFormSet
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods

from apps.console.forms.agents import (
    MaybeWhyForm,
    OwnerForm,
    PurposeForm,
    TaskFormSet,
    WhyForm,
    system_choices,
    task_initial,
)
from apps.console.services.agents import agent_retire as retire
from apps.console.views.agents import visible_agent
from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page
from apps.core.numbers import whole_number
from apps.core.policies import enforce, page
from apps.grants.selectors.readiness import full_readiness_of
from apps.grants.services.agents import agent_activate as activate
from apps.inventory import policies, services
from apps.inventory.models import Agent, Task
from apps.inventory.selectors.readiness import gap_keys

MORE_TASKS = 3


@require_http_methods(["GET", "POST"])
@page(policies.can_create_agent)
def agent_activate(request: Request, pk: int) -> HttpResponse:
    """Show how ready it is; what is missing needs a reason."""
    agent = visible_agent(request, pk)
    enforce(policies.can_activate_agent(request.actor, agent))
    readiness = full_readiness_of([pk])[pk]
    gaps = gap_keys(readiness)
    form_class = WhyForm if gaps else MaybeWhyForm
    form = form_class(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            activate(agent_id=pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=agent.get_absolute_url(), said="Active.")
    return render_page(
        request,
        "console/agent_activate.html",
        {"agent": agent, "readiness": readiness, "gaps": gaps, "form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_name_owners)
def agent_change_owner(request: Request, pk: int) -> HttpResponse:
    agent = visible_agent(request, pk)
    enforce(policies.can_change_owner(request.actor, agent))
    return answer_dialog(
        request,
        form=OwnerForm(request.POST or None, initial={"owner_id": agent.owner_id}),
        act=partial(services.agent_change_owner, agent_id=pk, actor=request.actor),
        words=Words(
            f"Who answers for {agent}?",
            "The owner decides its read access in reviews and attests what it needs; the manager "
            "of the team decides write and admin access.",
            "Change the owner",
        ),
        changed="agent",
        back=agent.get_absolute_url(),
        reloads=True,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_create_agent)
def agent_suspend(request: Request, pk: int) -> HttpResponse:
    agent = visible_agent(request, pk)
    enforce(policies.can_suspend_agent(request.actor, agent))
    return answer_dialog(
        request,
        form=WhyForm(request.POST or None),
        act=partial(services.agent_suspend, agent_id=pk, actor=request.actor),
        words=Words(
            f"Suspend {agent}?",
            "It counts as stopped until somebody resumes it. Its access in other systems stays "
            "as it is.",
            "Suspend",
            style="btn-warning",
            said="Suspended.",
        ),
        changed="agent",
        back=agent.get_absolute_url(),
        reloads=True,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_create_agent)
def agent_resume(request: Request, pk: int) -> HttpResponse:
    agent = visible_agent(request, pk)
    enforce(policies.can_activate_agent(request.actor, agent))
    return answer_dialog(
        request,
        form=WhyForm(request.POST or None),
        act=partial(services.agent_resume, agent_id=pk, actor=request.actor),
        words=Words(f"Let {agent} work again?", "It is active from then on.", "Resume"),
        changed="agent",
        back=agent.get_absolute_url(),
        reloads=True,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_create_agent)
def agent_retire(request: Request, pk: int) -> HttpResponse:
    agent = visible_agent(request, pk)
    enforce(policies.can_retire_agent(request.actor, agent))
    return answer_dialog(
        request,
        form=WhyForm(request.POST or None),
        act=partial(retire, agent_id=pk, actor=request.actor),
        words=Words(
            f"Retire {agent} for good?",
            "It cannot come back. The removal of every grant and credential that it alone holds "
            "is ordered at once.",
            "Retire",
            style="btn-danger",
            said="Retired, and the removals are ordered.",
        ),
        changed="agent",
        back=agent.get_absolute_url(),
        reloads=True,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_create_agent)
def agent_accept_purpose(request: Request, pk: int) -> HttpResponse:
    agent = visible_agent(request, pk)
    enforce(policies.can_accept_purpose(request.actor, agent))
    return answer_dialog(
        request,
        form=MaybeWhyForm(request.POST or None),
        act=partial(services.agent_accept_purpose, agent_id=pk, actor=request.actor),
        words=Words(
            f"Accept the purpose of {agent}?",
            "Somebody who benefits wrote it. Accepted, it may explain write access.",
            "Accept",
            said="Accepted.",
        ),
        changed="agent",
        back=agent.get_absolute_url(),
        reloads=True,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_create_agent)
def agent_change_purpose(request: Request, pk: int) -> HttpResponse:
    """The purpose and its tasks, each with what it needs."""
    agent = visible_agent(request, pk)
    enforce(policies.can_change_agent(request.actor, agent))
    standing = agent.tasks.filter(retired_at__isnull=True).prefetch_related("needs")
    tasks = list(standing.order_by("position", "pk"))
    data = _with_more_rows(request.POST) if request.method == "POST" else None
    form = PurposeForm(data, initial={"purpose": agent.purpose})
    formset = TaskFormSet(
        data,
        prefix="tasks",
        initial=[task_initial(task) for task in tasks],
        form_kwargs={"systems": system_choices(request.actor)},
    )
    wants_more = "more" in request.POST
    if data is not None and not wants_more and form.is_valid() and formset.is_valid():
        try:
            _save_purpose(request, agent, tasks, form, formset)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=agent.get_absolute_url(), said="The purpose is written.")
    failed = data is not None and not wants_more
    return render_page(
        request,
        "console/agent_purpose.html",
        {"agent": agent, "form": form, "formset": formset},
        status=422 if failed else 200,
    )


def _save_purpose(
    request: Request, agent: Agent, tasks: Sequence[Task], form: PurposeForm, formset: BaseFormSet
) -> None:
    tags = {
        (task.title, need.system_id, need.service): tuple(need.tags)
        for task in tasks
        for need in task.needs.all()
    }
    drafts = [draft for one in formset if (draft := one.draft(tags)) is not None]
    services.agent_change_purpose(
        agent_id=agent.pk, tasks=drafts, actor=request.actor, **form.cleaned_data
    )


def _with_more_rows(posted: QueryDict) -> QueryDict:
    """Who pressed "more tasks" gets more empty rows, and keeps what they wrote."""
    if "more" not in posted:
        return posted
    data = posted.copy()
    total = whole_number(data.get("tasks-TOTAL_FORMS", "")) or 0
    data["tasks-TOTAL_FORMS"] = str(total + MORE_TASKS)
    return data
