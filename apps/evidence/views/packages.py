from urllib.parse import urlencode

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from apps.activity.models import Invocation
from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page
from apps.core.links import public_url
from apps.core.listing import render_listing
from apps.core.policies import Verdict, deny, page
from apps.evidence import policies
from apps.evidence.filters import PackageFilterSet
from apps.evidence.forms import ExportForm
from apps.evidence.models import Package
from apps.evidence.policies import Period
from apps.evidence.services import packages
from apps.evidence.tables import PackageTable
from apps.evidence.views.asking import package_asked
from apps.reviews.models import Campaign


@require_GET
@page(policies.can_browse)
def package_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "evidence/package_list.html",
        rows=Package.objects.visible_to(request.actor).for_table(),
        table_class=PackageTable,
        filterset_class=PackageFilterSet,
        context={
            "empty_title": "No package yet",
            "empty_text": "Export a campaign, a request, an incident, an invocation, or a period: "
            "the zip is checked offline.",
            "empty_icon": "certificate",
        },
        csv_name="packages",
    )


@require_GET
@page(policies.can_browse)
def package_detail(request: Request, pk: int) -> HttpResponse:
    package = _package(request, pk)
    siblings = Package.objects.visible_to(request.actor).beside(package)
    may_export, again = _door(request, package)
    run = _run(request, package)
    return render_page(
        request,
        "evidence/package_detail.html",
        {
            "package": package,
            "about_url": run.get_absolute_url() if run else package.about_url,
            "siblings": siblings.for_table()[:50],
            "may_download": policies.can_download(request.actor, package),
            "may_export": may_export,
            "again": again,
            "verifier_url": public_url("/.well-known/countersign-verify.py"),
            "keys_url": public_url("/.well-known/countersign-log.json"),
        },
        regions=["package-summary"],
    )


@require_GET
@page(policies.can_browse)
def package_job(request: Request, pk: int) -> HttpResponse:
    """How far the build has come; asked for again and again while it runs."""
    package = _package(request, pk)
    response = render_page(
        request, "core/job.html", {"job": package.job, "url": request.path}, regions=[]
    )
    if package.job is None or package.job.is_over:
        trigger_client_event(response, "package:changed")
    return response


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def package_create(request: Request, campaign_pk: int) -> HttpResponse:
    """Export a campaign: ask for its package."""
    campaign = _campaign(request, campaign_pk)
    form = ExportForm(request.POST if request.method == "POST" else None)
    asked_for = package_asked(
        request,
        form,
        lambda: packages.package_request(campaign_id=campaign_pk, actor=request.actor),
    )
    if asked_for is not None:
        return asked_for
    return render_page(
        request,
        "evidence/package_create.html",
        {
            "campaign": campaign,
            "form": form,
            "may_export": policies.can_export(request.actor, campaign),
        },
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_POST
@page(policies.can_browse)
def package_download(request: Request, pk: int) -> HttpResponse:
    package = _package(request, pk)
    try:
        path = packages.package_download(package_id=pk, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(package)
    file = path.open("rb")
    # It streams, and is a response all the same.
    return FileResponse(file, as_attachment=True, filename=package.file_name)  # type: ignore[return-value]


def _door(request: Request, package: Package) -> tuple[Verdict, str]:
    """Whether the reader may export the same again, and where."""
    if package.campaign is not None:
        address = reverse("evidence:package_create", args=[package.campaign_id])
        return policies.can_export(request.actor, package.campaign), address
    if package.request is not None:
        address = reverse("evidence:request_package_create", args=[package.request_id])
        return policies.can_export_request(request.actor, package.request), address
    if package.incident is not None:
        address = reverse("evidence:incident_package_create", args=[package.incident_id])
        return policies.can_export_incident(request.actor, package.incident), address
    if package.trace_id is not None:
        return _door_of_run(request, package)
    assert package.period is not None  # noqa: S101  (it is about nothing else)
    return _door_of_period(request, package, Period(*package.period, package.period_system_id))


def _run(request: Request, package: Package) -> Invocation | None:
    """The invocation that a package is about, if it is about one."""
    if package.trace_id is None:
        return None
    rows = Invocation.objects.visible_to(request.actor)
    found: Invocation | None = rows.filter(trace_id=package.trace_id).order_by("pk").first()
    return found


def _door_of_run(request: Request, package: Package) -> tuple[Verdict, str]:
    run = _run(request, package)
    if run is None:
        return deny("The invocation is no longer kept."), ""
    address = reverse("evidence:invocation_package_create", args=[run.pk])
    return policies.can_export_invocation(request.actor, run), address


def _door_of_period(request: Request, package: Package, period: Period) -> tuple[Verdict, str]:
    days = {"since": period.since, "until": period.until}
    if package.agent is not None:
        address = reverse("evidence:agent_package_create", args=[package.agent_id])
        verdict = policies.can_export_agent(request.actor, package.agent, period)
        return verdict, f"{address}?{urlencode(days)}"
    if package.is_whole:
        address = reverse("evidence:everything_package_create")
        verdict = policies.can_export_everything(request.actor, period)
        return verdict, f"{address}?{urlencode(days)}"
    asked = {**days, "system": period.system_id or ""}
    address = f"{reverse('evidence:period_package_create')}?{urlencode(asked)}"
    return policies.can_export_period(request.actor, period), address


def _package(request: Request, pk: int) -> Package:
    return get_object_or_404(Package.objects.visible_to(request.actor).for_table(), pk=pk)


def _campaign(request: Request, pk: int) -> Campaign:
    return get_object_or_404(Campaign.objects.readable_whole_by(request.actor), pk=pk)
