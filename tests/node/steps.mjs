// What the walk does again and again, and the bodies it sends.
import assert from "node:assert/strict";

import { LostError, NotFoundError } from "./client.mjs";

export const SCHEMA = { type: "object", properties: { day: { type: "string" } }, required: ["day"] };
const MODEL = { provider: "mistral", model: "mistral-medium-latest", messages: [{ role: "system", content: "You answer the phone." }] };
export const ASSISTANT = {
  first_message: "Good morning.", llm_config: { ...MODEL, tools: [{ type: "end_call" }] }, webhook_events: [], voicemail_message: "Later.",
};
export const ONE_TIME = {
  llm_config: MODEL, stt_config: { provider: "deepgram", model: "nova-3-general", language: "nl" },
  tts_config: { provider: "elevenlabs", voice_id: "ukiwGs47sHyibruHJ1vg" }, metadata: { crm_id: "77" },
};
export const DEFINITION = {
  version: 1, entry_node: "greet",
  nodes: [{ id: "greet", type: "conversation", instructions: "Greet." }, { id: "bye", type: "end" }],
  edges: [{ from: "greet", to: "bye", description: "The caller is done." }],
};

export function leads(count) {
  return Array.from({ length: count }, (_, position) => ({
    phone_number: `+3160000${String(position).padStart(4, "0")}`, variables: { name: "Sam" },
  }));
}

/** Line 1 calls an assistant an agent; `other` is the second spelling of the same objects. */
export function assistants(sdk) {
  const [own, other] = sdk.line === 1 ? ["/agents", "/assistants"] : ["/assistants", "/agents"];
  return { path: own, other: { path: other } };
}

/** Equal but for `updated_at`. */
export function same(left, right) {
  assert.deepEqual({ ...left, updated_at: null }, { ...right, updated_at: null });
}

/** The error that a request must meet, told at once: no 4xx but 429 is repeated. */
export async function refuses(sdk, kind, name, options) {
  let met;
  await assert.rejects(repeating(sdk, name, options), (error) => {
    met = error;
    return error instanceof kind;
  });
  return met;
}

/** A request whose answer may be lost: line 1 repeats it by itself, in line 2 the caller does, as the contract advises. */
export async function repeating(sdk, name, options, isMet = (error) => error instanceof LostError) {
  const first = sdk.call(name, options);
  if (sdk.line === 1) return first;
  try {
    return await first;
  } catch (error) {
    if (!isMet(error)) throw error;
    sdk.counts.repeats += 1;
    return sdk.call(name, options);
  }
}

let keys = 0;

/** Create, get, list, change, delete; what is created with a lost answer is there once. Returns one that stays, changed. */
export async function five(sdk, path, { create, change }) {
  const body = typeof create === "function" ? create : () => create;
  const own = `${path}/{}`;
  const ids = async () => (await sdk.call(`GET ${path}`)).map((each) => each.id);
  const made = await sdk.call(`POST ${path}`, { body: body() });
  same(await sdk.call(`GET ${own}`, { ids: [made.id] }), made);
  const before = await ids();
  assert.ok(before.includes(made.id));

  const key = `lost-${sdk.line}-${(keys += 1)}`;
  const twice = await repeating(sdk, `POST ${path}`, { body: body(), key });
  assert.deepEqual((await ids()).sort(), [...before, twice.id].sort(), `${path}: one object after a lost answer`);
  let kept = twice;
  if (change) {
    kept = await sdk.call(`PATCH ${own}`, { ids: [twice.id], body: change });
    same(await sdk.call(`GET ${own}`, { ids: [twice.id] }), kept);
    same(await sdk.call(`PATCH ${own}`, { ids: [twice.id], body: {} }), kept);
  }

  assert.deepEqual(await sdk.call(`DELETE ${own}`, { ids: [made.id] }), { success: true });
  await refuses(sdk, NotFoundError, `GET ${own}`, { ids: [made.id] });
  assert.deepEqual((await ids()).sort(), [twice.id, ...before.filter((each) => each !== made.id)].sort());
  return kept;
}
