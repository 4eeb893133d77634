"""Dangerous acts ask for a fresh sign-in.

Fresh is a proof given in this session within `ACCOUNT_REAUTHENTICATION_TIMEOUT` seconds: a
password, a second factor, or a passkey given here; else the moment at which the identity
provider says that the person proved themself to it. A silent round trip proves nothing.
"""

import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from apps.accounts.models import User
from apps.core.htmx import Request

type View = Callable[..., HttpResponse]


def is_fresh(request: HttpRequest) -> bool:
    user = request.user
    if not isinstance(user, User):
        return False
    now = time.time()
    proofs = [_moment(record, user) for record in get_authentication_records(request, user)]
    return any(now - proof < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT for proof in proofs)


def fresh_sign_in_required(view: View) -> View:
    """Send whoever did not sign in lately to do so, and then back to the form they asked for.

    Stands below `@page`: who may not act is told so without signing in again.
    """

    @wraps(view)
    def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_fresh(request):
            return view(request, *args, **kwargs)
        address = sign_in_again_url(_way_back(request))
        return HttpResponseClientRedirect(address) if request.htmx else redirect(address)

    return guarded


def sign_in_again_url(back: str) -> str:
    return f"{reverse('accounts:sign_in_again')}?{urlencode({'next': back})}"


def _moment(record: Mapping[str, Any], user: User) -> float:
    if record["method"] != "socialaccount":
        return float(record["at"])
    account = SocialAccount.objects.filter(
        user=user, provider=record["provider"], uid=record["uid"]
    ).first()
    claims = account.extra_data.get("id_token") if account is not None else None
    proven_at = (claims or {}).get("auth_time")
    return min(float(record["at"]), float(proven_at)) if proven_at else 0.0


def _way_back(request: Request) -> str:
    if request.method == "GET":
        return request.get_full_path()
    return (request.htmx and request.htmx.current_url_abs_path) or request.path
