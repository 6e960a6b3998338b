"""LangChain's ChatOpenAI, with a tool."""

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"cold in {city}"


print("".join(chunk.text for chunk in ChatOpenAI(model="gpt-4o-mini").stream("hello")))
model = ChatOpenAI(model="gpt-4o").bind_tools([weather])
messages = [HumanMessage("weather in Oslo?")]
called = model.invoke(messages)
call = called.tool_calls[0]
messages += [called, ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])]
print(model.invoke(messages).text)
try:
    ChatOpenAI(model="gpt-4.1").invoke("hello")
except Exception as error:
    print("refused", error)
try:
    for _ in ChatOpenAI(model="gpt-4.1-mini").stream("hello"):
        pass
except Exception as error:
    print("broken", error)
