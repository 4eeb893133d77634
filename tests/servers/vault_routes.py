"""What each call of the small Vault does: (server, body, caller, parts of the path) -> data, or
None where it answers 204.
"""

import json
import secrets
import uuid

from tests.servers.vault_state import Answer, iso, seconds


def _found(mapping, key, code=404, *said):
    if key not in mapping:
        raise Answer(code, *said)
    return mapping[key]


def _keys(names):
    if not names:
        raise Answer(404)
    return {"keys": sorted(names)}


def lookup(vault, body, caller):
    token = body.get("token")
    if token not in vault.tokens or vault.is_over(vault.tokens[token]):
        raise Answer(403, "bad token")
    return vault.looked_up(token)


def lookup_self(vault, body, caller):
    return vault.looked_up(next(one for one, held in vault.tokens.items() if held is caller))


def lookup_accessor(vault, body, caller):
    token = vault.by_accessor(body.get("accessor"))
    if token is None:
        raise Answer(400, "1 error occurred:\n\t* invalid accessor\n\n")
    return {**vault.looked_up(token), "id": ""}


def revoke_accessor(vault, body, caller):
    token = vault.by_accessor(body.get("accessor"))
    if token is None:
        raise Answer(200, data=None, warnings=["No token found with this accessor"])
    vault.end_token(token)


def create_token(vault, body, caller, role=None):
    ttl = seconds(body.get("ttl", 3600))
    policies = set(body.get("policies") or caller["policies"])
    if not body.get("no_default_policy"):
        policies.add("default")
    if "root" not in caller["policies"]:
        allowed = (
            _found(vault.token_roles, role, 400, "unknown role") if role else caller["policies"]
        )
        if not policies - {"default"} <= set(allowed):
            raise Answer(400, "child policies must be subset of parent")
    return vault.auth_of(
        vault.token(
            policies=policies,
            path="auth/token/create",
            ttl=ttl,
            meta=body.get("meta"),
            display_name=f"token-{body['display_name']}" if body.get("display_name") else "token",
            parent="" if body.get("no_parent") else caller["accessor"],
            kind=body.get("type") or "service",
            num_uses=body.get("num_uses") or 0,
            entity_id="" if body.get("no_parent") else caller["entity_id"],
            max_ttl=seconds(body.get("explicit_max_ttl", 0)),
        )
    )


def token_role_write(vault, body, caller, name):
    vault.token_roles[name] = body["allowed_policies"]


def jwt_config(vault, body, caller, mount):
    vault.jwt_keys[mount] = body["jwt_validation_pubkeys"][0]


def role_write(vault, body, caller, mount, name):
    if vault.auth.get(f"{mount}/") == "jwt":
        audiences, policies = body["bound_audiences"], body["token_policies"]
        vault.jwt_roles[mount, name] = {"audiences": audiences, "policies": policies}
    at = f"auth/{mount}/role/{name}"
    role = vault.roles.setdefault(
        at,
        {
            "at": at,
            "name": name,
            "role_id": str(uuid.uuid4()),
            "token_policies": [],
            "token_ttl": 0,
            "secret_id_ttl": 0,
            "token_no_default_policy": False,
        },
    )
    role.update({key: value for key, value in body.items() if key in role})
    for key in ("token_ttl", "secret_id_ttl"):
        role[key] = seconds(role[key])


def role_read(vault, body, caller, mount, name):
    role = _found(vault.roles, f"auth/{mount}/role/{name}")
    return {key: value for key, value in role.items() if key not in {"at", "name", "role_id"}}


def role_delete(vault, body, caller, mount, name):
    at = f"auth/{mount}/role/{name}"
    vault.roles.pop(at, None)
    for one in [one for one, held in vault.secret_ids.items() if held["role"] == at]:
        del vault.secret_ids[one]


def role_list(vault, body, caller, mount):
    prefix = f"auth/{mount}/role/"
    return _keys([at.removeprefix(prefix) for at in vault.roles if at.startswith(prefix)])


