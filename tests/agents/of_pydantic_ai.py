"""An agent of pydantic-ai whose model is a stub: it looks an order up, refunds it, and says so."""

from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.instrumented import InstrumentationSettings
from sending import provider
from task import DONE, TASK, THOUGHT


def answer(messages, info):
    if len(messages) == 1:
        return ModelResponse(
            parts=[ThinkingPart(THOUGHT), ToolCallPart("refund", {"order": "A1", "amount": 20})]
        )
    return ModelResponse(parts=[TextPart(DONE)])


tracing = provider()
Agent.instrument_all(InstrumentationSettings(tracer_provider=tracing))
agent = Agent(FunctionModel(answer), name="refund-agent")


@agent.tool_plain
def refund(order: str, amount: int) -> dict[str, object]:
    return {"order": order, "refunded": amount}


assert agent.run_sync(TASK).output == DONE
tracing.shutdown()
