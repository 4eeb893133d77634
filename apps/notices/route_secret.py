"""The secret of a route, read as it is needed and kept nowhere."""

from apps.core.outbound import PutOff
from apps.core.references import ReferenceRefused, reference_read
from apps.notices.models import Route


def secret_of(route: Route) -> str:
    """What its reference leads to. A missing one may be put there yet, so it is tried again."""
    try:
        return reference_read(route.secret).strip()
    except ReferenceRefused as error:
        raise PutOff(str(error)) from error
