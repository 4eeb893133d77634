"""Keeping a search for oneself, and forgetting it."""

from django.db import transaction
from django.utils import timezone

from apps.activity.models import SavedSearch
from apps.activity.searching import terms_of
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError

MOST_SAVED = 50


@transaction.atomic
def search_save(*, name: str, text: str, actor: Person) -> SavedSearch:
    """Keep a search under a name; one of that name is replaced. It must be one that can be read."""
    name = name.strip()
    if not 0 < len(name) <= 80 or "\x00" in name:
        raise DomainError("A name has 1 to 80 letters.", field="name")
    terms_of(text, now=timezone.now())
    if SavedSearch.objects.of(actor).exclude(name=name).count() >= MOST_SAVED:
        raise DomainError(f"You keep {MOST_SAVED} searches already: forget one first.")
    known = SavedSearch.objects.of(actor).filter(name=name).first()
    if known and known.text == text:
        return known
    saved, _ = SavedSearch.objects.update_or_create(
        person=actor.user, name=name, defaults={"text": text}
    )
    record(
        actor=actor,
        verb=Verb.SEARCH_SAVED,
        target=saved,
        changes={"text": (known.text if known else None, text)},
    )
    return saved


@transaction.atomic
def search_forget(*, pk: int, actor: Person) -> bool:
    """Forget one's own; False if there is none such."""
    saved = SavedSearch.objects.of(actor).select_for_update().filter(pk=pk).first()
    if saved is None:
        return False
    record(
        actor=actor, verb=Verb.SEARCH_FORGOTTEN, target=saved, changes={"text": (saved.text, None)}
    )
    saved.delete()
    return True
