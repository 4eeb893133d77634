"""Take secrets out of what is kept before it is hashed: by shape, or by the name they stand under.

Hyperscan reads a text once, for all shapes at the same time, and names those that may be in it;
most texts hold none. It knows nothing that looks around itself, so what it is given matches more
than the exact shape, never less, and `re` decides. Every repetition is bounded or ends at a
character that cannot begin it anew, so that time grows no faster than the text.

Values are scrubbed one by one before they are written as JSON, which therefore stays JSON.
"""

import re
import threading
from collections.abc import Mapping
from functools import lru_cache
from string import ascii_uppercase
from typing import Any, NamedTuple

import hyperscan
import orjson

from apps.activity.conventions.envelopes import loaded

MARKER = "[secret removed: {}]"

# In a JSON text that is cut short, and so cannot be read, blanks are escaped.
BLANK = r"(?:\s|\\{1,3}[nrt])"
# Between a name and its value: `key = "x"`, `"key": "x"`, also escaped within a JSON text.
GIVES = rf"(?:\\{{0,3}}[\"'])?{BLANK}{{0,4}}(?:=>|[:=]){BLANK}{{0,4}}(?:\\{{0,3}}[\"'])?"
FORTY = r"[a-z0-9/+]{40}(?![a-z0-9/+=])"
ASCII_LOWER = {ord(letter): ord(letter.lower()) for letter in ascii_uppercase}
UNQUOTED = r"[^\s\"'\\,;&<>(){}\[\]]"
# The beginning of a word.
BEGINS = r"(?:(?<![A-Za-z0-9._/-])|(?<=\\[nrtfb]))"
BEGINS_JWT = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrtfb])|(?<=%20)|(?<=%3[aAdD]))"

# The only letter beyond ASCII that is one of ASCII in lower case. Hyperscan reads bytes.
KELVIN = "\N{KELVIN SIGN}".encode()
# How much that follows a cut is looked at too.
LONGEST = 20_000
LOOKING_AROUND = re.compile(r"\(\?<?[=!](?:[^()\[\]]|\[[^\]]*\])*\)")
UPPER_BOUND = re.compile(r"\{(\d+),\d+\}")


class Pattern(NamedTuple):
    """In a text, a group "secret" goes, or all. What is folded is matched in lower case.

    `loose` is for Hyperscan: it matches wherever `shape` does. Under a `name`, a value goes whole
    that begins as `held`.
    """

    kind: str
    shape: re.Pattern[str]
    loose: str
    is_folded: bool = False
    name: re.Pattern[str] | None = None
    held: re.Pattern[str] | None = None


def _shaped(kind: str, shape: str, loose: str = "") -> Pattern:
    return Pattern(kind, re.compile(shape, re.ASCII), loose or _loosened(shape))


def _folded(kind: str, shape: str) -> Pattern:
    return Pattern(kind, re.compile(shape, re.ASCII), f"(?i:{_loosened(shape)})", is_folded=True)


def _named(kind: str, names: str, value: str, held: str = "") -> Pattern:
    """A value known by the name before it, whose words any one joint, or none, may join.

    All the names end with one word. `re` searches for that, and looks at what stands before it.
    """
    last = names.split(maxsplit=1)[0].rpartition("_")[2]
    before = "|".join(
        f"(?<={name.replace('_', joint)})" for name in names.split() for joint in ("[_ -]", "")
    )
    said = "|".join(name.replace("_", "[_ -]?") for name in names.split())
    return Pattern(
        kind,
        re.compile(rf"{last}(?:{before}){GIVES}(?P<secret>{value})", re.ASCII),
        f"(?i:{said})",
        is_folded=True,
        name=re.compile(f"(?:{said})$", re.ASCII),
        held=re.compile(held or value, re.ASCII),
    )


def _loosened(shape: str) -> str:
    """Without what looks around, which Hyperscan knows not, nor upper bounds, which are dear."""
    return UPPER_BOUND.sub(r"{\1,}", LOOKING_AROUND.sub("", shape))


