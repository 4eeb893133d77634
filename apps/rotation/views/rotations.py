"""Rotations: how each goes, and what people do to them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, moved, render_page
from apps.core.listing import render_listing
from apps.core.policies import Verdict, enforce, page
from apps.core.preferences import preference
from apps.inventory.models import Credential
from apps.inventory.selectors.exposure import exposure_of
from apps.rotation import policies
from apps.rotation.filters import RotationFilterSet
from apps.rotation.forms import DoneForm, RotateForm
from apps.rotation.models import Rotation
from apps.rotation.selectors.leading_out import ways_out_of
from apps.rotation.selectors.method import method_of
from apps.rotation.services import acting
from apps.rotation.services.planning import rotation_plan
from apps.rotation.tables import RotationTable


@require_GET
@page(policies.can_browse)
def rotation_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "rotation/rotation_list.html",
        rows=Rotation.objects.visible_to(request.actor).for_table(),
        table_class=RotationTable,
        filterset_class=RotationFilterSet,
        context={
            "empty_title": "Nothing was rotated yet",
            "empty_text": "The page of a credential rotates it, and so does a review that says so.",
            "empty_icon": "refresh",
        },
        csv_name="rotations",
    )


@require_GET
@page(policies.can_browse)
def rotation_detail(request: Request, pk: int) -> HttpResponse:
    rotation, actor = _rotation(request, pk), request.actor
    return render_page(
        request,
        "rotation/rotation_detail.html",
        {
            "rotation": rotation,
            "steps": rotation.steps.all(),
            "entries": AuditEntry.objects.about(rotation, actor),
            "may_carry_out": policies.can_carry_out(actor, rotation),
            "may_try_again": policies.can_try_again(actor, rotation),
            "may_take_over": policies.can_take_over(actor, rotation),
            "may_drop": policies.can_drop(actor, rotation),
            "may_hurry": policies.can_hurry(actor, rotation),
        },
        regions=["rotation-summary", "rotation-history"],
    )


@require_GET
@page(policies.can_browse)
def credential_panel(request: Request, pk: int) -> HttpResponse:
    """What the page of a credential shows of its rotation."""
    credential = _credential(request, pk)
    may_rotate = policies.can_rotate(request.actor, credential)
    rotations = list(Rotation.objects.of_credential(pk).for_table()[:5])
    return render_page(
        request,
        "rotation/credential_panel.html",
        {
            "credential": credential,
            "exposure": exposure_of(credential),
            "rotations": rotations,
            "is_live": any(one.is_live for one in rotations),
            "method": method_of(credential) if may_rotate else None,
            "may_rotate": may_rotate,
            "migrations": credential.migrations.for_table()[:5],
            "ways": ways_out_of(credential),
            "may_propose": policies.can_propose(request.actor, credential),
        },
        regions=["credential-rotation"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def rotation_new(request: Request, pk: int) -> HttpResponse:
    credential = _credential(request, pk)
    enforce(policies.can_rotate(request.actor, credential))
    method = method_of(credential)
    form = RotateForm(
        request.POST or None,
        label="Why it is rotated",
        parts=tuple(method.parts),
        initial={"overlap_days": preference("rotation_overlap_days")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            rotation = rotation_plan(credential_id=pk, actor=request.actor, **form.asked())
        except DomainError as error:
            form.add_error(error.field or None, str(error))
        else:
            return moved(request, to=rotation.get_absolute_url())
    return render_page(
        request,
        "rotation/rotation_new.html",
        {"credential": credential, "method": method, "form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def rotation_done(request: Request, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        rule=policies.can_carry_out,
        service=acting.rotation_done_by_hand,
        form=DoneForm(request.POST or None),
        words=Words(
            "It was done",
            "With a new id, the old one works on for the overlap and is then retired.",
            "Note it as done",
            said="Noted.",
        ),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def rotation_try_again(request: Request, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        rule=policies.can_try_again,
        service=acting.rotation_try_again,
        form=ReasonForm(request.POST or None, label="What is different now"),
        words=Words(
            "Try it again?",
            "What the last try left behind is looked for, and ended first.",
            "Try it again",
            said="It begins anew.",
        ),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def rotation_take_over(request: Request, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        rule=policies.can_take_over,
        service=acting.rotation_take_over,
        form=ReasonForm(request.POST or None, label="Why it is done by hand"),
        words=Words(
            "Do it by hand?",
            "No connection touches it any more; its owner carries out the steps.",
            "Do it by hand",
            said="Its owner carries it out now.",
        ),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def rotation_drop(request: Request, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        rule=policies.can_drop,
        service=acting.rotation_drop,
        form=ReasonForm(request.POST or None, label="Why it is not rotated"),
        words=Words(
            "Drop this rotation?",
            "The old one works on. An order that asked for it stays open.",
            "Drop it",
            style="btn-danger",
            said="Dropped.",
        ),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def rotation_hurry(request: Request, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        rule=policies.can_hurry,
        service=acting.rotation_hurry,
        form=ReasonForm(request.POST or None, label="Why the old one goes now"),
        words=Words(
            "Retire the old one now?",
            "It is disabled at once, watched for seven days with an undo, and then deleted.",
            "Retire it now",
            style="btn-warning",
            said="The old one is being retired.",
        ),
    )


def _act(
    request: Request,
    pk: int,
    *,
    rule: Callable[[Any, Rotation], Verdict],
    service: Callable[..., Any],
    form: Any,
    words: Words,
) -> HttpResponse:
    rotation = _rotation(request, pk)
    enforce(rule(request.actor, rotation))
    return answer_dialog(
        request,
        form=form,
        act=partial(service, rotation_id=pk, actor=request.actor),
        words=words,
        changed="rotation",
        back=rotation.get_absolute_url(),
    )


def _rotation(request: Request, pk: int) -> Rotation:
    return get_object_or_404(Rotation.objects.visible_to(request.actor).for_table(), pk=pk)


def _credential(request: Request, pk: int) -> Credential:
    return get_object_or_404(Credential.objects.visible_to(request.actor).for_table(), pk=pk)
