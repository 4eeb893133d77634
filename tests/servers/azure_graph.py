"""Graph, as far as the connection uses it: paging, rights by the token's roles, 404 and 400."""

import re

from tests.servers.azure_state import graph_error, missing

READ = {"Application.Read.All", "Application.ReadWrite.All"}
WRITE = {"Application.ReadWrite.All"}
CONSENTS_READ = {"DelegatedPermissionGrant.Read.All", "DelegatedPermissionGrant.ReadWrite.All"}
CONSENTS = {"DelegatedPermissionGrant.ReadWrite.All"}
ASSIGN = {"AppRoleAssignment.ReadWrite.All"}
AGENTS = {"AgentIdentity.ReadWrite.All"}
ID = r"([\w-]+)"


def answer(azure, call, params, body, roles):
    method, path = call
    for known, pattern, needed, handler in ROUTES:
        found = re.fullmatch(pattern, path)
        if found and method == known:
            if not needed & roles:
                said = "Insufficient privileges to complete the operation."
                raise graph_error(403, "Authorization_RequestDenied", said)
            said = handler(azure, body or {}, *found.groups())
            if isinstance(said, list):
                return _page(azure, path, params, said)
            return said
    raise graph_error(404, "BadRequest", f"Resource not found for the segment '{path}'.")


def _page(azure, path, params, items):
    at = int(params.get("$skiptoken", ["0"])[0])
    size = min(azure.page, int(params.get("$top", ["999"])[0]))
    said = {"value": items[at : at + size]}
    if at + size < len(items) and "$top" not in params:
        said["@odata.nextLink"] = (
            f"{azure.links or azure.address}/v1.0{path}?$skiptoken={at + size}"
        )
    return said


def _found(listing, key):
    if key not in listing:
        raise missing(key)
    return listing[key]


def _holder(azure, kind, key):
    return _found(azure.applications if kind == "applications" else azure.principals, key)


def read(azure, body, kind, key):
    return {name: one for name, one in _holder(azure, kind, key).items() if name != "appRoles"}


def change(azure, body, kind, key):
    holder = _holder(azure, kind, key)
    for one in body.get("keyCredentials") or []:
        if not one.get("keyId") or not one.get("key"):
            raise graph_error(400, "Request_BadRequest", "Key credential without its key.")
    holder.update(body)


def delete(azure, body, kind, key):
    _holder(azure, kind, key)
    listing = azure.applications if kind == "applications" else azure.principals
    one = listing.pop(key)
    azure.deleted[key] = (kind, one)
    if kind == "applications":  # its own principal goes with it
        for other in [at for at, it in azure.principals.items() if it["appId"] == one["appId"]]:
            azure.deleted[other] = ("servicePrincipals", azure.principals.pop(other))


def restore(azure, body, key):
    kind, one = _found(azure.deleted, key)
    del azure.deleted[key]
    (azure.applications if kind == "applications" else azure.principals)[key] = one
    return {"id": key}


def add_password(azure, body, kind, key):
    _holder(azure, kind, key)
    told = body["passwordCredential"]
    made, secret = azure.password(key, told["displayName"], ends=told["endDateTime"])
    return {**made, "secretText": secret}


def remove_password(azure, body, kind, key):
    holder = _holder(azure, kind, key)
    left = [one for one in holder["passwordCredentials"] if one["keyId"] != body.get("keyId")]
    if len(left) == len(holder["passwordCredentials"]):
        said = f"No password credential found with keyId {body.get('keyId')}."
        raise graph_error(400, "Request_BadRequest", said)
    holder["passwordCredentials"] = left


def federations(azure, body, key):
    return list(_found(azure.applications, key)["federatedIdentityCredentials"])


def federation(azure, body, key, which):
    held = _found(azure.applications, key)["federatedIdentityCredentials"]
    return _found({one["id"]: one for one in held}, which)


def federation_make(azure, body, key):
    _found(azure.applications, key)
    return azure.federation(key, body["name"], body["issuer"], body["subject"])


def federation_delete(azure, body, key, which):
    held = _found(azure.applications, key)["federatedIdentityCredentials"]
    held.remove(federation(azure, body, key, which))


def assignments(azure, body, key):
    _found(azure.principals, key)
    return [one for one in azure.assignments.values() if one["principalId"] == key]


def assign(azure, body, key):
    return azure.assign_by_id(body["principalId"], body["resourceId"], body["appRoleId"])


def consent_make(azure, body):
    return azure.consent(body["clientId"], body["scope"], body["consentType"])


def consent_change(azure, body, key):
    _found(azure.consents, key).update(body)


def gone(listing):
    def dropped(azure, body, *keys):
        _found(getattr(azure, listing), keys[-1])
        del getattr(azure, listing)[keys[-1]]

    return dropped


def sponsors(azure, body, key):
    _found(azure.principals, key)
    return list(azure.sponsors.get(key, []))


def agents(azure, body):
    return [one for one in azure.principals.values() if "agentIdentityBlueprintId" in one]


HOLDER = rf"/(applications|servicePrincipals)/{ID}"
FEDERATION = rf"/applications/{ID}/federatedIdentityCredentials"
ASSIGNMENTS = rf"/servicePrincipals/{ID}/appRoleAssignments"
ROUTES = (
    ("GET", "/applications", READ, lambda azure, body: list(azure.applications.values())),
    ("GET", "/servicePrincipals", READ, lambda azure, body: list(azure.principals.values())),
    ("GET", "/servicePrincipals/microsoft.graph.agentIdentity", AGENTS, agents),
    (
        "GET",
        rf"/servicePrincipals/{ID}/microsoft.graph.agentIdentity/sponsors",
        AGENTS,
        sponsors,
    ),
    ("GET", HOLDER, READ, read),
    ("PATCH", HOLDER, WRITE, change),
    ("DELETE", HOLDER, WRITE, delete),
    ("POST", rf"{HOLDER}/addPassword", WRITE, add_password),
    ("POST", rf"{HOLDER}/removePassword", WRITE, remove_password),
    ("POST", rf"/directory/deletedItems/{ID}/restore", WRITE, restore),
    ("GET", FEDERATION, READ, federations),
    ("POST", FEDERATION, WRITE, federation_make),
    ("GET", rf"{FEDERATION}/{ID}", READ, federation),
    ("DELETE", rf"{FEDERATION}/{ID}", WRITE, federation_delete),
    ("GET", ASSIGNMENTS, READ, assignments),
    ("POST", ASSIGNMENTS, ASSIGN, assign),
    (
        "GET",
        rf"{ASSIGNMENTS}/{ID}",
        READ,
        lambda azure, body, key, which: _found(azure.assignments, which),
    ),
    ("DELETE", rf"{ASSIGNMENTS}/{ID}", ASSIGN, gone("assignments")),
    ("GET", "/oauth2PermissionGrants", CONSENTS_READ, lambda azure, _: [*azure.consents.values()]),
    ("POST", "/oauth2PermissionGrants", CONSENTS, consent_make),
    (
        "GET",
        rf"/oauth2PermissionGrants/{ID}",
        CONSENTS_READ,
        lambda azure, body, key: _found(azure.consents, key),
    ),
    ("PATCH", rf"/oauth2PermissionGrants/{ID}", CONSENTS, consent_change),
    ("DELETE", rf"/oauth2PermissionGrants/{ID}", CONSENTS, gone("consents")),
)