PATTERNS = (
    _shaped(
        "private key",
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[^-]*+(?:-(?!----)[^-]*+)*+"
        r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|-{0,5})",
        loose="-----BEGIN [A-Z ]*PRIVATE KEY",
    ),
    _named("AWS secret key", "secret_access_key secret_key", FORTY),
    _named("AWS secret key", "aws_secret", FORTY),
    _named("AWS session token", "session_token security_token", r"[a-z0-9/+=%]{80,}"),
    _shaped("AWS Bedrock key", r"ABSK[A-Za-z0-9+/]{40,400}={0,2}"),
    _shaped("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _shaped("GitHub token", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _shaped("GitLab token", r"glpat-[A-Za-z0-9_-]{20,100}"),
    _shaped(
        "JWT",
        BEGINS_JWT + r"eyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{4,16384}\.[A-Za-z0-9_-]*",
    ),
    _shaped("Vault token", r"hv[sbr]\.[A-Za-z0-9_-]{20,500}"),
    _shaped("Vault token", BEGINS + r"s\.[A-Za-z0-9]{24,26}(?![A-Za-z0-9_.-])"),
    _shaped("Vault token", BEGINS + r"b\.[A-Za-z0-9]{24,26}(?![A-Za-z0-9_.-])"),
    _shaped("Slack token", r"xox[abeoprs]-[A-Za-z0-9-]{10,250}"),
    _shaped("Slack token", r"xapp-[A-Za-z0-9-]{10,250}"),
    _shaped("Slack token", r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,100}"),
    _named(
        "Azure account key",
        "account_key access_key storage_key primary_key secondary_key",
        r"(?:[a-z0-9/+]{86}==|[a-z0-9/+]{43}=)",
    ),
    _shaped("Azure signature", r"sig=(?P<secret>[A-Za-z0-9/+%]{40,100}(?:%3D|=))"),
    _shaped("Azure client secret", r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),
    _named("client secret", "client_secret", UNQUOTED + "{12,}", held=r"\S{12,}"),
    _shaped("provider key", BEGINS + r"sk-[A-Za-z0-9_-]{20,250}"),
    _shaped("provider key", r"[sr]k_live_[A-Za-z0-9]{16,250}"),
    _shaped("Google API key", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _shaped("Google token", r"ya29\.[A-Za-z0-9_-]{20,2048}"),
    _shaped("Hugging Face token", r"hf_[A-Za-z0-9]{30,60}"),
    _shaped("npm token", r"npm_[A-Za-z0-9]{36}"),
    _folded("bearer token", rf"bearer{BLANK}{{1,4}}(?P<secret>[a-z0-9._~+/=-]{{16,}})"),
    _folded(
        "basic credentials",
        rf"authorization{GIVES}basic{BLANK}{{1,4}}(?P<secret>[a-z0-9+/=]{{8,}})",
    ),
    _shaped(
        "password in an address",
        r"://[^\s:/@\"'\\]{0,100}:(?P<secret>[^\s@/\"'\\]{1,2000})@",
    ),
    _named("password", "password", UNQUOTED + "{4,}", held=r"\S{4,}"),
    _named("password", "passwd", UNQUOTED + "{4,}", held=r"\S{4,}"),
    _named("password", "passphrase", UNQUOTED + "{4,}", held=r"\S{4,}"),
    _named("password", "pwd", UNQUOTED + "{4,}", held=r"\S{4,}"),
    _named("API key", "api_key", r"[a-z0-9._~+/=-]{16,}"),
    _named(
        "API key",
        "access_token refresh_token auth_token vault_token",
        r"[a-z0-9._~+/=-]{16,}",
    ),
)


def _possible() -> hyperscan.Database:
    looked_for = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    looked_for.compile(
        expressions=[pattern.loose.encode() for pattern in PATTERNS],
        ids=range(len(PATTERNS)),
        flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(PATTERNS),
    )
    return looked_for


POSSIBLE = _possible()


class _Scratch(threading.local):
    """The memory that a scan needs: one at a time may use it."""

    def __init__(self) -> None:
        self.own = hyperscan.Scratch(POSSIBLE)


scratch = _Scratch()
NAMED = tuple(pattern for pattern in PATTERNS if pattern.name is not None)
# How one part of an object names what another holds: {"name": "password", "value": "..."}.
NAMES, VALUES = frozenset({"name", "key", "parameterkey"}), frozenset({"value", "parametervalue"})


def may_hold_secrets(text: str | bytes) -> bool:
    """Whether `scrub` has to look. It sees names beside values, so what is JSON comes as such."""
    return bool(_may_hold(text))


def _may_hold(text: str | bytes) -> list[int]:
    """Which of `PATTERNS`, in no order."""
    said = text.encode() if isinstance(text, str) else text
    if not said.isascii():
        said = said.replace(KELVIN, b"k")
    found: list[int] = []

    def note(pattern: int, *_: object) -> None:
        found.append(pattern)

    POSSIBLE.scan(said, match_event_handler=note, scratch=scratch.own)
    return found


def scrub(value: Any, name: str = "") -> Any:
    """The value without secrets, however deep: in texts, in JSON within texts, under names."""
    if isinstance(value, str):
        return _of_text(value, name)
    if isinstance(value, Mapping):
        return _of_object(value)
    if isinstance(value, list | tuple):
        return [scrub(one, name) for one in value]
    if name and isinstance(value, int | float) and not isinstance(value, bool):
        return _under(name, str(value)) or value
    return value


def scrubbed(text: str) -> tuple[str, int]:
    """A text with a marker, naming the kind, for each secret; and how many there were."""
    count = 0
    for at in sorted(_may_hold(text)):
        text, found = replaced(PATTERNS[at], text)
        count += found
    return text, count


def replaced(pattern: Pattern, text: str) -> tuple[str, int]:
    """The text with a marker for each secret of this one shape, and their number."""
    searched = _lowered(text) if pattern.is_folded else text
    marker = MARKER.format(pattern.kind)
    group = "secret" if "secret" in pattern.shape.groupindex else 0
    pieces, at, count = [], 0, 0
    for match in pattern.shape.finditer(searched):
        start, end = match.span(group)
        pieces += [text[at:start], marker]
        at = end
        count += 1
    return "".join([*pieces, text[at:]]), count


def cut(text: str, most: int) -> str:
    """The beginning of a text. A secret goes first, which cut in two would not be recognised."""
    if len(text) <= most:
        return text
    return scrubbed(text[: most + LONGEST])[0][:most]


def _of_object(value: Mapping[Any, Any]) -> dict[Any, Any]:
    told = {key.lower(): one for key, one in value.items() if isinstance(key, str)}
    named = next((told[key] for key in NAMES if isinstance(told.get(key), str)), "")
    clean: dict[Any, Any] = {}
    for key, one in value.items():
        is_text = isinstance(key, str)
        name = named if named and is_text and key.lower() in VALUES else key if is_text else ""
        at = scrubbed(key)[0] if is_text else key
        while at in clean:
            at += "'"
        clean[at] = scrub(one, name)
    return clean


def _of_text(text: str, name: str) -> str:
    marker = _under(name, text) if name else ""
    if marker:
        return marker
    inner = loaded(text)
    if isinstance(inner, str):
        return scrubbed(text)[0]
    clean = scrub(inner, name)
    return text if clean == inner else orjson.dumps(clean).decode()


def _under(name: str, text: str) -> str:
    """The marker for a value that is secret by the name it stands under."""
    for pattern in _kinds_of(name):
        if pattern.held is not None and pattern.held.match(_lowered(text)):
            return MARKER.format(pattern.kind)
    return ""


@lru_cache(maxsize=10_000)
def _kinds_of(name: str) -> tuple[Pattern, ...]:
    lowered = _lowered(name[-100:])
    return tuple(one for one in NAMED if one.name is not None and one.name.search(lowered))


def _lowered(text: str) -> str:
    """In lower case, letter for letter: some, outside ASCII, would become two."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.translate(ASCII_LOWER)
