"""One act in a dialog: the same URL shows the form, takes it, and works as a page of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.forms import Form
from django.http import HttpResponse

from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page, written


@dataclass(frozen=True, slots=True)
class Words:
    """What a dialog says: its title, what will happen, and the word on its button."""

    title: str
    text: str
    submit: str
    style: str = "btn-primary"
    said: str = "Saved."


def answer_dialog(
    request: Request,
    *,
    form: Form,
    act: Callable[..., Any],
    words: Words,
    changed: str | list[str],
    back: str,
    reloads: bool = False,
) -> HttpResponse:
    """Show the form, or call `act` with what it holds. A broken rule comes back on the form.

    What `act` returns, where that is text, is said instead of the words' own. `reloads` leads to
    `back` afterwards: for acts after which the whole page differs.
    """
    if request.method == "POST" and form.is_valid():
        try:
            told = act(**form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            said = told if isinstance(told, str) else words.said
            if reloads:
                return moved(request, to=back, said=said)
            return written(request, changed=changed, otherwise=back, said=said)
    return render_page(
        request,
        "core/dialog_page.html",
        {"form": form, "words": words, "back": back},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
