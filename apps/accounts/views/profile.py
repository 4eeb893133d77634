from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts import policies
from apps.accounts.forms import ProfileForm
from apps.accounts.services.people import profile_change
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page
from apps.core.policies import page

# The provider must ask the person anew, and say when they answered (OpenID Connect Core 3.1.2.1).
ASK_ANEW = "prompt=login&max_age=0"


@require_http_methods(["GET", "POST"])
@page(policies.can_see_own_profile)
def profile(request: Request) -> HttpResponse:
    actor = request.actor
    assert isinstance(actor, Person)  # noqa: S101  (the policy above saw to it)
    person = actor.user
    initial = {"display_name": person.display_name, "time_zone": person.time_zone}
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            profile_change(actor=actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=reverse("accounts:profile"), said="Saved.")
    return render_page(
        request,
        "accounts/profile.html",
        {"person": person, "form": form, "has_password": person.has_usable_password()},
        status=422 if form.errors else 200,
    )


@require_GET
@never_cache
@page(policies.can_see_own_profile)
def sign_in_again(request: Request) -> HttpResponse:
    """Lead to whatever this person can prove themself with, and back from there."""
    back = _safe(request, request.GET.get("next", ""))
    methods = get_adapter().get_reauthentication_methods(request.user)
    if methods:
        return redirect(f"{methods[0]['url']}?{urlencode({'next': back})}")
    accounts = SocialAccount.objects.filter(user=request.user.pk)
    return render_page(
        request,
        "accounts/sign_in_again.html",
        {"providers": [_provider(request, account, back) for account in accounts]},
    )


def _provider(request: Request, account: SocialAccount, back: str) -> dict[str, Any]:
    provider = account.get_provider(request)
    url = provider.get_login_url(request, process="login", next=back, auth_params=ASK_ANEW)
    return {"name": provider.name, "url": url}


def _safe(request: Request, address: str) -> str:
    safe = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if safe else "/"
