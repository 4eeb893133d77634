"""Which ways out of a long-lived secret there are for a credential, best first. Pure."""

from collections.abc import Sequence

from apps.rotation.ways_out_table import WAYS, WayOut

__all__ = ["BY_KEY", "WAYS", "WayOut", "ways_out"]

BY_KEY = {way.key: way for way in WAYS}


def ways_out(*, system: str, kind: str, platforms: Sequence[str]) -> list[WayOut]:
    """The ways for a credential, best first: those for where its agents run, then those that go
    anywhere, then the others."""
    fitting = [way for way in WAYS if way.fits(system.lower(), kind)]

    def rank(way: WayOut) -> int:
        if any(way.is_for(platform) for platform in platforms):
            return 0
        return 2 if way.runs_on else 1

    return sorted(fitting, key=rank)
