"""The product's own format: one JSON document, or CSV with one kind to a file.

`docs/countersign-inventory.schema.json` is the contract; `docs/inventory-format.md` explains it.
"""

from collections.abc import Iterator

from apps.connectors.adapters import countersign_csv, json_stream
from apps.connectors.adapters.contract import Header, Rejected, Row
from apps.connectors.adapters.countersign_entries import ENTRIES, entry_rows
from apps.connectors.adapters.keeping import flaw_of
from apps.connectors.adapters.opening import SourceFile
from apps.connectors.adapters.times import moment

FORMAT = "countersign"
LONGEST_STREAM = 100
ORDER = (
    "systems",
    "agents",
    "identities",
    "bindings",
    "credentials",
    "permissions",
    "grants",
    "justifications",
)
ABOUT = {"format", "version", "stream", "complete", "provider_time", "$schema"}


def read(source: SourceFile, stream: str = "") -> Iterator[Row]:
    """Yield the rows of a JSON document or a CSV file; `stream` names the list if it does not."""
    with source.open() as opened:
        is_json = opened.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    return _document(source, stream) if is_json else countersign_csv.read(source, stream)


def _document(source: SourceFile, stream: str) -> Iterator[Row]:
    names = json_stream.top_level_names(source)
    _check(source, names)
    yield _header(source, stream, names)
    for kind in ORDER:
        listing = "agents" if kind == "bindings" else kind
        if listing in names:
            yield from _list(source, listing, kind)


def _list(source: SourceFile, listing: str, kind: str) -> Iterator[Row]:
    for at, entry in enumerate(json_stream.items(source, f"{listing}.item")):
        for row in entry_rows(kind, entry, f"{listing}[{at}]"):
            if not (kind == "bindings" and isinstance(row, Rejected)):
                yield row


def _check(source: SourceFile, names: dict[str, str]) -> None:
    strange = [name for name in names if name not in ENTRIES and name not in ABOUT]
    if strange:
        raise source.refuse(
            f"This is not a Countersign inventory: {strange[0]!r} is none of {', '.join(ENTRIES)}.",
            where=strange[0],
        )
    lists = [name for name in names if name in ENTRIES]
    if not lists:
        raise source.refuse(
            f"This is not a Countersign inventory: it has none of {', '.join(ENTRIES)}."
        )
    for name in lists:
        if names[name] != "start_array":
            raise source.refuse("It must be a list.", where=name)


def _header(source: SourceFile, stream: str, names: dict[str, str]) -> Header:
    about = {name: next(json_stream.items(source, name), None) for name in ABOUT if name in names}
    flaw = flaw_of(about)
    if flaw:
        raise source.refuse(flaw, where=", ".join(about))
    if about.get("format", FORMAT) != FORMAT:
        raise source.refuse(f"It must be {FORMAT!r}, not {about['format']!r}.", where="format")
    if about.get("version", 1) != 1:
        raise source.refuse("Only version 1 is read.", where="version")
    named = about.get("stream") or ""
    if not isinstance(named, str) or len(named) > LONGEST_STREAM:
        raise source.refuse(
            f"It must be a text of at most {LONGEST_STREAM} characters.", where="stream"
        )
    try:
        provider_at = moment(about.get("provider_time"))
    except ValueError as error:
        raise source.refuse(f"{error}.", where="provider_time") from error
    return Header(
        format=FORMAT,
        stream=f"{FORMAT}:{stream or named or 'inventory'}",
        account="",
        provider_at=provider_at,
        kinds=_kinds(names) if about.get("complete", True) else frozenset(),
    )


def _kinds(names: dict[str, str]) -> frozenset[str]:
    """Return the kinds the document lists in full. Permissions and reasons never vanish."""
    singular = {
        "agents": {"agent", "binding"},
        "identities": {"identity"},
        "credentials": {"credential"},
        "grants": {"grant"},
        "systems": {"system"},
    }
    return frozenset(kind for name in names for kind in singular.get(name, ()))
