"""Which way out of a credential's secret there is, by its system and where its agents run."""

from apps.inventory.models import Credential
from apps.inventory.states import STATIC_KINDS
from apps.rotation.ways_out import WayOut, ways_out


def ways_out_of(credential: Credential) -> list[WayOut]:
    """Best first; none for what holds no secret for long. Its identity and system are read."""
    if credential.kind not in STATIC_KINDS:
        return []
    bindings = credential.identity.bindings.live().exclude(agent__platform="")
    platforms = list(bindings.values_list("agent__platform", flat=True).distinct())
    return ways_out(
        system=credential.identity.system.kind, kind=credential.kind, platforms=platforms
    )
