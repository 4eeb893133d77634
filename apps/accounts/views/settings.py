from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts import policies
from apps.accounts.forms import SettingForm
from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.accounts.selectors import standing_preferences
from apps.accounts.services.settings import setting_change
from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page, written
from apps.core.policies import page
from apps.core.preferences import PREFERENCES, preference


@require_GET
@page(policies.can_browse)
def settings_home(request: Request) -> HttpResponse:
    return render_page(request, "accounts/settings.html", {})


@require_GET
@page(policies.can_browse)
def policy_list(request: Request) -> HttpResponse:
    return render_page(
        request,
        "accounts/policy_list.html",
        {
            "standing": standing_preferences(),
            "may_change": policies.can_change_setting(request.actor),
        },
        regions=["policies"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_change_setting)
@fresh_sign_in_required
def policy_change(request: Request, key: str) -> HttpResponse:
    declared = PREFERENCES.get(key)
    if declared is None:
        raise Http404
    form = SettingForm(
        request.POST or None, initial={"value": preference(key)}, preference=declared
    )
    if request.method == "POST" and form.is_valid():
        try:
            setting_change(key=key, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return written(
                request,
                changed="setting",
                otherwise=reverse("accounts:policy_list"),
                said="Changed for what happens from now on.",
            )
    return render_page(
        request,
        "accounts/policy_change.html",
        {"preference": declared, "form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
