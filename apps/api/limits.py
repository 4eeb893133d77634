"""How often somebody may call: so many times within each minute, counted in the shared cache."""

import hashlib
import time

from django.conf import settings
from django.core.cache import cache

MINUTE = 60


def seconds_to_wait(kind: str, who: str) -> int:
    """Count one call; 0 if it is within the limit, else how long until the next minute."""
    now = time.time()
    digest = hashlib.sha256(who.encode(errors="replace")).hexdigest()
    name = f"api:{kind}:{digest}:{int(now // MINUTE)}"
    cache.add(name, 0, timeout=2 * MINUTE)
    if cache.incr(name) <= settings.API_RATES[kind]:
        return 0
    return MINUTE - int(now % MINUTE)
