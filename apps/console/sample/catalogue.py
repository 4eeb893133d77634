"""The invented company's systems, what can be done in them, and its people."""

# name, kind, account, environment, labels, log connected
SYSTEMS = (
    ("Helpdesk", "helpdesk", "", "production", ()),
    ("CRM", "crm", "", "production", ("personal data",)),
    ("Mail", "mail", "", "production", ()),
    ("ERP", "erp", "", "production", ("SOX",)),
    ("Warehouse", "warehouse", "", "production", ("personal data",)),
    ("Code host", "code", "", "production", ()),
    ("Cloud production", "cloud", "cloud-prod-7", "production", ("SOX",)),
    ("Cloud sandbox", "cloud", "cloud-dev-2", "development", ()),
    ("Chat", "chat", "", "production", ()),
    ("Web reader", "web", "", "production", ()),
    ("Payments", "payments", "", "production", ("CDE", "SOX")),
    ("Card vault", "vault", "", "production", ("CDE",)),
    ("Directory", "directory", "", "production", ()),
    ("HR records", "hr", "", "production", ("personal data",)),
    ("Documents", "documents", "", "production", ()),
)

# kind -> service -> ((action, level, capability tags), ...)
ACTIONS: dict[str, dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]]] = {
    "helpdesk": {
        "tickets": (
            ("tickets.read", "read", ("takes-untrusted",)),
            ("tickets.reply", "write", ("changes", "sends-out")),
            ("tickets.update", "write", ("changes",)),
            ("tickets.purge", "admin", ("deletes",)),
        ),
        "profiles": (
            ("profiles.read", "read", ("reads-private",)),
            ("profiles.annotate", "write", ("changes",)),
        ),
        "reports": (
            ("reports.read", "read", ()),
            ("reports.schedule", "write", ("sends-out",)),
        ),
        "macros": (
            ("macros.read", "read", ()),
            ("macros.edit", "write", ("changes",)),
            ("macros.publish", "admin", ("changes", "grants-access")),
        ),
    },
    "crm": {
        "customers": (
            ("customers.read", "read", ("reads-private",)),
            ("customers.update", "write", ("changes",)),
            ("customers.merge", "write", ("changes", "deletes")),
            ("customers.delete", "admin", ("deletes",)),
        ),
        "deals": (
            ("deals.read", "read", ("reads-private",)),
            ("deals.update", "write", ("changes",)),
            ("deals.reassign", "admin", ("changes", "grants-access")),
        ),
        "campaigns": (
            ("campaigns.read", "read", ()),
            ("campaigns.send", "write", ("sends-out",)),
            ("campaigns.approve", "admin", ("sends-out", "grants-access")),
        ),
        "notes": (
            ("notes.read", "read", ("reads-private", "takes-untrusted")),
            ("notes.write", "write", ("changes",)),
        ),
        "exports": (
            ("exports.list", "read", ()),
            ("exports.create", "write", ("reads-private", "sends-out")),
        ),
    },
    "mail": {
        "inbox": (
            ("inbox.read", "read", ("reads-private", "takes-untrusted")),
            ("inbox.label", "write", ("changes",)),
            ("inbox.delegate", "admin", ("grants-access",)),
        ),
        "rules": (
            ("rules.list", "read", ()),
            ("rules.edit", "write", ("sends-out", "changes")),
        ),
        "archive": (
            ("archive.search", "read", ("reads-private",)),
            ("archive.purge", "write", ("deletes",)),
        ),
        "outbox": (
            ("outbox.list", "read", ()),
            ("outbox.draft", "write", ("changes",)),
            ("outbox.send", "write", ("sends-out",)),
        ),
    },
    "erp": {
        "invoices": (
            ("invoices.read", "read", ("reads-private",)),
            ("invoices.match", "write", ("changes",)),
            ("invoices.cancel", "write", ("changes", "deletes")),
            ("invoices.configure", "admin", ("grants-access",)),
        ),
        "payments": (
            ("payments.read", "read", ("reads-private",)),
            ("payments.prepare", "write", ("changes",)),
            ("payments.release", "write", ("spends",)),
        ),
        "ledger": (
            ("ledger.read", "read", ("reads-private",)),
            ("ledger.post", "write", ("changes",)),
            ("ledger.reopen", "admin", ("changes", "grants-access")),
        ),
        "budgets": (
            ("budgets.read", "read", ()),
            ("budgets.move", "write", ("changes", "spends")),
        ),
        "vendors": (
            ("vendors.read", "read", ()),
            ("vendors.update", "write", ("changes",)),
            ("vendors.approve", "admin", ("spends", "grants-access")),
        ),
    },
    "warehouse": {
        "datasets": (
            ("datasets.read", "read", ("reads-private",)),
            ("datasets.write", "write", ("changes",)),
            ("datasets.drop", "write", ("deletes",)),
            ("datasets.grant", "admin", ("grants-access",)),
        ),
        "dashboards": (
            ("dashboards.read", "read", ()),
            ("dashboards.edit", "write", ("changes",)),
        ),
        "shares": (
            ("shares.list", "read", ()),
            ("shares.create", "write", ("reads-private", "sends-out")),
        ),
        "jobs": (
            ("jobs.list", "read", ()),
            ("jobs.run", "write", ("runs-code", "spends")),
            ("jobs.manage", "admin", ("runs-code", "grants-access")),
        ),
    },
    "code": {
        "repositories": (
            ("contents.read", "read", ("takes-untrusted",)),
            ("contents.write", "write", ("changes",)),
            ("settings.admin", "admin", ("grants-access",)),
        ),
        "issues": (
            ("issues.read", "read", ("takes-untrusted",)),
            ("issues.edit", "write", ("changes",)),
        ),
        "packages": (
            ("packages.read", "read", ()),
            ("packages.publish", "write", ("sends-out", "runs-code")),
        ),
        "pulls": (
            ("pulls.read", "read", ("takes-untrusted",)),
            ("pulls.comment", "write", ("sends-out",)),
            ("pulls.merge", "write", ("changes", "runs-code")),
        ),
        "pipelines": (
            ("pipelines.read", "read", ()),
            ("pipelines.run", "write", ("runs-code",)),
            ("secrets.manage", "admin", ("reads-secrets", "grants-access")),
        ),
    },
    "cloud": {
        "storage": (
            ("storage.read", "read", ("reads-private",)),
            ("storage.write", "write", ("changes",)),
            ("storage.publish", "admin", ("sends-out", "grants-access")),
        ),
        "queues": (
            ("queues.read", "read", ()),
            ("queues.send", "write", ("changes",)),
        ),
        "logs": (
            ("logs.read", "read", ("reads-private",)),
            ("logs.expire", "write", ("deletes",)),
        ),
        "compute": (
            ("compute.describe", "read", ()),
            ("compute.restart", "write", ("runs-code",)),
            ("compute.scale", "write", ("spends",)),
        ),
        "access": (
            ("access.list", "read", ()),
            ("access.mint-token", "write", ("reads-secrets",)),
            ("access.set-policy", "admin", ("grants-access",)),
        ),
    },
    "chat": {
        "messages": (
            ("messages.read", "read", ("takes-untrusted",)),
            ("messages.post", "write", ("sends-out",)),
        ),
        "files": (
            ("chat-files.read", "read", ("reads-private",)),
            ("chat-files.upload", "write", ("sends-out",)),
        ),
        "channels": (
            ("channels.list", "read", ()),
            ("channels.create", "write", ("changes",)),
            ("channels.moderate", "admin", ("deletes", "grants-access")),
        ),
    },
    "web": {
        "pages": (
            ("pages.fetch", "read", ("takes-untrusted",)),
            ("forms.submit", "write", ("sends-out",)),
        ),
    },
    "payments": {
        "refunds": (
            ("refunds.read", "read", ("reads-private",)),
            ("refunds.create", "write", ("spends",)),
            ("refunds.raise-limit", "admin", ("spends", "grants-access")),
        ),
        "payouts": (
            ("payouts.read", "read", ("reads-private",)),
            ("payouts.create", "write", ("spends",)),
            ("payouts.approve", "admin", ("spends", "grants-access")),
        ),
        "charges": (
            ("charges.read", "read", ("reads-private",)),
            ("charges.capture", "write", ("spends",)),
        ),
    },
    "vault": {
        "tokens": (
            ("tokens.lookup", "read", ("reads-private",)),
            ("tokens.reveal", "write", ("reads-secrets",)),
            ("tokens.rekey", "admin", ("reads-secrets", "grants-access")),
        ),
    },
    "directory": {
        "users": (
            ("users.read", "read", ("reads-private",)),
            ("users.update", "write", ("changes",)),
            ("users.assign-role", "admin", ("grants-access",)),
        ),
        "devices": (
            ("devices.read", "read", ()),
            ("devices.wipe", "write", ("deletes",)),
        ),
        "groups": (
            ("groups.read", "read", ()),
            ("groups.add-member", "admin", ("grants-access",)),
        ),
    },
    "hr": {
        "employees": (
            ("employees.read", "read", ("reads-private",)),
            ("employees.update", "write", ("changes",)),
        ),
        "reviews": (
            ("reviews.read", "read", ("reads-private",)),
            ("reviews.write", "write", ("changes",)),
        ),
        "leave": (
            ("leave.read", "read", ()),
            ("leave.book", "write", ("changes",)),
            ("leave.policy", "admin", ("changes", "grants-access")),
        ),
    },
    "documents": {
        "files": (
            ("files.read", "read", ("reads-private",)),
            ("files.write", "write", ("changes",)),
            ("files.delete", "write", ("deletes",)),
            ("files.own", "admin", ("grants-access",)),
        ),
        "templates": (
            ("templates.read", "read", ()),
            ("templates.edit", "write", ("changes",)),
        ),
        "comments": (
            ("comments.read", "read", ("takes-untrusted",)),
            ("comments.write", "write", ("changes",)),
        ),
        "sharing": (
            ("sharing.list", "read", ()),
            ("sharing.invite", "write", ("sends-out", "grants-access")),
        ),
    },
}

