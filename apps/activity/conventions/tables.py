"""What each convention calls a thing, as data. Left the name on the wire, right ours.

Where several conventions name the same thing on one record, the table further up wins, and what
lost stays in the payload under its own name.
"""

COUNTERSIGN = {
    "countersign.agent": "agent",
    "countersign.agent_id": "agent_id",
    "countersign.invocation": "correlation",
    "countersign.invocation_id": "correlation",
    "countersign.inv": "correlation",
    "countersign.correlation_id": "correlation",
    "countersign.anomaly.type": "anomaly_type",
    "countersign.anomaly.severity": "anomaly_severity",
    "countersign.anomaly.detail": "anomaly_detail",
}
# Its agent's name of OTel GenAI is a hash; people know it by its role.
CREWAI_ROLE = {"crewai.agent.role": "agent"}
OTEL_GENAI = {
    "gen_ai.operation.name": "operation",
    "gen_ai.agent.name": "agent",
    "gen_ai.agent.id": "agent_id",
    "gen_ai.conversation.id": "conversation",
    "gen_ai.workflow.name": "workflow",
    "gen_ai.data_source.id": "place",
    "gen_ai.request.model": "model",
    "gen_ai.response.model": "model",
    "gen_ai.tool.name": "tool",
    "gen_ai.tool.call.id": "call_id",
    "gen_ai.tool.call.arguments": "arguments",
    "gen_ai.tool.call.result": "result",
    "gen_ai.retrieval.query.text": "arguments",
    "gen_ai.retrieval.documents": "result",
    "gen_ai.system_instructions": "instructions",
    "gen_ai.input.messages": "input",
    "gen_ai.output.messages": "output",
    "gen_ai.prompt": "input",
    "gen_ai.completion": "output",
    "error.type": "error",
    "gen_ai.evaluation.name": "guard",
    "gen_ai.evaluation.score.label": "guard_label",
    "gen_ai.evaluation.score.value": "guard_score",
    "gen_ai.evaluation.explanation": "anomaly_detail",
    "agent.threat.detection.rule_id": "anomaly_type",
    "agent.threat.detection.severity": "anomaly_severity",
    "agent.threat.detection.action": "guard_action",
    "gen_ai.agent.tool.disposition": "guard_action",
    "gen_ai.agent.tool.tier": "tier",
    "gen_ai.agent.action_ledger.receipt_hash": "receipt",
}
PYDANTIC_AI = {
    "gen_ai.agent.call.id": "run",
    "pydantic_ai.all_messages": "history",
    "all_messages_events": "history",
    "final_result": "final",
    "agent_name": "agent",
    "model_name": "model",
    "tool_arguments": "arguments",
    "tool_response": "result",
}
OPENINFERENCE = {
    "openinference.span.kind": "openinference",
    "input.value": "input_value",
    "output.value": "output_value",
    "session.id": "conversation",
    "agent.name": "agent",
    "tool.name": "tool",
    "tool.id": "call_id",
    "tool_call.id": "call_id",
    "llm.model_name": "model",
    "metadata": "metadata",
}
TRACELOOP = {
    "traceloop.span.kind": "traceloop",
    "traceloop.entity.name": "entity",
    "traceloop.workflow.name": "workflow",
    "traceloop.entity.input": "input_value",
    "traceloop.entity.output": "output_value",
    "gen_ai.task.input": "input_value",
    "gen_ai.task.output": "output_value",
    "gen_ai.task.status": "said_status",
    "traceloop.association.properties.lc_agent_name": "agent",
    "traceloop.association.properties.conversation_id": "conversation",
    "traceloop.association.properties.thread_id": "conversation",
    "traceloop.association.properties.session_id": "conversation",
}
MCP = {
    "mcp.method.name": "mcp",
    "mcp.tool.name": "tool",
    "mcp.resource.uri": "place",
    "mcp.session.id": "conversation",
}
STRANDS = {"gen_ai.tool.status": "said_status"}
ADK = {
    "gcp.vertex.agent.invocation_id": "run",
    "gcp.vertex.agent.session_id": "conversation",
    "gcp.vertex.agent.llm_request": "input_value",
    "gcp.vertex.agent.llm_response": "output_value",
    "gcp.vertex.agent.tool_call_args": "arguments",
    "gcp.vertex.agent.tool_response": "result",
}
SMOLAGENTS = {"smolagents.task": "input_value"}
CREWAI = {
    "crewai.execution_uuid": "run",
    "crewai.subject": "subject",
    "crewai.tool.failure.message": "error",
    "crewai.guardrail.success": "guard_label",
    "crewai.guardrail.error": "anomaly_detail",
    "crewai.policy.name": "guard",
    "crewai.policy.decision": "guard_action",
    "crewai.policy.reason": "anomaly_detail",
    "crewai.human_feedback.outcome": "guard_action",
    "gen_ai.input.messages.truncated": "cut",
    "gen_ai.output.messages.truncated": "cut",
    "gen_ai.system_instructions.truncated": "cut",
    "gen_ai.tool.call.arguments.truncated": "cut",
    "gen_ai.tool.call.result.truncated": "cut",
}
CALLS = {
    "aws.request_id": "request_id",
    "aws.requestId": "request_id",
    "azure.service.request.id": "request_id",
    "az.service_request_id": "request_id",
    "http.response.header.x-amzn-requestid": "request_id",
    "http.response.header.x-amz-request-id": "request_id",
    "http.response.header.x-ms-request-id": "request_id",
    "http.response.header.x-github-request-id": "request_id",
    "http.response.header.audit-id": "request_id",
    "http.response.header.x-request-id": "request_id",
    "http.response.header.x-vault-request-id": "request_id",
    "http.request.method": "http_method",
    "http.method": "http_method",
    "http.response.status_code": "http_status",
    "http.status_code": "http_status",
    "url.full": "url",
    "http.url": "url",
    "server.address": "server",
    "net.peer.name": "server",
    "rpc.system": "rpc_system",
    "rpc.system.name": "rpc_system",
    "rpc.service": "rpc_service",
    "rpc.method": "rpc_method",
    "db.system.name": "db_system",
    "db.system": "db_system",
    "db.operation.name": "db_operation",
    "db.operation": "db_operation",
    "db.query.text": "db_query",
    "db.statement": "db_query",
    "db.namespace": "place",
    "db.name": "place",
    "db.collection.name": "place",
    "messaging.system": "messaging",
    "messaging.operation.name": "messaging_operation",
    "messaging.operation": "messaging_operation",
    "messaging.destination.name": "place",
    "aws.s3.bucket": "place",
    "aws.dynamodb.table_names": "place",
    "aws.secretsmanager.secret.arn": "place",
    "aws.sqs.queue.url": "place",
    "aws.sns.topic.arn": "place",
    "aws.lambda.invoked_arn": "place",
    "cloud.region": "region",
    "aws.region": "region",
}
CONVENTIONS = (
    COUNTERSIGN,
    CREWAI_ROLE,
    OTEL_GENAI,
    PYDANTIC_AI,
    OPENINFERENCE,
    TRACELOOP,
    MCP,
    STRANDS,
    ADK,
    SMOLAGENTS,
    CREWAI,
    CALLS,
)
# What becomes of a value: kept under its name too, held by a column unless long, or by a part of
# the payload, whose maker keeps the original where it took only some of it. A flag is kept, and
# says that there may be an anomaly.
KEPT, COLUMN, PART, FLAG = range(4)
HELD = {
    **dict.fromkeys(("agent", "agent_id", "conversation", "run"), COLUMN),
    **dict.fromkeys(("arguments", "result", "final", "instructions", "input", "output"), PART),
    **dict.fromkeys(("anomaly_type", "anomaly_severity", "anomaly_detail"), FLAG),
    **dict.fromkeys(("guard", "guard_label", "guard_action"), FLAG),
    **dict.fromkeys(("history", "input_value", "output_value"), PART),
}


