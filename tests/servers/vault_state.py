"""A small Vault: tokens, accessors, secret ids, leases, entities, and policies that it enforces.

It answers as OpenBao 2 does, and says no to what the caller's policies do not allow. `fail` makes
the next calls go wrong; `later` moves its clock.
"""

import re
import secrets
import threading
import time
import uuid
from datetime import UTC, datetime

import jwt

ROOT = "root-for-tests"
PATH = re.compile(r'path\s+"([^"]+)"\s*\{(.*?)\n?\}\s*(?=path|#|\Z)', re.DOTALL)
COMMENT = re.compile(r"#[^\n]*")
NAMES = re.compile(r"capabilities\s*=\s*\[([^\]]*)\]")
ALLOWED = re.compile(r"allowed_parameters\s*=\s*\{([^}]*)\}")
SUDO = ("auth/token/accessors", "sys/leases/lookup/", "sys/leases/revoke-force")
OPERATION = {"GET": "read", "LIST": "list", "POST": "update", "PUT": "update", "DELETE": "delete"}
DEFAULT = """
path "auth/token/lookup-self" { capabilities = ["read"] }
path "sys/capabilities-self" { capabilities = ["update"] }
"""


class Answer(Exception):
    def __init__(self, code, *errors, **data):
        super().__init__(code)
        self.code = code
        self.body = data or {"errors": list(errors)}