# address before the @, display name, role, team
PEOPLE = (
    ("administrator", "Identity administrator", "steward", "Security"),
    ("security", "Head of security", "steward", "Security"),
    ("manager", "Head of support", "reviewer", "Support"),
    ("support.lead", "Support lead", "reviewer", "Support"),
    ("support.tools", "Support tools engineer", "reviewer", "Support"),
    ("finance", "Head of finance operations", "reviewer", "Finance operations"),
    ("payables", "Payables lead", "reviewer", "Finance operations"),
    ("finance.systems", "Finance systems engineer", "reviewer", "Finance operations"),
    ("platform", "Head of platform", "reviewer", "Platform"),
    ("delivery", "Delivery lead", "reviewer", "Platform"),
    ("reliability", "Reliability engineer", "reviewer", "Platform"),
    ("data", "Head of data", "reviewer", "Data"),
    ("analytics", "Analytics lead", "reviewer", "Data"),
    ("sales", "Head of sales", "reviewer", "Sales"),
    ("sales.operations", "Sales operations lead", "reviewer", "Sales"),
    ("people", "Head of people", "reviewer", "People"),
    ("people.services", "People services lead", "reviewer", "People"),
    ("auditor", "External auditor", "auditor", ""),
    ("newcomer", "Newcomer without a role", "", ""),
)

TEAMS = {
    "Support": "manager",
    "Finance operations": "finance",
    "Platform": "platform",
    "Data": "data",
    "Sales": "sales",
    "People": "people",
    "Security": "security",
}
