"""A company's Vault, made by calls alone: so it is the same on the small one and on a real one."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from apps.connectors.adapters.removal import Path, Subject, Wanted
from apps.connectors.adapters.vault import VaultAdapter
from apps.connectors.adapters.vault_calls import VaultCalls

CRM = """
# What the CRM agent may do.
path "apps/crm/*" {
  capabilities = ["read", "list", "create", "update"]
}

path "apps/reports/*" {
  capabilities = ["read", "delete"]
}
"""
OPERATE = 'path "sys/policies/acl/*" { capabilities = ["read", "update"] }\n'


@dataclass
class World:
    """What was made, under names that end in `tag` so that two worlds share a server."""

    address: str
    root: str
    tag: str
    told: dict
    secrets: dict

    @property
    def as_root(self):
        return VaultCalls(
            {"address": self.address, "auth": "token", "token": "env:ROOT"}, lambda _: self.root
        )

    def adapter(self, **more):
        return VaultAdapter({**self.told, **more}, self.secrets.__getitem__)

    def name(self, what):
        return f"{what}-{self.tag}"

    @property
    def role(self):
        return f"auth/{self.name('approle')}/role/crm"

    @property
    def place(self):
        """Where the CRM's secrets are kept."""
        return f"{self.name('kv')}/crm/key"

    def kept(self):
        """What lies there now."""
        mount, _, path = self.place.partition("/")
        return self.as_root.get(f"{mount}/data/{path}")["data"]

    @property
    def token_path(self):
        return f"auth/token/create/{self.name('agents')}"

    def policy(self, what, text):
        self.as_root.post(f"sys/policies/acl/{self.name(what)}", policy=text)
        return self.name(what)

    def secret_id(self):
        """The id and accessor of a new secret id of the CRM's role."""
        made = self.as_root.post(f"{self.role}/secret-id", metadata='{"team": "sales"}')
        return made["secret_id"], made["secret_id_accessor"]

    def signed_in(self, secret_id):
        """A token of the CRM's role: the token, its accessor, its entity."""
        role_id = self.as_root.get(f"{self.role}/role-id")["role_id"]
        calls = VaultCalls(
            {
                "address": self.address,
                "auth": "approle",
                "auth_mount": self.name("approle"),
                "role_id": role_id,
                "secret_id": "env:S",
            },
            lambda _: secret_id,
        )
        calls.get("auth/token/lookup-self")
        told = calls.get("auth/token/lookup-self")
        return calls._http.token, told["accessor"], told["entity_id"]

    def token(self, *, kind="service", ttl="1h", policies=("default",), alone=True):
        """A token that root makes: the token and its accessor."""
        said = self.as_root.send(
            "POST",
            "auth/token/create",
            {
                "policies": list(policies),
                "ttl": ttl,
                "type": kind,
                "display_name": self.name("ci"),
                "no_parent": alone,
            },
        )
        return said["auth"]["client_token"], said["auth"]["accessor"]

    def lease(self, ttl="600s"):
        """A certificate with a lease: a stand-in for any dynamic secret."""
        said = self.as_root.send(
            "POST",
            f"{self.name('pki')}/issue/web",
            {"common_name": "crm.example.com", "ttl": ttl},
        )
        return said["lease_id"]

    def works(self, token, path="auth/token/lookup-self"):
        """Whether a real call with the token is answered."""
        calls = VaultCalls(
            {"address": self.address, "auth": "token", "token": "x"}, lambda _: token
        )
        try:
            calls.get(path)
        except Exception as error:  # noqa: BLE001 - any refusal is one
            return getattr(error, "code", "") == "404"
        return True

    def clear(self):
        """Leave a real server as it was, but for the mount `apps`."""
        calls = self.as_root
        calls.delete(f"sys/auth/{self.name('approle')}")
        calls.delete(f"sys/mounts/{self.name('pki')}")
        calls.delete(f"sys/mounts/{self.name('kv')}")
        calls.delete(f"auth/token/roles/{self.name('agents')}")
        for policy in calls.keys("sys/policies/acl"):
            if self.tag in policy:
                calls.delete(f"sys/policies/acl/{policy}")
        for kind in ("entity", "group"):
            for at in calls.keys(f"identity/{kind}/id"):
                if self.tag in str(calls.get(f"identity/{kind}/id/{at}")):
                    calls.delete(f"identity/{kind}/id/{at}")

    # Subjects, as the inventory would tell them.

    def subject(self, **more):
        return Subject(
            **{
                "system": "Vault",
                "system_kind": "vault",
                "account": "a",
                "identity": "crm",
                "identity_kind": "vault-role",
                "identity_id": self.role,
                **more,
            }
        )

    def of_token(self, accessor, **more):
        return self.subject(credential=accessor, credential_kind="token", **more)

    def of_secret_id(self, accessor, **more):
        facts = {"role": self.role}
        return self.subject(
            credential=accessor, credential_kind="client-secret", facts=facts, **more
        )

    def of_entity(self, entity_id, name="crm", **more):
        return self.subject(
            identity=name,
            identity_kind="vault-entity",
            identity_id=entity_id,
            identity_facts={"entity_id": entity_id},
            **more,
        )

    def wanted(self, subject, kind="revoke", **more):
        return Wanted(kind, f"countersign-{kind}-{self.tag}", subject, **more)