def role_id(vault, body, caller, mount, name):
    return {"role_id": _found(vault.roles, f"auth/{mount}/role/{name}")["role_id"]}


def secret_id_make(vault, body, caller, mount, name):
    role = _found(vault.roles, f"auth/{mount}/role/{name}")
    secret_id, accessor = str(uuid.uuid4()), str(uuid.uuid4())
    vault.secret_ids[secret_id] = {
        "accessor": accessor,
        "role": role["at"],
        "created": vault.now,
        "ttl": role["secret_id_ttl"],
        "metadata": json.loads(body.get("metadata") or "{}"),
        "cidr_list": body.get("cidr_list") or [],
    }
    return {"secret_id": secret_id, "secret_id_accessor": accessor, "secret_id_ttl": 0}


def secret_id_list(vault, body, caller, mount, name):
    at = f"auth/{mount}/role/{name}"
    return _keys([one["accessor"] for one in vault.secret_ids.values() if one["role"] == at])


def _secret_id(vault, accessor, at, code):
    _found(vault.roles, at, 500, f'role "{at}" does not exist')
    for secret_id, held in vault.secret_ids.items():
        if held["accessor"] == accessor and held["role"] == at:
            return secret_id
    said = f'failed to find accessor entry for secret_id_accessor: "{accessor}"'
    raise Answer(code, said) if code == 500 else Answer(code, data={"error": said})


def _secret_id_told(vault, secret_id):
    held = vault.secret_ids[secret_id]
    ends = iso(held["created"] + held["ttl"]) if held["ttl"] else "0001-01-01T00:00:00Z"
    return {
        "secret_id_accessor": held["accessor"],
        "creation_time": iso(held["created"]),
        "expiration_time": ends,
        "secret_id_num_uses": 0,
        "secret_id_ttl": held["ttl"],
        "cidr_list": held["cidr_list"],
        "token_bound_cidrs": [],
        "metadata": held["metadata"],
    }


def secret_id_by_accessor(vault, body, caller, mount, name):
    at = f"auth/{mount}/role/{name}"
    return _secret_id_told(vault, _secret_id(vault, body.get("secret_id_accessor"), at, 404))


def secret_id_by_itself(vault, body, caller, mount, name):
    known = vault.secret_ids.get(body.get("secret_id"))
    if known is None or known["role"] != f"auth/{mount}/role/{name}":
        return None
    return _secret_id_told(vault, body["secret_id"])


def secret_id_destroy(vault, body, caller, mount, name):
    at = f"auth/{mount}/role/{name}"
    del vault.secret_ids[_secret_id(vault, body.get("secret_id_accessor"), at, 500)]


def lease_lookup(vault, body, caller):
    lease = _found(vault.leases, body.get("lease_id"), 400, "invalid lease")
    return {
        "id": body["lease_id"],
        "issue_time": iso(lease["created"]),
        "renewable": True,
        "expire_time": iso(lease["created"] + lease["ttl"]),
        "ttl": lease["ttl"],
    }


def lease_revoke(vault, body, caller):
    lease_id = body.get("lease_id")
    if lease_id in vault.stuck:
        raise Answer(
            400,
            f"failed to revoke entry: resp: (*logical.Response)(nil) err: no route to "
            f"its system, lease {lease_id}",
        )
    if lease_id not in vault.queued:
        vault.leases.pop(lease_id, None)


def lease_renew(vault, body, caller):
    lease = _found(vault.leases, body.get("lease_id"), 400, "lease not found")
    if lease.get("fixed") and not vault.stubborn:
        raise Answer(400, "lease is not renewable")
    if vault.stubborn:  # it renews, and takes no notice of for how long
        return {"lease_id": body["lease_id"], "lease_duration": lease["ttl"], "auth": None}
    lease["ttl"] = min(int(body.get("increment") or lease["ttl"]), lease["ttl"])
    return {"lease_id": body["lease_id"], "lease_duration": lease["ttl"], "auth": None}


