"""What one way out of a long-lived secret says, and what several of them share.

Words in capitals in a command are to be replaced. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WayOut:
    """One way. `kinds` and `systems` say for what; `runs_on` is looked for in the platform of the
    agent, and empty where it goes anywhere. `source` is the provider's own page."""

    key: str
    title: str
    leaves: str
    systems: Sequence[str]
    kinds: Sequence[str]
    runs_on: str
    steps: Sequence[tuple[str, str]]
    source: str

    def fits(self, system: str, kind: str) -> bool:
        return system in self.systems and kind in self.kinds

    def is_for(self, platform: str) -> bool:
        return bool(self.runs_on) and re.search(self.runs_on, platform, re.IGNORECASE) is not None


AWS, AZURE, VAULT = ("aws",), ("azure",), ("vault",)
GITHUB, GCP, KUBERNETES = ("github", "code"), ("gcp",), ("kubernetes",)
DATABASES = ("postgresql", "mysql", "database", "mongodb", "mssql", "oracle", "warehouse")
KEYS = ("access-key",)
SECRETS = ("client-secret",)
TOKENS = ("token", "api-key")
DROP_KEY = (
    "Take the key out of the configuration, see no more use of it, and revoke it here.",
    "aws iam get-access-key-last-used --access-key-id KEY-ID",
)

CREATE_ROLE = "aws iam create-role --role-name ROLE --assume-role-policy-document file://trust.json"
TRUST_ISSUER = (
    "aws iam create-open-id-connect-provider --url ISSUER --client-id-list sts.amazonaws.com"
)
END_OLD = ("Sign in by it, see the old one unused, and revoke that here.", "")
