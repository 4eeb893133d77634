from django.http import HttpResponse
from django.views.decorators.http import require_GET

from apps.console import policies
from apps.console.selectors.search import SHORTEST, search_everywhere
from apps.core.htmx import Request, render_page
from apps.core.policies import page


@require_GET
@page(policies.can_search)
def search(request: Request) -> HttpResponse:
    asked = request.GET.get("q", "")[:200]
    return render_page(
        request,
        "console/search.html",
        {
            "asked": asked,
            "found": search_everywhere(request.actor, asked),
            "too_short": len(asked.strip()) < SHORTEST,
        },
    )
