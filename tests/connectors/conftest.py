"""Jobs asked for by name run where a test commits, so their modules are loaded here."""

import apps.connectors.tasks
import apps.findings.tasks
import apps.grants.tasks
import apps.remediation.tasks  # noqa: F401