def carry_out(adapter, wanted, *, when=None):
    """Run the steps of a plan in order; returns what each did."""
    steps = [step for step in adapter.plan(wanted).steps if when in (None, step.when)]
    return [(step, adapter.run(step.op, step.arguments)) for step in steps]


def now():
    return datetime.now(UTC)


def grant(policy, *actions, shared=False):
    return {
        "service": "apps",
        "level": "write",
        "actions": actions,
        "paths": [Path(policy, "", actions, shared=shared)],
    }


def build(address, root):
    """Sign-in by AppRole, policies, an engine with leases, a connection with the least rights."""
    world = World(address, root, secrets.token_hex(4), {}, {})
    calls = world.as_root
    mount = world.name("approle")
    calls.post(f"sys/auth/{mount}", type="approle")
    calls.post(f"sys/mounts/{world.name('pki')}", type="pki")
    if "apps/" not in calls.get("sys/mounts"):
        calls.post("sys/mounts/apps", type="kv")
    calls.post(f"sys/mounts/{world.name('kv')}", type="kv", options={"version": "2"})
    pki = world.name("pki")
    calls.post(f"{pki}/root/generate/internal", common_name="example.com", ttl="24h")
    calls.post(
        f"{pki}/roles/web", allow_any_name=True, generate_lease=True, max_ttl="20h", ttl="1h"
    )
    world.policy("crm", CRM)
    calls.post(f"auth/{mount}/role/crm", token_policies=[world.name("crm")], token_ttl="1h")
    calls.post("apps/crm/customers", name="made up")
    calls.post("apps/reports/q1", name="made up")
    calls.post(f"auth/token/roles/{world.name('agents')}", allowed_policies=[world.name("crm")])
    issue_paths = [f"{pki}/issue/web", world.token_path]
    told = {
        "approle_mounts": [mount],
        "issue_paths": issue_paths,
        "place_paths": [world.place],
    }
    for purpose in ("reading", "removal", "issuing"):
        world.policy(f"own-{purpose}", VaultAdapter.rights(told, purpose))
    rights = [world.name(f"own-{purpose}") for purpose in ("reading", "removal", "issuing")]
    calls.post(f"auth/{mount}/role/countersign", token_policies=rights, token_ttl="1h")
    own = f"auth/{mount}/role/countersign"
    world.told |= {
        "address": address,
        "auth": "approle",
        "auth_mount": mount,
        "role_id": calls.get(f"{own}/role-id")["role_id"],
        "secret_id": "env:COUNTERSIGN_SECRET_VAULT",
        "lease_prefixes": [pki],
        **told,
    }
    world.secrets["env:COUNTERSIGN_SECRET_VAULT"] = calls.post(f"{own}/secret-id")["secret_id"]
    return world