def _known() -> dict[str, tuple[str, int, int]]:
    known: dict[str, tuple[str, int, int]] = {}
    names = (pair for table in CONVENTIONS for pair in table.items())
    for rank, (name, ours) in enumerate(names):
        known.setdefault(name, (ours, rank, HELD.get(ours, KEPT)))
    return known


# Name on the wire -> our name, rank among the conventions, what becomes of the value.
KNOWN = _known()
RANKS = {name: rank for name, (_, rank, _) in KNOWN.items()}

# Names that carry an index, of which the rest is a path: `llm.input_messages.0.message.role`.
FLAT = {
    "llm.input_messages.": "input",
    "llm.output_messages.": "output",
    "gen_ai.prompt.": "input",
    "gen_ai.completion.": "output",
    "retrieval.documents.": "result",
}
FLAT_STARTS = tuple(FLAT)
GUARDRAIL_STARTS = (
    "crewai.guardrail.",
    "crewai.human_feedback.",
    "agent.threat.detection.",
    "gen_ai.evaluation.",
)

INVOCATION, STEP, ACTION, CALL, GUARD, OTHER = (
    "invocation",
    "step",
    "action",
    "call",
    "guard",
    "other",
)
OPERATIONS = {
    "invoke_agent": INVOCATION,
    "invoke_workflow": INVOCATION,
    "execute_task": STEP,
    "execute_method": STEP,
    "chat": STEP,
    "generate_content": STEP,
    "text_completion": STEP,
    "plan": STEP,
    "embeddings": STEP,
    "execute_tool": ACTION,
    "retrieval": ACTION,
    "search_memory": ACTION,
    "create_memory": ACTION,
    "update_memory": ACTION,
    "upsert_memory": ACTION,
    "delete_memory": ACTION,
    "create_memory_store": ACTION,
    "delete_memory_store": ACTION,
}
OPENINFERENCE_KINDS = {
    "AGENT": INVOCATION,
    "LLM": STEP,
    "CHAIN": STEP,
    "PROMPT": STEP,
    "RERANKER": STEP,
    "EMBEDDING": STEP,
    "TOOL": ACTION,
    "RETRIEVER": ACTION,
    "GUARDRAIL": GUARD,
    "EVALUATOR": GUARD,
}
TRACELOOP_KINDS = {"workflow": INVOCATION, "agent": INVOCATION, "tool": ACTION, "task": STEP}
MCP_METHODS = {"tools/call": ACTION, "resources/read": ACTION, "prompts/get": ACTION}
# Older spans that say by their name alone what they are.
SPAN_NAMES = {"agent run": INVOCATION, "running tool": ACTION}
READING = frozenset({"retrieval", "search_memory", "resources/read", "prompts/get"})
WRITING = frozenset(
    {"create_memory", "update_memory", "upsert_memory", "delete_memory"}
    | {"create_memory_store", "delete_memory_store"}
)
# How far a tool reaches, as its own gate says.
TIERS = {
    "read": "read", "write": "write", "destructive": "write",
    "provision": "write", "decommission": "write",
}  # fmt: skip

