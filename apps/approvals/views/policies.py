"""Who approves what: policies, the groups they turn to, and a dry run."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.approvals import policies
from apps.approvals.forms.policies import (
    DryRunForm,
    GroupForm,
    PolicyForm,
    StepFormSet,
    initial_steps,
    steps_of,
)
from apps.approvals.forms.requests import ReasonForm
from apps.approvals.models import Group, Policy
from apps.approvals.selectors.catalogue import permissions_named
from apps.approvals.selectors.dry_run import (
    dry_run,
    identity_there,
    permission_of,
    wanted_of,
)
from apps.approvals.selectors.wording import match_in_words
from apps.approvals.services import policies as services
from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page
from apps.core.policies import page
from apps.inventory.models import Agent, System


@require_GET
@page(policies.can_browse)
def policy_list(request: Request) -> HttpResponse:
    """All of them, in the order in which they are tried: a company has a handful."""
    standing = list(Policy.objects.visible_to(request.actor).standing().with_steps())
    return render_page(
        request,
        "approvals/policy_list.html",
        {
            "policies": [(policy, match_in_words(policy)) for policy in standing],
            "groups": Group.objects.visible_to(request.actor).standing().with_member_count(),
            "may_set": policies.can_set_policies(request.actor),
        },
        regions=["policies"],
    )


@require_GET
@page(policies.can_browse)
def policy_detail(request: Request, pk: int) -> HttpResponse:
    policy = _policy(request, pk)
    return render_page(
        request,
        "approvals/policy_detail.html",
        {
            "policy": policy,
            "match": match_in_words(policy),
            "entries": AuditEntry.objects.about(policy, request.actor),
            "may_set": policies.can_set_policies(request.actor),
        },
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_set_policies)
def policy_new(request: Request) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@page(policies.can_set_policies)
def policy_change(request: Request, pk: int) -> HttpResponse:
    return _edit(request, _policy(request, pk))


def _edit(request: Request, policy: Policy | None) -> HttpResponse:
    initial = {} if policy is None else PolicyForm.initial_of(policy)
    form = PolicyForm(request.POST or None, initial=initial)
    steps: Any = StepFormSet(request.POST or None, initial=initial_steps(policy), prefix="steps")
    if request.method == "POST" and form.is_valid() and steps.is_valid():
        content = form.content(steps_of(steps))
        try:
            if policy is None:
                policy = services.policy_create(content=content, actor=request.actor)
            else:
                services.policy_change(policy_id=policy.pk, content=content, actor=request.actor)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=policy.get_absolute_url(), said="Saved for later requests.")
    is_wrong = request.method == "POST"
    return render_page(
        request,
        "approvals/policy_form.html",
        {"form": form, "steps": steps, "policy": policy},
        status=422 if is_wrong else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_set_policies)
def policy_retire(request: Request, pk: int) -> HttpResponse:
    policy = _policy(request, pk)
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(services.policy_retire, policy_id=pk, actor=request.actor),
        words=Words(
            f"Retire {policy}",
            "No later request is judged by it. Those open keep the people they asked.",
            "Retire",
            style="btn-danger",
            said="Retired.",
        ),
        changed="policy",
        back=reverse("approvals:policy_list"),
        reloads=True,
    )


@require_POST
@page(policies.can_set_policies)
def policies_ready(request: Request) -> HttpResponse:
    made = services.policies_ensure_ready_ones(actor=request.actor)
    said = f"{len(made)} policies made." if made else "They are there already."
    return moved(request, to=reverse("approvals:policy_list"), said=said)


@require_GET
@page(policies.can_browse)
def group_detail(request: Request, pk: int) -> HttpResponse:
    group = _group(request, pk)
    return render_page(
        request,
        "approvals/group_detail.html",
        {
            "group": group,
            "memberships": group.memberships.select_related("person").order_by("pk"),
            "entries": AuditEntry.objects.about(group, request.actor),
            "may_set": policies.can_set_policies(request.actor),
        },
        regions=["group-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_set_policies)
def group_new(request: Request) -> HttpResponse:
    return answer_dialog(
        request,
        form=GroupForm(request.POST or None),
        act=partial(services.group_create, actor=request.actor),
        words=Words(
            "New group", "People a policy can turn to by name.", "Make the group", said="Made."
        ),
        changed="group",
        back=reverse("approvals:policy_list"),
        reloads=True,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_set_policies)
def group_change(request: Request, pk: int) -> HttpResponse:
    group = _group(request, pk)
    initial = {"purpose": group.purpose, "members": [one.pk for one in group.members.all()]}
    return answer_dialog(
        request,
        form=GroupForm(request.POST or None, group=group, initial=initial),
        act=partial(services.group_change, group_id=pk, actor=request.actor),
        words=Words(
            f"Who is in {group}",
            "Later requests follow it. Those open keep the people they asked.",
            "Save",
        ),
        changed="group",
        back=group.get_absolute_url(),
    )


@require_GET
@page(policies.can_browse)
def policy_try(request: Request) -> HttpResponse:
    """Show which policy would apply and who would be asked. Nothing is written."""
    form = DryRunForm(request.GET if "system" in request.GET else None)
    shown: dict[str, Any] = {"form": form}
    if form.is_valid():
        agent, system = form.cleaned_data["agent"], form.cleaned_data["system"]
        found, has_more = permissions_named(system, form.cleaned_data["q"])
        shown |= {"searched": True, "permissions": found, "has_more": has_more}
        try:
            shown |= _tried(agent, system, request.GET.get("permission", ""))
        except DomainError as error:
            form.add_error("q", str(error))
    return render_page(request, "approvals/policy_try.html", shown, regions=["permissions-found"])


def _tried(agent: Agent, system: System, key: str) -> dict[str, Any]:
    """What would happen if the agent's owner asked for the permission that was chosen."""
    if not key:
        return {}
    permission = permission_of(system, key)
    would = dry_run(
        agent=agent,
        identity=identity_there(agent, system),
        wanted=wanted_of(system, [permission]),
        asked_by_id=agent.owner_id,
    )
    return {"tried": permission, "would": would}


def _policy(request: Request, pk: int) -> Policy:
    return get_object_or_404(Policy.objects.visible_to(request.actor).with_steps(), pk=pk)


def _group(request: Request, pk: int) -> Group:
    return get_object_or_404(Group.objects.visible_to(request.actor), pk=pk)
