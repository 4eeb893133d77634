"""The description of the API: for machines, and as a page for people, without any script."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.api.document import document, operation_lines, schema_lines
from apps.core.links import public_url
from apps.core.policies import public

SAYS_NOTHING = "It describes the API as released; nothing in it is of this company."


@public(because=SAYS_NOTHING)
@require_GET
def openapi(request: HttpRequest) -> JsonResponse:
    return JsonResponse(document())


@public(because=SAYS_NOTHING)
@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "api/docs.html",
        {"operations": operation_lines(), "schemas": schema_lines(), "site": public_url("")},
    )