# Events on a span (older) and log records (newer): the event's name -> our name, role of its text.
EVENTS = {
    "gen_ai.system.message": ("instructions", "system"),
    "gen_ai.user.message": ("input", "user"),
    "gen_ai.assistant.message": ("input", "assistant"),
    "gen_ai.tool.message": ("input", "tool"),
    "gen_ai.choice": ("output", "assistant"),
    "gen_ai.content.prompt": ("input", ""),
    "gen_ai.content.completion": ("output", "assistant"),
}
EVENT_CONTENTS = (
    "content",
    "message",
    "gen_ai.event.content",
    "gen_ai.prompt",
    "gen_ai.completion",
)
DETAILS = "gen_ai.client.inference.operation.details"

SEVERITIES = {
    "1": 1, "info": 1, "low": 1, "minor": 1,
    "2": 2, "medium": 2, "moderate": 2, "warn": 2, "warning": 2,
    "3": 3, "high": 3, "error": 3, "major": 3,
    "4": 4, "critical": 4, "fatal": 4,
}  # fmt: skip
ACTIONS_OF_GUARDS = {
    "block": 3, "blocked": 3, "deny": 3, "denied": 3, "reject": 3,
    "warn": 2, "ask": 2, "flag": 2, "review": 2,
    "allow": 0, "allowed": 0, "approve": 0, "simulate": 0,
}  # fmt: skip
REFUSALS = frozenset({"block", "blocked", "deny", "denied", "reject"})
BAD_LABELS = frozenset(
    {"fail", "failed", "failure", "not_pass", "false", "unsafe", "violation", "violated", "toxic"}
    | {"block", "blocked", "flagged", "incorrect", "hallucinated"}
)
GOOD_LABELS = frozenset({"pass", "passed", "true", "safe", "ok", "correct", "success", "relevant"})
# Members of a guardrail's answer, and the value that means it struck.
STRUCK = {
    "passed": False, "valid": False, "success": False, "allowed": False, "is_safe": False,
    "tripwire_triggered": True, "triggered": True, "blocked": True, "flagged": True,
}  # fmt: skip

HOSTS = {
    ".amazonaws.com": "aws",
    "management.azure.com": "azure",
    "graph.microsoft.com": "azure",
    "login.microsoftonline.com": "azure",
    ".vault.azure.net": "azure",
    ".core.windows.net": "azure",
    ".googleapis.com": "gcp",
    "api.github.com": "github",
    ".salesforce.com": "salesforce",
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "kubernetes.default.svc": "kubernetes",
}
READ_VERBS = (
    "Get", "List", "Describe", "Head", "Lookup", "Search", "Query", "Scan", "BatchGet", "Select",
    "View", "Filter", "Read", "Check", "Simulate", "Count", "Test", "Validate", "Preview",
)  # fmt: skip
WRITE_VERBS = (
    "Create", "Put", "Delete", "Update", "Modify", "Attach", "Detach", "Add", "Remove", "Set",
    "Start", "Stop", "Terminate", "Run", "Send", "Publish", "Copy", "Upload", "Tag", "Untag",
    "Enable", "Disable", "Restore", "Reboot", "Write", "Batch", "Associate", "Disassociate",
)  # fmt: skip
HTTP_LEVELS = {
    "GET": "read", "HEAD": "read", "OPTIONS": "read",
    "PUT": "write", "PATCH": "write", "DELETE": "write",
}  # fmt: skip
SQL_LEVELS = {
    "SELECT": "read", "SHOW": "read", "EXPLAIN": "read", "FIND": "read", "GET": "read",
    "INSERT": "write", "UPDATE": "write", "DELETE": "write", "MERGE": "write", "COPY": "write",
    "CREATE": "admin", "ALTER": "admin", "DROP": "admin", "GRANT": "admin", "REVOKE": "admin",
    "TRUNCATE": "write", "SET": "write",
}  # fmt: skip
DENIALS = ("denied", "unauthorized", "forbidden", "not authorized", "403", "401")
