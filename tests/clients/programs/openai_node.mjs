// OpenAI's client for JavaScript, with a tool that its helper runs.
import OpenAI from "openai";

const client = new OpenAI();
const messages = [{ role: "user", content: "hello" }];
const weather = {
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" } } },
    parse: JSON.parse,
    function: ({ city }) => `cold in ${city}`,
  },
};

async function streamed(model) {
  let text = "";
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true }))
    text += chunk.choices[0]?.delta?.content ?? "";
  return text;
}

console.log(await streamed("gpt-4o-mini"));
const runner = client.chat.completions.runTools({ model: "gpt-4o", messages, tools: [weather] });
console.log(await runner.finalContent());
await client.chat.completions
  .create({ model: "gpt-4.1", messages })
  .catch((error) => console.log("refused", error.message));
await streamed("gpt-4.1-mini").catch((error) => console.log("broken", error.message));
