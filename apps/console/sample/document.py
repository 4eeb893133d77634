"""The invented company's inventory, as a document in Countersign's own format.

One seed, so the same company every time; times count back from `now`.
"""

import hashlib
from datetime import datetime, timedelta
from random import Random
from typing import Any

from apps.console.sample.agents import AGENTS, CALLS, SHARED, UNBOUND
from apps.console.sample.catalogue import ACTIONS, SYSTEMS

SEED = 20_261_124
GRANTS = 300
ADMIN_GRANTS = 18
CREDENTIALS = 90
LEVELS = ("read", "write", "admin")
KINDS = {name: kind for name, kind, *_ in SYSTEMS}
PLATFORMS = ("LangGraph", "Pydantic AI", "OpenAI Agents SDK", "Strands", "Own runner")
MODELS = ("large-2026-05", "medium-2026-03", "small-2026-01")
CREDENTIAL_KINDS = ("api-key", "client-secret", "token", "api-key", "managed", "certificate")
STORES = (
    ("secret-manager", "Secrets, production"),
    ("secret-manager", "Secrets, production"),
    ("secret-manager", "Secrets, production"),
    ("environment", "deployment settings"),
    ("file", "settings file on the runner"),
    ("unknown", ""),
)

type Key = tuple[str, str]


