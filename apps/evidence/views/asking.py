"""What all pages that ask for a package share."""

from collections.abc import Callable

from django.forms import Form
from django.http import HttpResponse

from apps.core.errors import DomainError
from apps.core.htmx import Request, moved
from apps.evidence.models import Package


def package_asked(request: Request, form: Form, ask: Callable[[], Package]) -> HttpResponse | None:
    """Ask for what a sent form describes; None if the form is to be shown, with why not."""
    if not form.is_valid():
        return None
    try:
        package = ask()
    except DomainError as error:
        form.add_error(None, str(error))
        return None
    return moved(request, to=package.get_absolute_url())
