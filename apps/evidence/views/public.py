"""What anybody may take to check a package: the verifier, and the public keys."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from apps.core.policies import public
from apps.evidence.services.building import verifier_source
from apps.evidence.services.keys import keys_published


@public(because="Public keys; who checks a package has no account.")
@require_safe
@cache_control(max_age=300, public=True)
def keys(request: HttpRequest) -> JsonResponse:
    return JsonResponse(keys_published(), json_dumps_params={"indent": 2})


@public(because="The verifier is public source; who checks a package has no account.")
@require_safe
@cache_control(max_age=300, public=True)
def verifier(request: HttpRequest) -> HttpResponse:
    return HttpResponse(verifier_source(), content_type="text/x-python; charset=utf-8")
