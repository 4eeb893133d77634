from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.audit.selectors import is_log_missing
from apps.console import policies
from apps.core.htmx import Request, download, render_page
from apps.core.policies import page
from apps.proof.models import Checkpoint
from apps.proof.selectors import logs_told


@require_GET
@page(policies.can_read_record)
def proof(request: Request) -> HttpResponse:
    """How the logs stand that the record is sealed in; the same for every reader."""
    logs = logs_told()
    is_missing = is_log_missing(timezone.now())
    return render_page(request, "console/proof.html", {"logs": logs, "is_missing": is_missing})


@require_GET
@page(policies.can_read_record)
def checkpoint_download(request: Request, pk: int) -> HttpResponse:
    """One checkpoint as it was signed, to be kept outside."""
    checkpoint = get_object_or_404(Checkpoint.objects.select_related("log"), pk=pk)
    name = f"{checkpoint.log.name}-{checkpoint.epoch}-{checkpoint.size}.checkpoint"
    return download(checkpoint.note, name=name)
