"""What every form that asks for access does with what was filled in."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

from apps.approvals.forms.requests import AskForm
from apps.approvals.services.requests import request_submit
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page

# Who would be asked, for what is ticked in the form.
WOULD = "who-would-be-asked"


def answer_ask(
    request: Request,
    template: str,
    *,
    form: AskForm,
    of: Mapping[str, Any],
    context: Mapping[str, Any],
) -> HttpResponse:
    """Show the form, or ask and lead to the request. `of` says for whom, and about what."""
    if request.method == "POST" and form.is_valid():
        try:
            answer = request_submit(ask=form.ask(**of), actor=request.actor)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            said = "This was asked for already: you joined it." if answer.joined else "Asked for."
            return moved(request, to=answer.request.get_absolute_url(), said=said)
    return render_page(
        request,
        template,
        {"form": form, **context},
        regions=[WOULD],
        status=422 if form.errors else 200,
    )
