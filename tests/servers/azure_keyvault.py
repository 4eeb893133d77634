"""Key Vault's data plane: versions, enabled or not, soft delete, recovery, its own 403 and 404."""

import re
import secrets
import time

from tests.servers.azure_state import Answer

AT = "(secrets|keys|certificates)"
NAME = r"([\w-]+)"
DELETED = "deleted" + AT


def make(vault, at, name, *, expires=None, value="", created=None, **more):
    """A new version of a secret, key, or certificate."""
    version = secrets.token_hex(16)
    made = {
        "version": version,
        "value": value,
        "enabled": True,
        "created": created or int(time.time()),
        "expires": expires,
        "tags": {},
        **more,
    }
    vault[at].setdefault(name, []).append(made)
    return version


def empty():
    return {"secrets": {}, "keys": {}, "certificates": {}, "deleted": {}, "policies": {}}


def answer(azure, host, method, path, body):
    vault = azure.vaults[host]
    for known, pattern, right, handler in ROUTES:
        found = re.fullmatch(pattern, path)
        if found and method == known:
            if right not in azure.vault_rights:
                raise _error(403, "Forbidden", "The caller is not authorized to perform action.")
            return handler(vault, f"https://{host}", body or {}, *found.groups())
    raise _error(404, "NotFound", path)


def _error(code, name, said):
    return Answer(code, {"error": {"code": name, "message": said}})


def _versions(vault, at, name):
    if name not in vault[at]:
        what = {"secrets": "Secret", "keys": "Key", "certificates": "Certificate"}[at]
        raise _error(404, f"{what}NotFound", f"A {what.lower()} with name {name} was not found.")
    return vault[at][name]


def _told(base, at, name, one, *, whole=False):
    key = f"{base}/{at}/{name}" + (f"/{one['version']}" if whole else "")
    told = {
        ("kid" if at == "keys" else "id"): key,
        "attributes": {
            "enabled": one["enabled"],
            "created": one["created"],
            "updated": one["created"],
            **({"exp": one["expires"]} if one["expires"] else {}),
        },
        "tags": one["tags"],
    }
    if at == "certificates":
        told["x5t"] = "bWFkZS11cC10aHVtYnByaW50"
    if one.get("managed"):
        told["managed"] = True
    return told


def _bundle(base, at, name, one):
    told = _told(base, at, name, one, whole=True)
    if at == "keys":
        told["key"] = {"kid": told.pop("kid"), "kty": "RSA"}
    return told


def listed(vault, base, body, at):
    return {"value": [_told(base, at, name, held[-1]) for name, held in vault[at].items()]}


def versions(vault, base, body, at, name):
    held = vault[at].get(name, [])
    return {"value": [_told(base, at, name, one, whole=True) for one in held]}


def get(vault, base, body, *where):
    at, name, version = (*where, "")[:3]
    held = _versions(vault, at, name)
    one = next((it for it in held if it["version"] == version), held[-1])
    if not one["enabled"]:
        raise _error(403, "Forbidden", "Operation get is not allowed on a disabled secret.")
    return {**_bundle(base, at, name, one), "value": one["value"]}


def update(vault, base, body, *where):
    at, name, version = where
    one = next((it for it in _versions(vault, at, name) if it["version"] == version), None)
    if one is None:
        raise _error(404, "SecretNotFound", f"{name} has no version {version}.")
    if "enabled" in (body.get("attributes") or {}):
        one["enabled"] = body["attributes"]["enabled"]
    if body.get("tags") is not None:
        one["tags"] = dict(body["tags"])
    return _bundle(base, at, name, one)


def delete(vault, base, body, at, name):
    held = _versions(vault, at, name)
    vault["deleted"][at, name] = vault[at].pop(name)
    return _deleted(base, at, name, held[-1])


def _deleted(base, at, name, one):
    return {
        **_bundle(base, at, name, one),
        "recoveryId": f"{base}/deleted{at}/{name}",
        "deletedDate": int(time.time()),
        "scheduledPurgeDate": int(time.time()) + 90 * 86400,
    }


def deleted(vault, base, body, at, name):
    if (at, name) not in vault["deleted"]:
        raise _error(404, "SecretNotFound", f"{name} is not deleted.")
    return _deleted(base, at, name, vault["deleted"][at, name][-1])


def recover(vault, base, body, at, name):
    deleted(vault, base, body, at, name)
    vault[at][name] = vault["deleted"].pop((at, name))
    return _bundle(base, at, name, vault[at][name][-1])


def policy(vault, base, body, *where):
    at, name, _ = where
    if (at, name) not in vault["policies"]:
        raise _error(404, "NotFound", "No policy.")
    return vault["policies"][at, name]


ROUTES = (
    ("GET", f"/{AT}", "list", listed),
    ("GET", f"/{AT}/{NAME}/versions", "list", versions),
    ("GET", f"/{AT}/{NAME}/(rotationpolicy|policy)", "list", policy),
    ("GET", f"/{AT}/{NAME}/?", "get", get),
    ("GET", f"/{AT}/{NAME}/{NAME}", "get", get),
    ("PATCH", f"/{AT}/{NAME}/{NAME}", "update", update),
    ("DELETE", f"/{AT}/{NAME}", "delete", delete),
    ("GET", f"/{DELETED}/{NAME}", "list", deleted),
    ("POST", f"/{DELETED}/{NAME}/recover", "recover", recover),
)