class FakeVault:
    def __init__(self):
        self.cluster_id = str(uuid.uuid4())
        self.offset = 0.0
        self.skew = 0.0
        self.sealed = False
        self.stuck = set()
        self.queued = set()
        self.token_roles = {}
        self.stubborn = False
        self.jwt_roles, self.jwt_keys = {}, {}
        self.failures = []
        self.calls = []
        self.lock = threading.RLock()
        self.tokens, self.secret_ids, self.leases = {}, {}, {}
        self.entities, self.groups, self.roles = {}, {}, {}
        self.policies = {"default": DEFAULT, "root": ""}
        self.auth = {"token/": "token"}
        self.mounts = {"sys/": "system", "identity/": "identity", "cubbyhole/": "cubbyhole"}
        self.kv, self.versions = {}, {}
        self.token(ROOT, policies=["root"], path="auth/token/root", display_name="root", ttl=0)

    # What tests may do to it.

    def later(self, seconds):
        self.offset += seconds

    def fail(self, code, *, on="", times=1, said="injected", retry_after=None, hang=0.0):
        self.failures.append(
            {
                "code": code,
                "on": on,
                "left": times,
                "said": said,
                "after": retry_after,
                "hang": hang,
            }
        )

    @property
    def now(self):
        return time.time() + self.offset

    # One call.

    def answer(self, method, path, body, token, route):
        with self.lock:
            self.calls.append((method, path))
            if path == "sys/health":
                return 200, {"cluster_id": "" if self.sealed else self.cluster_id}
            if self.sealed:
                raise Answer(503, "Vault is sealed")
            if path.startswith("auth/") and path.endswith("/login"):
                return 200, self._login(path, body)
            caller = self._caller(token)
            self._allow(caller, method, path, body)
            return route(method, path, body or {}, caller)

    def _caller(self, token):
        held = self.tokens.get(token)
        if held is None or self.is_over(held):
            raise Answer(403, "permission denied")
        if held["entity_id"]:
            entity = self.entities.get(held["entity_id"])
            if entity is None or entity["disabled"]:
                raise Answer(403, "permission denied")
        return held

    def is_over(self, held):
        return bool(held["ttl"]) and self.now > held["created"] + held["ttl"]

    def _policies_of(self, caller):
        named = list(caller["policies"])
        entity = self.entities.get(caller["entity_id"])
        if entity:
            named += entity["policies"]
            for group in self.groups.values():
                if entity["id"] in group["member_entity_ids"]:
                    named += group["policies"]
        return named

    def capabilities(self, caller, path):
        named = self._policies_of(caller)
        if "root" in named:
            return {"root"}, None
        fitting = []
        for policy in named:
            for pattern, body in PATH.findall(COMMENT.sub("", self.policies.get(policy, ""))):
                if _fits(pattern, path):
                    names = {one.strip().strip('"') for one in NAMES.search(body)[1].split(",")}
                    allowed = ALLOWED.search(body)
                    keys = set(re.findall(r'"(\w+)"\s*=', allowed[1])) if allowed else None
                    fitting.append((pattern, names, keys))
        if not fitting:
            return set(), None
        best = max(fitting, key=lambda one: (not one[0].endswith("*"), len(one[0])))[0]
        mine = [one for one in fitting if one[0] == best]
        names = set().union(*(one[1] for one in mine))
        keys = [one[2] for one in mine if one[2] is not None]
        return ({"deny"} if "deny" in names else names), (set().union(*keys) if keys else None)

    def _allow(self, caller, method, path, body):
        paths = {path, path.rstrip("/") + "/"} if method == "LIST" else {path}
        for one in paths:
            names, keys = self.capabilities(caller, one)
            if "root" in names:
                return
            needed = {OPERATION[method]}
            if one.startswith(SUDO) and (method == "LIST" or "force" in one):
                needed.add("sudo")
            if needed == {"update"} and "create" in names and path.startswith("sys/policies"):
                needed = {"create"}
            if needed <= names and (keys is None or set(body or {}) <= keys):
                return
        raise Answer(403, "1 error occurred:\n\t* permission denied\n\n")

    # Tokens.

    def token(
        self,
        token=None,
        *,
        policies,
        path,
        display_name,
        ttl,
        entity_id="",
        meta=None,
        parent="",
        kind="service",
        num_uses=0,
        max_ttl=0,
    ):
        token = token or ("b." if kind == "batch" else "s.") + secrets.token_hex(12)
        self.tokens[token] = {
            "accessor": "" if kind == "batch" else secrets.token_hex(12),
            "policies": sorted(policies),
            "path": path,
            "display_name": display_name,
            "ttl": ttl,
            "created": self.now,
            "entity_id": entity_id,
            "meta": meta,
            "parent": parent,
            "type": kind,
            "num_uses": num_uses,
            "explicit_max_ttl": max_ttl,
        }
        return token

    def auth_of(self, token):
        held = self.tokens[token]
        return {
            "auth": {
                "client_token": token,
                "accessor": held["accessor"],
                "policies": held["policies"],
                "token_policies": held["policies"],
                "metadata": held["meta"],
                "lease_duration": held["ttl"],
                "entity_id": held["entity_id"],
                "token_type": held["type"],
            }
        }

    def looked_up(self, token):
        held = self.tokens[token]
        ends = held["created"] + held["ttl"] if held["ttl"] else None
        return {
            "accessor": held["accessor"],
            "creation_time": int(held["created"]),
            "creation_ttl": held["ttl"],
            "display_name": held["display_name"],
            "entity_id": held["entity_id"],
            "expire_time": iso(ends) if ends else None,
            "explicit_max_ttl": held["explicit_max_ttl"],
            "id": token,
            "meta": held["meta"],
            "num_uses": held["num_uses"],
            "orphan": not held["parent"],
            "path": held["path"],
            "policies": held["policies"],
            "type": held["type"],
            "ttl": int(ends - self.now) if ends else 0,
        }

    def by_accessor(self, accessor):
        for token, held in self.tokens.items():
            if held["accessor"] == accessor and accessor and not self.is_over(held):
                return token
        return None

    def end_token(self, token):
        held = self.tokens.pop(token)
        children = [one for one, it in self.tokens.items() if it["parent"] == held["accessor"]]
        for child in children if held["accessor"] else ():
            self.end_token(child)

    def _login(self, path, body):
        mount = path.split("/")[1]
        if self.auth.get(f"{mount}/") == "jwt":
            return self._login_by_jwt(path, mount, body)
        known = self.secret_ids.get(body.get("secret_id"))
        role = next(
            (one for one in self.roles.values() if one["role_id"] == body.get("role_id")), None
        )
        if not known or not role or known["role"] != role["at"]:
            raise Answer(400, "invalid role or secret ID")
        entity = self._entity_of_alias(mount, role)
        if entity["disabled"]:
            raise Answer(403, "permission denied")
        token = self.token(
            policies={*role["token_policies"], "default"},
            path=path,
            display_name=mount,
            ttl=role["token_ttl"] or 3600,
            entity_id=entity["id"],
            meta={**known["metadata"], "role_name": role["name"]},
        )
        return self.auth_of(token)

    def _login_by_jwt(self, path, mount, body):
        role = self.jwt_roles.get((mount, body.get("role")))
        try:
            claims = jwt.decode(
                body.get("jwt", ""), self.jwt_keys[mount], ["ES256"], audience=role["audiences"]
            )
        except (jwt.InvalidTokenError, TypeError) as error:
            raise Answer(400, "error validating token") from error
        entity = self.entity(f"entity_{claims['sub']}_{secrets.token_hex(2)}")
        policies = {*role["policies"], "default"}
        return self.auth_of(
            self.token(
                policies=policies,
                path=path,
                display_name=f"{mount}-{claims['sub']}",
                ttl=3600,
                entity_id=entity["id"],
                meta={"role": body["role"]},
            )
        )

    def _entity_of_alias(self, mount, role):
        for entity in self.entities.values():
            if any(one["name"] == role["role_id"] for one in entity["aliases"]):
                return entity
        alias = {
            "name": role["role_id"],
            "mount_path": f"auth/{mount}/",
            "mount_type": "approle",
            "metadata": {"role_name": role["name"]},
        }
        return self.entity(f"entity_{secrets.token_hex(4)}", aliases=[alias])

    def entity(self, name, policies=(), aliases=()):
        entity_id = str(uuid.uuid4())
        self.entities[entity_id] = {
            "id": entity_id,
            "name": name,
            "policies": list(policies),
            "aliases": list(aliases),
            "disabled": False,
            "metadata": None,
            "creation_time": iso(self.now),
            "group_ids": [],
        }
        return self.entities[entity_id]


def _fits(pattern, path):
    if pattern == path or pattern == path.rstrip("/"):
        return True
    text = re.escape(pattern.rstrip("*")).replace(r"\+", "[^/]+")
    return re.fullmatch(text + (".*" if pattern.endswith("*") else ""), path) is not None


def iso(moment):
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "123Z")


def seconds(told):
    text = str(told)
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 1)
    return int(text.rstrip("smh") or 0) * unit
