"""Ways out of long-lived secrets: listed, proposed, and gone."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, moved, render_page
from apps.core.listing import render_listing
from apps.core.policies import enforce, page
from apps.inventory.models import Credential
from apps.rotation import policies
from apps.rotation.filters import MigrationFilterSet
from apps.rotation.forms import AgreeForm, ChangeWayForm, FinishForm, ProposeForm
from apps.rotation.models import Migration
from apps.rotation.selectors.leading_out import ways_out_of
from apps.rotation.services import migrations
from apps.rotation.tables import MigrationTable


@require_GET
@page(policies.can_browse)
def migration_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "rotation/migration_list.html",
        rows=Migration.objects.visible_to(request.actor).for_table(),
        table_class=MigrationTable,
        filterset_class=MigrationFilterSet,
        context={
            "empty_title": "No way out is being gone",
            "empty_text": "The page of a long-lived credential names its way out, and proposes it.",
            "empty_icon": "door-exit",
        },
        csv_name="ways-out",
    )


@require_GET
@page(policies.can_browse)
def migration_detail(request: Request, pk: int) -> HttpResponse:
    migration = _migration(request, pk)
    return render_page(
        request,
        "rotation/migration_detail.html",
        {
            "migration": migration,
            "is_dead": migrations.is_dead(migration.credential),
            "entries": AuditEntry.objects.about(migration, request.actor),
            "may_lead": policies.can_lead_out(request.actor, migration),
        },
        regions=["migration-summary", "migration-history"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def migration_new(request: Request, pk: int) -> HttpResponse:
    rows = Credential.objects.visible_to(request.actor).for_table()
    credential = get_object_or_404(rows, pk=pk)
    enforce(policies.can_propose(request.actor, credential))
    ways = ways_out_of(credential)
    first = ways[0].key if ways else ""
    form = ProposeForm(request.POST or None, ways=ways, initial={"way": first})
    if request.method == "POST" and form.is_valid():
        try:
            migration = migrations.migration_propose(
                credential_id=pk, actor=request.actor, **form.cleaned_data
            )
        except DomainError as error:
            form.add_error(error.field or None, str(error))
        else:
            return moved(request, to=migration.get_absolute_url())
    words = Words(
        "Propose a way out", "What replaces the long-lived secret, and by when.", "Propose"
    )
    return render_page(
        request,
        "core/dialog_page.html",
        {"form": form, "words": words, "back": credential.get_absolute_url()},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def migration_change(request: Request, pk: int) -> HttpResponse:
    migration = _migration(request, pk)
    named = {one.key: one.title for one in ways_out_of(migration.credential)}
    form = ChangeWayForm(
        request.POST or None,
        label="Why it changes",
        ways=list({migration.way: migration.title, **named}.items()),
        initial={
            "way": migration.way,
            "owner_id": migration.owner_id,
            "target_on": migration.target_on,
        },
    )
    words = Words("Change the way out", "Another way, owner, or day.", "Save")
    return _act(request, migration, migrations.migration_change, form, words)


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def migration_agree(request: Request, pk: int) -> HttpResponse:
    migration = _migration(request, pk)
    form = AgreeForm(
        request.POST or None,
        label="Why this way",
        initial={"target_on": migration.target_on},
    )
    words = Words("Agree on this way out?", "From now on it has a day.", "Agree", said="Agreed.")
    return _act(request, migration, migrations.migration_agree, form, words)


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def migration_begin(request: Request, pk: int) -> HttpResponse:
    form = ReasonForm(request.POST or None, label="What is begun")
    words = Words("Is it under way?", "Somebody works on it.", "It is under way")
    return _act(request, _migration(request, pk), migrations.migration_begin, form, words)


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def migration_finish(request: Request, pk: int) -> HttpResponse:
    words = Words(
        "Is it done?",
        "It is done once the old secret is dead or gone. If it still works, say why.",
        "It is done",
        said="Done.",
    )
    form = FinishForm(request.POST or None)
    return _act(request, _migration(request, pk), migrations.migration_finish, form, words)


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def migration_drop(request: Request, pk: int) -> HttpResponse:
    words = Words(
        "Drop this way out?",
        "The long-lived secret stays as it is.",
        "Drop it",
        style="btn-danger",
        said="Dropped.",
    )
    form = ReasonForm(request.POST or None, label="Why it is dropped")
    return _act(request, _migration(request, pk), migrations.migration_drop, form, words)


def _act(
    request: Request, migration: Migration, service: Callable[..., Any], form: Form, words: Words
) -> HttpResponse:
    enforce(policies.can_lead_out(request.actor, migration))
    return answer_dialog(
        request,
        form=form,
        act=partial(service, migration_id=migration.pk, actor=request.actor),
        words=words,
        changed="migration",
        back=migration.get_absolute_url(),
    )


def _migration(request: Request, pk: int) -> Migration:
    return get_object_or_404(Migration.objects.visible_to(request.actor).for_table(), pk=pk)
