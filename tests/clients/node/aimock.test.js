// Both SDKs at an aimock, a provider nobody here wrote: through the proxy and directly.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import Anthropic from "@anthropic-ai/sdk";
import { LLMock } from "@copilotkit/aimock";
import OpenAI from "openai";

import { Proxy } from "./serving.js";

const FIXTURES = fileURLToPath(new URL("../aimock/fixtures.json", import.meta.url));
const CONFIG = fileURLToPath(new URL("../aimock/config.toml", import.meta.url));
const SAID = "Plants run in the order of what the next megawatt costs.";
const messages = [{ role: "user", content: "What is a merit order?" }];
const asking = [{ role: "user", content: "What will the weather be in Oslo and Rome?" }];
const parameters = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
};
const GPT = "gpt-scripted";
const CLAUDE = "claude-scripted";

async function all(stream) {
  const found = [];
  for await (const one of stream) found.push(one);
  return found;
}

// The same with what the provider draws by chance (ids) named in order of appearance.
function levelled(told) {
  const names = new Map();
  const drawn = /\b[a-z]+[-_][A-Za-z0-9_-]{16}(?![A-Za-z0-9_-])/g;
  return JSON.stringify(told).replaceAll(drawn, (one) => {
    if (!names.has(one)) names.set(one, `drawn-${names.size}`);
    return names.get(one);
  });
}

let mock, proxy;
before(async () => {
  mock = new LLMock({ port: 0 });
  mock.loadFixtureFile(FIXTURES);
  await mock.start();
  proxy = await Proxy.start((await readFile(CONFIG, "utf8")).replaceAll("AIMOCK", mock.url));
});
after(async () => {
  await proxy.stop();
  await mock.stop();
});

const openai = (root) => new OpenAI({ apiKey: "none", baseURL: `${root}/v1` });
const anthropic = (root) => new Anthropic({ apiKey: "none", baseURL: root });
const chat = { model: GPT, messages };
const tools = [{ type: "function", function: { name: "weather", parameters } }];
const flat = [{ type: "function", name: "weather", strict: false, parameters }];
const message = { model: CLAUDE, max_tokens: 500, messages };
const told = [{ name: "weather", input_schema: parameters }];

const TAKEN = {
  chat: (root) => openai(root).chat.completions.create(chat),
  "chat, streamed": async (root) =>
    all(await openai(root).chat.completions.create({ ...chat, stream: true })),
  "chat with tools": (root) =>
    openai(root).chat.completions.create({ ...chat, messages: asking, tools }),
  "chat with tools, streamed": (root) =>
    openai(root).chat.completions.stream({ ...chat, messages: asking, tools })
      .finalChatCompletion(),
  responses: (root) => openai(root).responses.create({ model: GPT, input: messages }),
  "responses, streamed": async (root) =>
    all(await openai(root).responses.create({ model: GPT, input: messages, stream: true })),
  "responses with tools, streamed": async (root) =>
    all(
      await openai(root).responses.create({ model: GPT, input: asking, tools: flat, stream: true }),
    ),
  embeddings: (root) =>
    openai(root).embeddings.create({ model: "text-embedding-3-small", input: ["one", "two"] }),
  messages: (root) => anthropic(root).messages.create(message),
  "messages, streamed": async (root) =>
    all(await anthropic(root).messages.create({ ...message, stream: true })),
  "messages with tools, streamed": (root) =>
    anthropic(root).messages.stream({ ...message, messages: asking, tools: told }).finalMessage(),
};

describe("over an aimock", { concurrency: 4, timeout: 60_000 }, () => {
  for (const [name, take] of Object.entries(TAKEN)) {
    test(`a client reads the same here and there: ${name}`, async () => {
      assert.equal(levelled(await take(proxy.root)), levelled(await take(mock.url)));
    });
  }

  test("OpenAI's client reads what Claude said", async () => {
    const answer = await openai(proxy.root).chat.completions.create({ model: CLAUDE, messages });
    assert.equal(answer.choices[0].message.content, SAID);
    const called = await openai(proxy.root)
      .chat.completions.stream({ model: CLAUDE, messages: asking, tools })
      .finalChatCompletion();
    const calls = called.choices[0].message.tool_calls;
    assert.deepEqual(calls.map((call) => call.id), ["call_oslo", "call_rome"]);
  });

  test("Anthropic's client reads what GPT said", async () => {
    const answer = await anthropic(proxy.root).messages.create({ ...message, model: GPT });
    assert.equal(answer.content.at(-1).text, SAID);
    const called = await anthropic(proxy.root)
      .messages.stream({ ...message, model: GPT, messages: asking, tools: told })
      .finalMessage();
    const calls = called.content.filter((block) => block.type === "tool_use");
    assert.deepEqual(calls.map((call) => call.input.city), ["Oslo", "Rome"]);
  });

  for (const [model, ask] of [
    ["busy-gpt", (model) => openai(proxy.root).chat.completions.create({ model, messages })],
    [
      "busy-claude",
      (model) => anthropic(proxy.root).messages.create({ model, max_tokens: 50, messages }),
    ],
  ]) {
    test(`a busy provider is waited for as long as it says: ${model}`, async () => {
      const began = performance.now();
      const answer = await ask(model);
      assert.match(JSON.stringify(answer), /Now there is room\./);
      assert.ok(performance.now() - began >= 1000);
      const sent = mock.getRequests().filter((entry) => entry.body?.model === model);
      assert.equal(sent.length, 2);
    });
  }
});
