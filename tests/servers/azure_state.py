"""What the small Azure holds: a tenant with its applications, and two key vaults."""

import secrets
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
TENANT = "8a1c0c5e-0c1d-4f6e-9a53-1a2b3c4d5e6f"
ALL_ROLES = (
    "Application.Read.All",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "AgentIdentity.ReadWrite.All",
)
VAULT_RIGHTS = ("list", "get", "update", "delete", "recover")


class Answer(Exception):
    def __init__(self, code, body=None, **headers):
        super().__init__(code)
        self.code = code
        self.body = body
        self.headers = headers


def graph_error(code, name, message):
    return Answer(code, {"error": {"code": name, "message": message}})


def missing(what):
    return graph_error(404, "Request_ResourceNotFound", f"Resource '{what}' does not exist.")


class FakeAzure:
    def __init__(self):
        self.lock = threading.RLock()
        self.address = ""
        self.page = 3
        self.links = ""
        self.failures = []
        self.calls = []
        self.applications, self.principals, self.deleted = {}, {}, {}
        self.assignments, self.consents, self.sponsors = {}, {}, {}
        self.passwords = {}
        self.tokens = {}
        self.vaults = {}
        self.graph = self.principal("Microsoft Graph", app_id=GRAPH_APP, roles=GRAPH_ROLES)
        self.own = self.application("Countersign")
        _, self.own_secret = self.password(self.own, "own")
        self.roles = list(ALL_ROLES)
        self.vault_rights = set(VAULT_RIGHTS)

    def fail(self, code, *, on="", times=1, retry_after=None, hang=0.0):
        self.failures.append(
            {"code": code, "on": on, "left": times, "after": retry_after, "hang": hang}
        )

    def maybe_fail(self, call):
        for failure in self.failures:
            if failure["left"] > 0 and failure["on"] in call:
                failure["left"] -= 1
                time.sleep(failure["hang"])
                answer = graph_error(failure["code"], "injected", "the words of the service")
                if failure["after"] is not None:
                    answer.headers["Retry-After"] = str(failure["after"])
                raise answer

    # Making things, as tests and calls do.

    def principal(self, name, *, app_id=None, kind="Application", roles=(), agent=False):
        key = str(uuid.uuid4())
        self.principals[key] = {
            "id": key, "appId": app_id or str(uuid.uuid4()), "displayName": name,
            "servicePrincipalType": kind, "accountEnabled": True, "tags": [],
            "appOwnerOrganizationId": MICROSOFT if app_id == GRAPH_APP else TENANT,
            "alternativeNames": [], "passwordCredentials": [], "keyCredentials": [],
            "appRoles": [{"id": str(uuid.uuid4()), "value": one} for one in roles],
        }  # fmt: skip
        if agent:
            self.principals[key]["@odata.type"] = "#microsoft.graph.agentIdentity"
            self.principals[key]["agentIdentityBlueprintId"] = str(uuid.uuid4())
        return key

    def application(self, name, *, with_principal=True):
        key, app_id = str(uuid.uuid4()), str(uuid.uuid4())
        self.applications[key] = {
            "id": key, "appId": app_id, "displayName": name,
            "createdDateTime": "2026-01-05T08:00:00Z", "passwordCredentials": [],
            "keyCredentials": [], "federatedIdentityCredentials": [],
        }  # fmt: skip
        if with_principal:
            self.principal(name, app_id=app_id)
        return key

    def principal_of(self, application):
        app_id = self.applications[application]["appId"]
        return next(key for key, one in self.principals.items() if one["appId"] == app_id)

    def password(self, application, name, *, days=90, ends=None):
        """A new client secret: what Graph answers, and the secret itself."""
        secret = f"{secrets.token_hex(2)[:3]}8Q~{secrets.token_urlsafe(24)[:31]}"
        begins = datetime.now(UTC)
        made = {
            "keyId": str(uuid.uuid4()), "displayName": name, "hint": secret[:3],
            "startDateTime": _iso(begins),
            "endDateTime": ends or _iso(begins + timedelta(days=days)),
        }  # fmt: skip
        self.applications[application]["passwordCredentials"].append(made)
        self.passwords[made["keyId"]] = secret
        return made, secret

    def certificate(self, application, name):
        made = {
            "keyId": str(uuid.uuid4()), "displayName": name, "type": "AsymmetricX509Cert",
            "usage": "Verify", "key": "bWFkZSB1cA==",
            "customKeyIdentifier": secrets.token_hex(20).upper(),
            "startDateTime": "2026-02-01T00:00:00Z", "endDateTime": "2027-02-01T00:00:00Z",
        }  # fmt: skip
        self.applications[application]["keyCredentials"].append(made)
        return made

    def federation(self, application, name, issuer, subject):
        made = {
            "id": str(uuid.uuid4()), "name": name, "issuer": issuer, "subject": subject,
            "audiences": ["api://AzureADTokenExchange"], "description": None,
        }  # fmt: skip
        self.applications[application]["federatedIdentityCredentials"].append(made)
        return made

    def assign(self, principal, value):
        role = next(one for one in self.principals[self.graph]["appRoles"] if one["value"] == value)
        return self.assign_by_id(principal, self.graph, role["id"])

    def assign_by_id(self, principal, resource, role_id):
        key = secrets.token_urlsafe(16)
        self.assignments[key] = {
            "id": key, "principalId": principal, "resourceId": resource, "appRoleId": role_id,
            "resourceDisplayName": self.principals[resource]["displayName"],
        }  # fmt: skip
        return self.assignments[key]

    def consent(self, principal, scope, kind="AllPrincipals"):
        key = secrets.token_urlsafe(16)
        self.consents[key] = {
            "id": key, "clientId": principal, "consentType": kind, "principalId": None,
            "resourceId": self.graph, "scope": scope,
        }  # fmt: skip
        return self.consents[key]

    # Signing in.

    def sign_in(self, tenant, form):
        """The answers of Entra's token endpoint, with its own codes."""
        app = next(
            (one for one in self.applications.values() if one["appId"] == form.get("client_id")),
            None,
        )
        if app is None:
            raise _login_error(400, "unauthorized_client", "AADSTS700016: Application not found")
        enabled = [one for one in self.principals.values() if one["appId"] == app["appId"]]
        fitting = [
            one
            for one in app["passwordCredentials"]
            if self.passwords[one["keyId"]] == form.get("client_secret")
        ]
        if not fitting:
            raise _login_error(401, "invalid_client", "AADSTS7000215: Invalid client secret")
        if fitting[0]["endDateTime"] < _iso(datetime.now(UTC)):
            raise _login_error(401, "invalid_client", "AADSTS7000222: The secret is expired")
        if not enabled or not enabled[0]["accountEnabled"]:
            raise _login_error(400, "unauthorized_client", "AADSTS7000112: Application is disabled")
        return app


GRAPH_ROLES = (
    "Mail.Send", "Mail.Read", "User.Read.All", "RoleManagement.ReadWrite.Directory",
    "Sites.ReadWrite.All",
)  # fmt: skip
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"


def _login_error(code, error, said):
    return Answer(code, {"error": error, "error_description": said, "error_codes": []})


def _iso(moment):
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
