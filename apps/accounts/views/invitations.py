from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import policies
from apps.accounts.forms import AcceptForm, InviteForm, ReasonForm
from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.accounts.models import Invitation, Team
from apps.accounts.services import invitations
from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page, written
from apps.core.policies import page, public


@require_http_methods(["GET", "POST"])
@page(policies.can_invite)
@fresh_sign_in_required
def person_invite(request: Request) -> HttpResponse:
    form = InviteForm(request.POST or None, teams=Team.objects.visible_to(request.actor))
    if request.method == "POST" and form.is_valid():
        try:
            made = invitations.person_invite(actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return written(
                request,
                changed=["invitation", "person"],
                otherwise=reverse("accounts:person_list"),
                said=f"A link is on its way to {made.email}.",
            )
    return render_page(
        request,
        "accounts/person_invite.html",
        {"form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_POST
@page(policies.can_invite)
def invitation_send_again(request: Request, pk: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation.objects.visible_to(request.actor), pk=pk)
    invitations.invitation_send_again(invitation_id=pk, actor=request.actor)
    return written(
        request,
        changed="invitation",
        otherwise=reverse("accounts:person_list"),
        said=f"The link is on its way to {invitation.email} again.",
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_invite)
def invitation_withdraw(request: Request, pk: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation.objects.visible_to(request.actor), pk=pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        invitations.invitation_withdraw(invitation_id=pk, actor=request.actor, **form.cleaned_data)
        return written(
            request,
            changed="invitation",
            otherwise=reverse("accounts:person_list"),
            said="The link is worthless now.",
        )
    return render_page(
        request,
        "accounts/invitation_withdraw.html",
        {
            "invitation": invitation,
            "form": form,
            "may": policies.can_withdraw(request.actor, invitation),
        },
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@public(because="Whoever holds the link has no account yet; the link is the proof.")
@never_cache
@require_http_methods(["GET", "POST"])
def invitation_open(request: Request, token: str) -> HttpResponse:
    request.path = "/settings/invitation/..."  # what logs show: the path is the proof
    invitation = invitations.invitation_for(token)
    if invitation is None:
        return render_page(request, "accounts/invitation_gone.html", {}, status=410)
    form = AcceptForm(
        request.POST or None,
        email=invitation.email,
        initial={"display_name": invitation.display_name, "time_zone": "UTC"},
    )
    if request.method == "POST" and form.is_valid():
        try:
            invitations.invitation_accept(
                token=token, request_id=getattr(request, "request_id", ""), **form.cleaned_data
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Your account is ready. Sign in with your new password.")
            return redirect(settings.LOGIN_URL)
    return render_page(
        request,
        "accounts/invitation_open.html",
        {"invitation": invitation, "form": form},
        status=422 if form.errors else 200,
    )
