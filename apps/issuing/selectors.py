"""What is shown of something issued besides its own row."""

from django.db.models import QuerySet

from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.issuing.models import Issuance


def grants_of(issuance: Issuance, actor: Actor) -> QuerySet[Grant]:
    """The grants that it was cut from, as far as the reader sees them."""
    return Grant.objects.visible_to(actor).filter(issued=issuance).for_table().order_by("pk")