class Company:
    """Builds the document piece by piece; each piece draws from the same seeded source."""

    def __init__(self, now: datetime):
        self.now = now
        self.rng = Random(SEED)  # noqa: S311  (an invented company needs no secrecy)
        self.bound: dict[str, list[Key]] = {}
        self.grants: dict[tuple[Key, str, str], dict[str, Any]] = {}
        self.tasks: dict[tuple[Key, str, str], tuple[str, str]] = {}

    def document(self) -> dict[str, Any]:
        identities = self._identities()
        self._needed_grants()
        self._excess_grants(identities)
        return {
            "format": "countersign",
            "version": 1,
            "stream": "company inventory",
            "systems": self._systems(),
            "agents": [self._agent(*row) for row in AGENTS],
            "identities": [self._identity(key) for key in identities],
            "credentials": self._credentials(identities),
            "permissions": self._permissions(),
            "grants": list(self.grants.values()),
            "justifications": self._justifications(),
        }

    def _ago(self, days: float) -> str:
        return (self.now - timedelta(days=days)).isoformat(timespec="seconds")

    def _until(self) -> str:
        """A day to come; for one in nine, one that has passed."""
        days = self.rng.choice([25, 40, 60, 80, 100, 140, 160, 200, -12])
        return (self.now + timedelta(days=days)).date().isoformat()

    def _systems(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "kind": kind,
                "account": account,
                "environment": environment,
                "labels": list(labels),
            }
            for name, kind, account, environment, labels in SYSTEMS
        ]

    def _permissions(self) -> list[dict[str, Any]]:
        return [
            {
                "system_kind": kind,
                "key": action,
                "service": service,
                "level": level,
                "tags": list(tags),
            }
            for kind, services in ACTIONS.items()
            for service, actions in services.items()
            for action, level, tags in actions
        ]

    def _identities(self) -> list[Key]:
        """Who acts as what: an identity per agent and system, or one that several share."""
        shared = {
            (agent, system): (system, name)
            for (system, name), agents in SHARED.items()
            for agent in agents
        }
        keys: dict[Key, None] = {}
        for name, *_, tasks in AGENTS:
            systems = dict.fromkeys(system for _, system, _, _ in tasks)
            self.bound[name] = [
                shared.get((name, system), (system, f"{name}-{KINDS[system]}"))
                for system in systems
            ]
            keys.update(dict.fromkeys(self.bound[name]))
        keys.update(dict.fromkeys(UNBOUND))
        return list(keys)

    def _agent(self, *row: Any) -> dict[str, Any]:
        name, team, owner, technical, environment, autonomy, purpose, tasks = row
        agent = {
            "name": name,
            "purpose": purpose,
            "team": team,
            "environment": environment,
            "autonomy": autonomy,
            "has_human_step": autonomy in {"suggests", "asks"},
            "platform": self.rng.choice(PLATFORMS),
            "model": self.rng.choice(MODELS),
            "version": f"{self.rng.randint(1, 4)}.{self.rng.randint(0, 12)}",
            "instructions_sha256": hashlib.sha256(name.encode()).hexdigest(),
            "calls": CALLS.get(name, []),
            "tasks": [
                {
                    "title": title,
                    "needs": [{"system": system, "service": service, "level": level}],
                }
                for title, system, service, level in tasks
            ],
            "bindings": [
                {"system": system, "identity": identity} for system, identity in self.bound[name]
            ],
        }
        people = {"owner": owner, "technical_owner": technical}
        return agent | {role: f"{person}@example.com" for role, person in people.items() if person}

    def _identity(self, key: Key) -> dict[str, Any]:
        system, name = key
        return {
            "system": system,
            "name": name,
            "kind": "service-account" if name.startswith("svc") else "bot-user",
            "external_id": f"{KINDS[system]}:{name}",
            "last_used_at": self._ago(self.rng.choice([0.1, 0.5, 2, 9, 70])),
        }

    def _needed_grants(self) -> None:
        """What the tasks need: the level named, and reading below it."""
        for name, *_, tasks in AGENTS:
            identity = dict(self.bound[name])
            for title, system, service, level in tasks:
                for held in LEVELS[: LEVELS.index(level) + 1]:
                    key = (system, identity[system])
                    self._grant(key, service, held)
                    self.tasks.setdefault((key, service, held), (name, title))

    def _excess_grants(self, identities: list[Key]) -> None:
        """What nobody asked for: services beside the needed ones, and levels above."""
        wanted = [
            (key, service, level)
            for key in identities
            for service in ACTIONS[KINDS[key[0]]]
            for level in LEVELS
            if (key, service, level) not in self.grants
        ]
        wanted = [row for row in wanted if _actions(*row)]
        self.rng.shuffle(wanted)
        admin = [row for row in wanted if row[2] == "admin"][:ADMIN_GRANTS]
        others = [row for row in wanted if row[2] != "admin"]
        for key, service, held in (admin + others)[: GRANTS - len(self.grants)]:
            self._grant(key, service, held)

    def _grant(self, key: Key, service: str, level: str) -> None:
        if not _actions(key, service, level) or (key, service, level) in self.grants:
            return
        grant = grant_of(
            key,
            service,
            level,
            resources=["*"] if self.rng.random() < 0.7 else [f"{service}/team/*"],
            group=self.rng.choice(["", "agents"]),
        )
        if self.rng.random() < 0.6:
            grant["last_used_at"] = self._ago(self.rng.choice([0.2, 1, 4, 30, 110]))
        self.grants[key, service, level] = grant

    def _credentials(self, identities: list[Key]) -> list[dict[str, Any]]:
        first = [(key, 1) for key in identities]
        more = [(key, 2) for key in self.rng.sample(identities, CREDENTIALS - len(identities))]
        return [self._credential(key, number) for key, number in first + more]

    def _credential(self, key: Key, number: int) -> dict[str, Any]:
        system, identity = key
        rng = self.rng
        kind = rng.choice(CREDENTIAL_KINDS)
        age = rng.choice([5, 20, 45, 80, 120, 200, 402, 760])
        stored_in, stored_at = rng.choice(STORES)
        credential: dict[str, Any] = {
            "system": system,
            "identity": identity,
            "external_id": f"{KINDS[system]}-{identity}-{number}",
            "kind": kind,
            "issued_at": self._ago(age),
            "stored_in": stored_in,
            "stored_at": stored_at,
            "fingerprint": hashlib.sha256(f"{key}{number}".encode()).hexdigest(),
        }
        if kind in {"managed", "certificate"} or rng.random() < 0.35:
            credential["rotation_days"] = rng.choice([30, 60, 90])
            credential["rotated_at"] = self._ago(min(age, rng.choice([3, 15, 40])))
        if kind == "certificate" or rng.random() < 0.15:
            credential["expires_at"] = self._ago(-rng.choice([12, 40, 200]))
        if rng.random() < 0.7:
            credential["use_known"] = True
            credential["last_used_at"] = self._ago(min(age, rng.choice([0.1, 1, 3, 12, 60, 130])))
        return credential

    def _justifications(self) -> list[dict[str, Any]]:
        """A reason for most of what tasks need, and for some of what they do not."""
        return [
            self._justification(key, service, level)
            for (key, service, level) in self.grants
            if level != "read" and self.rng.random() < self._share(key, service, level)
        ]

    def _share(self, key: Key, service: str, level: str) -> float:
        return 0.9 if (key, service, level) in self.tasks else 0.45

    def _justification(self, key: Key, service: str, level: str) -> dict[str, Any]:
        system, identity = key
        agent, title = self.tasks.get((key, service, level), ("", ""))
        reason = (
            f"{title}: it has to {level} {service} in {system} to do so."
            if title
            else f"Set up for the move to {system}; to be taken back afterwards."
        )
        given = self.rng.choice([20, 60, 95, 150, 240])
        row = {
            "system": system,
            "identity": identity,
            "service": service,
            "level": level,
            "reason": reason,
            "ticket": f"ACC-{self.rng.randint(200, 1999)}",
            "given_at": self._ago(given),
            "until": self._until() if self.rng.random() < 0.8 else "",
        }
        if title:
            row |= {"task": title, "agent": agent}
        return {name: value for name, value in row.items() if value}


def grant_of(
    key: Key, service: str, level: str, *, resources: list[str], group: str
) -> dict[str, Any]:
    """One grant as the document writes it."""
    system, identity = key
    return {
        "system": system,
        "identity": identity,
        "service": service,
        "level": level,
        "actions": _actions(key, service, level),
        "resources": resources,
        "conditions": [],
        "via": [{"policy": f"{service} {level}", "group": group}],
    }


def _actions(key: Key, service: str, level: str) -> list[str]:
    """What holding a level of a service of the identity's system means there."""
    return [action for action, held, _ in ACTIONS[KINDS[key[0]]][service] if held == level]


def company_document(now: datetime) -> dict[str, Any]:
    """The whole inventory of the invented company, as JSON-ready values."""
    return Company(now).document()
