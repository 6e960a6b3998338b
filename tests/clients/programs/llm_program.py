"""The library of the program llm, with a tool; its models are in extra-openai-models.yaml."""

import llm


def weather(city: str) -> str:
    """The weather of a city."""
    return f"cold in {city}"


print("".join(llm.get_model("gpt-4o-mini").prompt("hello")))
print(llm.get_model("gpt-4o").chain("weather in Oslo?", tools=[weather]).text())
try:
    print(llm.get_model("gpt-4.1").prompt("hello", stream=False).text())
except Exception as error:
    print("refused", error)
try:
    for _ in llm.get_model("gpt-4.1-mini").prompt("hello"):
        pass
except Exception as error:
    print("broken", error)