def lease_list(vault, body, caller, prefix):
    prefix = f"{prefix}/" if prefix else ""
    names = {at.removeprefix(prefix) for at in vault.leases if at.startswith(prefix)}
    return _keys({one.split("/")[0] + ("/" if "/" in one else "") for one in names})


def issue_certificate(vault, body, caller, mount, role):
    _found(vault.mounts, f"{mount}/")
    lease_id = f"{mount}/issue/{role}/{secrets.token_hex(12)}"
    ttl = seconds(body.get("ttl", 3600))
    vault.leases[lease_id] = {"created": vault.now, "ttl": ttl, "fixed": True}
    return {
        "lease_id": lease_id,
        "lease_duration": ttl,
        "auth": None,
        "data": {"serial_number": secrets.token_hex(8), "private_key": secrets.token_hex(24)},
    }


def entity_make(vault, body, caller):
    entity = vault.entity(body["name"], body.get("policies") or [])
    return {"id": entity["id"], "name": entity["name"]}


def entity_read(vault, body, caller, entity_id):
    entity = _found(vault.entities, entity_id)
    groups = [at for at, one in vault.groups.items() if entity_id in one["member_entity_ids"]]
    return {**entity, "group_ids": groups}


def entity_write(vault, body, caller, entity_id):
    entity = _found(vault.entities, entity_id, 400, "entity not found from id")
    entity.update({key: body[key] for key in ("disabled", "policies", "metadata") if key in body})


def group_make(vault, body, caller):
    group_id = str(uuid.uuid4())
    vault.groups[group_id] = {
        "id": group_id,
        "name": body["name"],
        "policies": body.get("policies") or [],
        "member_entity_ids": body.get("member_entity_ids") or [],
    }
    return {"id": group_id}


def policy_write(vault, body, caller, name):
    vault.policies[name] = body["policy"]


def capabilities_self(vault, body, caller):
    return {path: sorted(vault.capabilities(caller, path)[0] or {"deny"}) for path in body["paths"]}


def mount_auth(vault, body, caller, path):
    vault.auth[f"{path}/"] = body["type"]


def mount_engine(vault, body, caller, path):
    vault.mounts[f"{path}/"] = body["type"]


def nothing(vault, body, caller, *_):
    return None


def drop(where):
    def dropped(vault, body, caller, at):
        getattr(vault, where).pop(f"{at}/" if where in {"auth", "mounts"} else at, None)

    return dropped


def mounted(where):
    return lambda vault, *_: {at: {"type": kind} for at, kind in getattr(vault, where).items()}


def policy_read(vault, body, caller, name):
    return {"name": name, "policy": _found(vault.policies, name)}


def accessors(vault, *_):
    return _keys([one["accessor"] for one in vault.tokens.values() if one["accessor"]])


def kv_metadata(vault, body, caller, mount, at):
    return _found(vault.versions, f"{mount}/{at}")["metadata"]


def kv_describe(vault, body, caller, mount, at):
    held = vault.versions.setdefault(
        f"{mount}/{at}", {"metadata": {"current_version": 0, "custom_metadata": None}, "data": []}
    )
    held["metadata"].update(body)


def kv_write(vault, body, caller, mount, at):
    kv_describe(vault, {}, caller, mount, at)
    held = vault.versions[f"{mount}/{at}"]
    cas = (body.get("options") or {}).get("cas")
    if cas is not None and cas != held["metadata"]["current_version"]:
        raise Answer(400, "check-and-set parameter did not match the current version")
    held["data"].append(body["data"])
    held["metadata"]["current_version"] += 1
    return {"version": held["metadata"]["current_version"]}


def kv_read(vault, body, caller, mount, at):
    held = _found(vault.versions, f"{mount}/{at}")
    return {"data": held["data"][-1], "metadata": held["metadata"]}


