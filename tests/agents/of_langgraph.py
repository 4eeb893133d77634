"""The same as an agent of LangGraph, told of by OpenInference."""

from langchain.agents import create_agent
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from openinference.instrumentation.langchain import LangChainInstrumentor
from sending import provider
from task import DONE, TASK, THOUGHT


class Stub(BaseChatModel):
    @property
    def _llm_type(self):
        return "stub"

    def bind_tools(self, tools, **how):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **how):
        if any(one.type == "tool" for one in messages):
            said = AIMessage(DONE)
        else:
            call = {"name": "refund", "args": {"order": "A1", "amount": 20}, "id": "call-1"}
            said = AIMessage(THOUGHT, tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=said)])


@tool
def refund(order: str, amount: int) -> str:
    """Refund an order."""
    return f"{order}: {amount} refunded"


tracing = provider()
LangChainInstrumentor().instrument(tracer_provider=tracing)
agent = create_agent(Stub(), [refund], name="refund-agent")
told = agent.invoke({"messages": [("user", TASK)]})
assert told["messages"][-1].content == DONE
tracing.shutdown()
