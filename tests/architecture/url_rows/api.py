"""No cookie of a person opens the API; `tests/api/test_callers.py` walks it with tokens."""

from tests.architecture.url_matrix import MACHINES, PUBLIC, Row

# A form that says nothing, and a body that is no JSON, are refused whoever sends them.
UNSAID = dict.fromkeys(PUBLIC, 400)
NO_JSON = dict.fromkeys(PUBLIC, 415)

ROWS = {
    "api:docs": Row(PUBLIC),
    "api:openapi": Row(PUBLIC),
    "api:token": Row(UNSAID, method="post"),
    "api:revoke": Row(UNSAID, method="post"),
    "api:agent": Row(MACHINES),
    "api:requests": Row(MACHINES),
    "api:request": Row(MACHINES, lambda: ["1"]),
    "api:request_cancel": Row(NO_JSON, lambda: ["1"], method="post"),
    "api:credentials": Row(MACHINES),
    "api:credential_end": Row(NO_JSON, lambda: ["1"], method="post"),
    "api:leaks": Row(NO_JSON, method="post"),
    "api:invocations": Row(NO_JSON, method="post"),
    "api:invocation_records": Row(
        NO_JSON, lambda: ["4bf92f3577b34da6a3ce929d0e0e4736"], method="post"
    ),
}