ROLE = r"auth/([\w-]+)/role/([\w-]+)"
ROUTES = (
    ("POST", "auth/token/lookup", lookup),
    ("GET", "auth/token/lookup-self", lookup_self),
    ("POST", "auth/token/lookup-accessor", lookup_accessor),
    ("POST", "auth/token/revoke-accessor", revoke_accessor),
    ("POST", r"auth/token/roles/([\w-]+)", token_role_write),
    ("POST", r"auth/token/create(?:/([\w-]+))?", create_token),
    ("LIST", "auth/token/accessors", accessors),
    ("LIST", r"auth/([\w-]+)/role", role_list),
    ("GET", ROLE, role_read),
    ("POST PUT", ROLE, role_write),
    ("POST", r"auth/([\w-]+)/config", jwt_config),
    ("DELETE", ROLE, role_delete),
    ("GET", f"{ROLE}/role-id", role_id),
    ("LIST", f"{ROLE}/secret-id", secret_id_list),
    ("POST", f"{ROLE}/secret-id", secret_id_make),
    ("POST", f"{ROLE}/secret-id-accessor/lookup", secret_id_by_accessor),
    ("POST", f"{ROLE}/secret-id/lookup", secret_id_by_itself),
    ("POST", f"{ROLE}/secret-id-accessor/destroy", secret_id_destroy),
    ("POST", "sys/leases/lookup", lease_lookup),
    ("POST", "sys/leases/revoke", lease_revoke),
    ("POST", "sys/leases/renew", lease_renew),
    ("LIST", "sys/leases/lookup(?:/(.*))?", lease_list),
    ("POST", "identity/entity", entity_make),
    ("LIST", "identity/entity/id", lambda vault, *_: _keys(vault.entities)),
    ("GET", "identity/entity/id/([^/]+)", entity_read),
    ("POST", "identity/entity/id/([^/]+)", entity_write),
    ("DELETE", "identity/entity/id/([^/]+)", drop("entities")),
    ("POST", "identity/group", group_make),
    ("LIST", "identity/group/id", lambda vault, *_: _keys(vault.groups)),
    ("GET", "identity/group/id/([^/]+)", lambda vault, body, caller, at: _found(vault.groups, at)),
    ("DELETE", "identity/group/id/([^/]+)", drop("groups")),
    ("LIST", "sys/policies/acl", lambda vault, *_: _keys(vault.policies)),
    ("GET", "sys/policies/acl/([^/]+)", policy_read),
    ("POST PUT", "sys/policies/acl/([^/]+)", policy_write),
    ("DELETE", "sys/policies/acl/([^/]+)", drop("policies")),
    ("POST", "sys/capabilities-self", capabilities_self),
    ("GET", "sys/auth", mounted("auth")),
    ("POST", r"sys/auth/([\w-]+)", mount_auth),
    ("DELETE", r"sys/auth/([\w-]+)", drop("auth")),
    ("GET", "sys/mounts", mounted("mounts")),
    ("POST", r"sys/mounts/([\w-]+)", mount_engine),
    ("DELETE", r"sys/mounts/([\w-]+)", drop("mounts")),
    ("POST", r"([\w-]+)/issue/([\w-]+)", issue_certificate),
    ("POST", r"[\w-]+/root/generate/internal", nothing),
    ("POST", r"[\w-]+/roles/[\w-]+", nothing),
    ("GET", r"(kv[\w-]*)/metadata/([\w/.-]+)", kv_metadata),
    ("POST", r"(kv[\w-]*)/metadata/([\w/.-]+)", kv_describe),
    ("POST", r"(kv[\w-]*)/data/([\w/.-]+)", kv_write),
    ("GET", r"(kv[\w-]*)/data/([\w/.-]+)", kv_read),
    ("GET", r"apps/([\w/-]+)", lambda vault, body, caller, at: _found(vault.kv, at)),
    ("POST", r"apps/([\w/-]+)", lambda vault, body, caller, at: vault.kv.update({at: body})),
)  # fmt: skip
