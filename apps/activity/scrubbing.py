"""Take secrets out of a text before it is hashed and kept: by shape, or by what stands before.

RE2 reads a text once, for all shapes at the same time, and names those that may be in it; most
texts hold none. It knows nothing that looks around itself, so what it is given matches more than
the exact shape, never less, and `re` decides. Every repetition is bounded or ends at a character
that cannot begin it anew, so that time grows no faster than the text. A marker holds nothing that
a JSON text would have to escape.
"""

import re
from collections.abc import Callable, Sequence
from string import ascii_uppercase
from typing import NamedTuple

import re2

MARKER = "[secret removed: {}]"

# RE2 does not count the vertical tab as a blank, `re` does.
BLANK = r"[\s\v]"
# Between a name and its value: `key = "x"`, `"key": "x"`, also escaped within a JSON text.
GIVES = rf"(?:\\{{0,3}}[\"'])?{BLANK}{{0,4}}(?:=>|[:=]){BLANK}{{0,4}}(?:\\{{0,3}}[\"'])?"
FORTY = r"[a-z0-9/+]{40}(?![a-z0-9/+=])"
ASCII_LOWER = {ord(letter): ord(letter.lower()) for letter in ascii_uppercase}
VALUE_END = r"\s\"'\\,;&<>(){}\[\]"
# The beginning of a word; in a JSON text one may follow an escaped line break.
BEGINS = r"(?:(?<![A-Za-z0-9._/-])|(?<=\\n))"

# How much RE2 may hold of what it has read; where it needs more it starts anew.
MOST_OF_RE2 = 64 * 1024 * 1024
LOOKING_AROUND = re.compile(r"\(\?<?[=!](?:[^()\[\]]|\[[^\]]*\])*\)")
UPPER_BOUND = re.compile(r"\{(\d+),\d+\}")


class Pattern(NamedTuple):
    """A group "secret" goes, or all. What is folded is matched in lower case.

    `loose` is for RE2: it matches wherever `shape` does.
    """

    kind: str
    shape: re.Pattern[str]
    loose: str
    is_folded: bool = False


def _shaped(kind: str, shape: str) -> Pattern:
    return Pattern(kind, re.compile(shape, re.ASCII), _loosened(shape))


def _folded(kind: str, shape: str, loose: str = "") -> Pattern:
    folded = f"(?i:{_loosened(loose or shape)})"
    return Pattern(kind, re.compile(shape, re.ASCII), folded, is_folded=True)


def _named(kind: str, names: str, value: str) -> Pattern:
    """A value known by the name before it, whose words any one joint, or none, may join.

    All the names end with one word. `re` searches for that, and looks at what stands before it.
    """
    last = names.split(maxsplit=1)[0].rpartition("_")[2]
    before = "|".join(
        f"(?<={name.replace('_', joint)})" for name in names.split() for joint in ("[_ -]", "")
    )
    said = "|".join(name.replace("_", "[_ -]?") for name in names.split())
    given = f"{GIVES}(?P<secret>{value})"
    return _folded(kind, f"{last}(?:{before}){given}", f"(?:{said}){given}")


def _loosened(shape: str) -> str:
    """Without what looks around and without upper bounds, which RE2 knows not or holds dear."""
    return UPPER_BOUND.sub(r"{\1,}", LOOKING_AROUND.sub("", shape))


PATTERNS = (
    _shaped(
        "private key",
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
        r"[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|-{0,5})",
    ),
    _named("AWS secret key", "secret_access_key secret_key", FORTY),
    _named("AWS secret key", "aws_secret", FORTY),
    _named("AWS session token", "session_token security_token", r"[a-z0-9/+=%]{80,8192}"),
    _shaped("AWS Bedrock key", r"ABSK[A-Za-z0-9+/]{40,400}={0,2}"),
    _shaped("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _shaped("GitHub token", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _shaped("GitLab token", r"glpat-[A-Za-z0-9_-]{20,100}"),
    _shaped("JWT", r"eyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{4,16384}\.[A-Za-z0-9_-]*"),
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
    _named("client secret", "client_secret", rf"[^{VALUE_END}]{{12,200}}"),
    _shaped("provider key", BEGINS + r"sk-[A-Za-z0-9_-]{20,250}"),
    _shaped("provider key", r"[sr]k_live_[A-Za-z0-9]{16,250}"),
    _shaped("Google API key", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _shaped("Google token", r"ya29\.[A-Za-z0-9_-]{20,2048}"),
    _shaped("Hugging Face token", r"hf_[A-Za-z0-9]{30,60}"),
    _shaped("npm token", r"npm_[A-Za-z0-9]{36}"),
    _folded("bearer token", rf"bearer{BLANK}{{1,4}}(?P<secret>[a-z0-9._~+/=-]{{16,8192}})"),
    _folded(
        "basic credentials",
        rf"authorization{GIVES}basic{BLANK}{{1,4}}(?P<secret>[a-z0-9+/=]{{8,4096}})",
    ),
    _shaped(
        "password in an address",
        r"://[^\s:/@\"'\\]{0,100}:(?P<secret>[^\s@/\"'\\]{1,200})@",
    ),
    _named("password", "password", rf"[^{VALUE_END}]{{4,200}}"),
    _named("password", "passwd", rf"[^{VALUE_END}]{{4,200}}"),
    _named("password", "passphrase", rf"[^{VALUE_END}]{{4,200}}"),
    _named("password", "pwd", rf"[^{VALUE_END}]{{4,200}}"),
    _named("API key", "api_key", r"[a-z0-9._~+/=-]{16,8192}"),
    _named(
        "API key",
        "access_token refresh_token auth_token vault_token",
        r"[a-z0-9._~+/=-]{16,8192}",
    ),
)


def _possible() -> re2.Set:
    options = re2.Options()
    options.max_mem = MOST_OF_RE2
    looked_for = re2.Set.SearchSet(options)
    for pattern in PATTERNS:
        looked_for.Add(pattern.loose)
    looked_for.Compile()
    return looked_for


POSSIBLE = _possible()


def scrubbed(text: str) -> tuple[str, int]:
    """The text with a marker, naming the kind, for each secret; and how many there were."""
    count = 0
    for at in sorted(POSSIBLE.Match(text) or ()):
        text, found = replaced(PATTERNS[at], text)
        count += found
    return text, count


def scrubber_of(texts: Sequence[bytes]) -> Callable[[bytes], bytes] | None:
    """What takes secrets out of any of these texts; None where there is none in all of them."""
    if not POSSIBLE.Match(b"\n".join(texts)):
        return None
    return lambda text: scrubbed(text.decode())[0].encode()


def replaced(pattern: Pattern, text: str) -> tuple[str, int]:
    """The text with a marker for each secret of this one shape, and their number."""
    searched = _lowered(text) if pattern.is_folded else text
    marker = MARKER.format(pattern.kind)
    group = "secret" if "secret" in pattern.shape.groupindex else 0
    pieces, at, count = [], 0, 0
    for match in pattern.shape.finditer(searched):
        start, end = match.span(group)
        if searched.startswith("[secret", start):
            continue
        pieces += [text[at:start], marker]
        at = end
        count += 1
    return "".join([*pieces, text[at:]]), count


def _lowered(text: str) -> str:
    """In lower case, letter for letter: some, outside ASCII, would become two."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.translate(ASCII_LOWER)
