"""Items are made here: a subject as it stands, its reviewer, its agent's fingerprints."""

from apps.reviews.services.freezing.items import (
    Freezer,
    NewItem,
    frozen_bindings,
    frozen_credentials,
    frozen_grants,
)
from apps.reviews.services.freezing.writing import items_write

__all__ = [
    "Freezer",
    "NewItem",
    "frozen_bindings",
    "frozen_credentials",
    "frozen_grants",
    "items_write",
]
