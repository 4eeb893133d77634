from django.db import models

from apps.core.states import StateMachine


class AgentState(models.TextChoices):
    PROPOSED = "proposed", "Proposed"
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    RETIRED = "retired", "Retired"


AGENT_MOVES = StateMachine(
    name="agent",
    moves={
        AgentState.PROPOSED: frozenset({AgentState.ACTIVE, AgentState.RETIRED}),
        AgentState.ACTIVE: frozenset({AgentState.SUSPENDED, AgentState.RETIRED}),
        AgentState.SUSPENDED: frozenset({AgentState.ACTIVE, AgentState.RETIRED}),
        AgentState.RETIRED: frozenset(),
    },
)


class CredentialState(models.TextChoices):
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    REVOKING = "revoking", "Being revoked"
    FAILED = "failed", "Revocation failed"
    REVOKED = "revoked", "Revoked"
    VERIFIED = "verified", "Verified dead"
    EXPIRED = "expired", "Expired"


# Tuples, not sets: they end up in migrations, whose text must not vary between runs.
CREDENTIAL_USABLE = (
    CredentialState.ACTIVE,
    CredentialState.REVOKING,
    CredentialState.FAILED,
)
CREDENTIAL_EXPIRES = (CredentialState.ACTIVE, CredentialState.SUSPENDED)
CREDENTIAL_OVER = (CredentialState.REVOKED, CredentialState.VERIFIED, CredentialState.EXPIRED)

CREDENTIAL_MOVES = StateMachine(
    name="credential",
    moves={
        CredentialState.ACTIVE: frozenset(
            {CredentialState.SUSPENDED, CredentialState.REVOKING, CredentialState.EXPIRED}
        ),
        CredentialState.SUSPENDED: frozenset(
            {CredentialState.ACTIVE, CredentialState.REVOKING, CredentialState.EXPIRED}
        ),
        CredentialState.REVOKING: frozenset({CredentialState.REVOKED, CredentialState.FAILED}),
        CredentialState.FAILED: frozenset({CredentialState.REVOKING}),
        CredentialState.REVOKED: frozenset({CredentialState.VERIFIED}),
        CredentialState.VERIFIED: frozenset(),
        CredentialState.EXPIRED: frozenset(),
    },
)


# The fact of a credential that its id is only its place in a listing.
BY_PLACE = "by_place"


class ClientState(models.TextChoices):
    ACTIVE = "active", "Active"
    REVOKED = "revoked", "Revoked"


CLIENT_MOVES = StateMachine(
    name="client",
    moves={
        ClientState.ACTIVE: frozenset({ClientState.REVOKED}),
        ClientState.REVOKED: frozenset(),
    },
)

# What a client may be let do by the API.
READ_REQUESTS, WRITE_REQUESTS = "requests:read", "requests:write"
REPORT_LEAKS = "leaks:report"
ISSUE_CREDENTIALS = "credentials:issue"
APPEND_TRAIL = "trail:append"
CLIENT_SCOPES = (
    READ_REQUESTS,
    WRITE_REQUESTS,
    REPORT_LEAKS,
    ISSUE_CREDENTIALS,
    APPEND_TRAIL,
)


# Exporters carry static headers: a token that may only append may live so long, in seconds.
LONGEST_TOKEN = 24 * 3600


class Environment(models.TextChoices):
    PRODUCTION = "production", "Production"
    STAGING = "staging", "Staging"
    DEVELOPMENT = "development", "Development"


class Autonomy(models.TextChoices):
    """How far an agent acts without a person."""

    SUGGESTS = "suggests", "Suggests; a person acts"
    ASKS = "asks", "Acts after a person agrees"
    REPORTS = "reports", "Acts, then reports"
    ALONE = "alone", "Acts alone"


class BindingHow(models.TextChoices):
    DECLARED = "declared", "Declared by a person"
    OBSERVED = "observed", "Observed in activity"


class CredentialKind(models.TextChoices):
    ACCESS_KEY = "access-key", "Access key"
    API_KEY = "api-key", "API key"
    CLIENT_SECRET = "client-secret", "Client secret"
    TOKEN = "token", "Token"
    PASSWORD = "password", "Password"
    CERTIFICATE = "certificate", "Certificate"
    LEASE = "lease", "Dynamic lease"
    MANAGED = "managed", "Managed (no secret held)"


STATIC_KINDS = (
    CredentialKind.ACCESS_KEY,
    CredentialKind.API_KEY,
    CredentialKind.CLIENT_SECRET,
    CredentialKind.TOKEN,
    CredentialKind.PASSWORD,
)


class StoredIn(models.TextChoices):
    SECRET_MANAGER = "secret-manager", "Secret manager"
    FILE = "file", "File"
    ENVIRONMENT = "environment", "Environment variable"
    CODE = "code", "Code"
    UNKNOWN = "unknown", "Unknown"
