// Walks the whole API as a program of a customer does, in both lines of the SDK beside each other: create, get, list, change, delete.
// BASE_URL is where the API is, LINES a JSON object with what each line finds there; prints one line of JSON.
import assert from "node:assert/strict";

import * as errors from "./client.mjs";
import {
  ASSISTANT, DEFINITION, ONE_TIME, SCHEMA, assistants, five, leads, refuses, repeating, same,
} from "./steps.mjs";

const { Sdk } = errors;

async function assistantsAndAgents(sdk, own) {
  const line = assistants(sdk);
  for (const names of [line, line.other]) {
    const made = await five(sdk, names.path, {
      create: { ...ASSISTANT, name: "Front desk" }, change: { name: "Night desk", webhook_events: null, voicemail_message: null },
    });
    assert.deepEqual(made.llm_config, ASSISTANT.llm_config);
  }
  // Settings of all providers in one config, a plain URL and an unknown event are stored and echoed (api 11.2).
  const odd = {
    stt_config: { provider: "deepgram", model: "nova-3-general", language: "multi", endpointing: 0.05 },
    llm_config: { provider: "openai", model: "gpt-5.4", voice: "ara" },
    tts_config: { provider: "elevenlabs", voice_id: "v", instructions: "Speak softly." },
    webhook_url: "http://example.com/plain", webhook_events: ["status-update", "no-such-event"],
  };
  const { id } = await sdk.call(`POST ${line.path}`, { body: { name: "Odd" } });
  await sdk.call(`PATCH ${line.path}/{}`, { ids: [id], body: odd });
  const found = await sdk.call(`GET ${line.other.path}/{}`, { ids: [id] });
  for (const [name, value] of Object.entries(odd)) assert.deepEqual(found[name], value);
  own.assistant = id;

  // Who never heard of a deletion hears on the repeat that the object is gone (api 6.4).
  const gone = { ids: [(await sdk.call(`POST ${line.path}`, { body: { name: "Gone" } })).id], key: `lost-${sdk.line}-gone` };
  await assert.rejects(repeating(sdk, `DELETE ${line.path}/{}`, gone), errors.NotFoundError);
}

async function templates(sdk) {
  const tool = { description: "Checks a free slot", parameters: SCHEMA };
  await five(sdk, "/tool-templates", {
    create: sdk.line === 1
      ? { name: "check_slot", function_definition: { name: "check_slot", ...tool }, server_url: "https://example.com/slot", server_secret: "s", async: true }
      : { name: "check_slot", tool_type: "function", tool_config: { ...tool, url: "https://example.com/slot" } },
    change: { description: "For the desk" },
  });
  // Line 2 is told of a 503 to a POST and repeats nothing by itself.
  const body = { name: "Before", schema: SCHEMA, ...(sdk.line === 1 ? { system_prompt: "You read calls.", user_prompt: "{transcript}" } : {}) };
  await repeating(sdk, "POST /analysis-templates", { body }, (error) => error instanceof errors.ServerError && error.status === 503);
  await five(sdk, "/analysis-templates", { create: { ...body, name: "Appointment" }, change: { name: "Day", description: null } });
}

async function numbersAndTrunks(sdk, own) {
  const trunk = sdk.line === 1
    ? { name: "Line", host: "sip.example.com", port: 5060, username: "u", password: "p" }
    : { name: "Line", provider: "Twilio", address: "sip.example.com", transport: "tls", auth_username: "u", auth_password: "p" };
  const kept = await five(sdk, "/sip-trunks", { create: trunk });
  assert.ok(kept.outbound_address === kept.address && !("auth_password" in kept) && !("password" in kept));
  const workflow = await five(sdk, "/workflows", { create: { name: "Desk", definition: DEFINITION }, change: { is_active: false } });
  assert.deepEqual((await sdk.call("GET /workflows")).find((each) => each.id === workflow.id).node_count, DEFINITION.nodes.length);

  const assistant = sdk.line === 1 ? { agent_id: own.assistant } : { assistant_id: own.assistant };
  let next = 0;
  const number = await five(sdk, "/numbers", {
    create: () => ({ [sdk.line === 1 ? "number" : "phone_number"]: `+318500${sdk.line}00${next++}`, ...assistant, workflow_id: workflow.id }),
    change: { name: "Main line", transfer_trunk_id: kept.id },
  });
  assert.deepEqual([number.agent_id, number.assistant_id, number.transfer_trunk_name], [own.assistant, own.assistant, "Line"]);
  const inUse = await refuses(sdk, errors.ConflictError, "DELETE /workflows/{}", { ids: [workflow.id] });
  assert.match(inUse.message, /^1 phone number/);
  assert.equal(inUse.type, "in_use");
  const before = await sdk.call("PATCH /numbers/{}", { ids: [number.id], body: {} });
  const after = await sdk.call("PATCH /numbers/{}", { ids: [number.id], body: { workflow_id: null } });
  same({ ...before, workflow_id: null, workflow_name: null }, after);
  assert.deepEqual(await sdk.call("DELETE /workflows/{}", { ids: [workflow.id] }), { success: true });
  own.number = number.id;
}

async function calls(sdk, own) {
  const found = await sdk.listAll("GET /calls", "calls");
  assert.equal(found.length, own.calls);
  assert.equal((await sdk.call("GET /calls", { query: { limit: 5, status: "no-such", is_new: true } })).calls.length, 0);
  const logs = await sdk.listAll("GET /usage", "logs");
  const { summary, pagination } = await sdk.call("GET /usage", { query: { limit: 5 } });
  assert.deepEqual([summary.total_calls, pagination.total], [logs.length, logs.length]);
  assert.equal(summary.total_duration_seconds, logs.reduce((sum, each) => sum + each.duration_sec, 0));

  const call = await sdk.call("GET /calls/{}", { ids: [own.plus], raw: true });
  assert.deepEqual(await sdk.call("GET /calls/{}", { ids: [own.plus] }), call);
  assert.deepEqual(await sdk.call("GET /calls/{}", { ids: [call.id] }), call);
  assert.ok(call.agent_phone === call.assistant_phone && Array.isArray(call.messages));

  // The answer to the first of each command is lost: the repeat within 10 s is the same command.
  const commands = [
    { type: "inject-context", content: "The next slot is at ten.", trigger_response: true }, { type: "say", content: "One moment." },
    { type: "transfer", destination: "+31201234567", message: "One moment." }, { type: "end-call", message: "Goodbye." },
  ];
  for (const body of commands) await repeating(sdk, "POST /calls/{}/control", { ids: [own.running], body });
  const over = await refuses(sdk, errors.ValidationError, "POST /calls/{}/control", { ids: [call.id], body: commands[0] });
  assert.equal(over.type, "call_not_active");
  return commands.length;
}

/** Three ways to name the assistant, each rung once though its first answer is lost; returns how often which phone must ring. */
async function outbound(sdk, own) {
  const [saved, single] = sdk.line === 1 ? ["agent_id", "agent"] : ["assistant_id", "assistant"];
  const rings = {}, ids = new Set();
  const ways = [
    { [saved]: own.saved }, { [saved]: own.saved, assistant_override: { metadata: { crm_id: "77" }, llm_config: { temperature: 0.2 } }, first_message: "Hello." },
    { [single]: ONE_TIME }, { [single]: ONE_TIME, reference: `order-${sdk.line}` },
  ];
  for (const [count, way] of ways.entries()) {
    const body = { destination: `+4477009${sdk.line}010${count}`, number_id: own.number, ...way };
    const first = await repeating(sdk, "POST /calls/outbound", { body });
    const again = await sdk.call("POST /calls/outbound", { body });
    assert.deepEqual([again, first.success, first.status], [first, true, "dialing"]);
    rings[body.destination] = 1;
    ids.add(first.call_id);
  }
  // A key of one's own: the same key is the same call, another key is meant as another call.
  const body = { destination: `+4477009${sdk.line}0110`, number_id: own.number, [saved]: own.saved };
  const keyed = (key) => repeating(sdk, "POST /calls/outbound", { body, key });
  const [first, second] = [await keyed(`lost-${sdk.line}-a`), await keyed(`lost-${sdk.line}-b`)];
  assert.deepEqual(await sdk.call("POST /calls/outbound", { body, key: `lost-${sdk.line}-a` }), first);
  assert.notEqual(first.call_id, second.call_id);
  rings[body.destination] = 2;
  for (const id of ids) assert.equal((await sdk.call("GET /calls/{}", { ids: [id] })).direction, "outbound");
  assert.equal((await refuses(sdk, errors.ConflictError, "POST /calls/outbound", { body: { ...body, reference: `order-${sdk.line}` } })).type, "duplicate_reference");

  const talk = { [saved]: own.saved };
  const web = await repeating(sdk, "POST /v1/web-calls", { body: talk, key: `lost-${sdk.line}-web` });
  assert.ok(new URL(web.server_url) && web.token.length > 0); // a room, or the typed talk of the sandbox
  assert.notEqual((await sdk.call("POST /v1/web-calls", { body: talk })).call_id, web.call_id);
  const poor = sdk.with({ apiKey: own.poor });
  const broke = await refuses(poor, errors.InsufficientCreditsError, "POST /v1/web-calls", { body: { [single]: ONE_TIME } });
  assert.deepEqual([broke.type, broke.body.balance], ["insufficient_credits", 0]);
  return rings;
}

async function providerKeys(sdk, own) {
  const slot = (keys, name) => keys[`${name}_secret_id`];
  assert.equal(Object.keys(await sdk.call("GET /byok")).length, 10);
  assert.ok(slot(await repeating(sdk, "POST /byok", { body: { provider: "openai", api_key: "sk-canary" }, key: `lost-${sdk.line}-byok` }), "openai"));
  assert.ok(slot(await sdk.call("POST /byok", { body: { provider: "resend", api_key: own.resend_key } }), "resend"));
  const config = await sdk.call("POST /byok/config", { body: { provider: "openai", config: { model: "gpt-5.4" } } });
  assert.deepEqual((await sdk.call("GET /byok/config")).byok_config, config);
  assert.equal(slot(await sdk.call("DELETE /byok", { body: { provider: "openai" } }), "openai"), null);
  assert.equal(slot(await sdk.call("DELETE /byok", { body: { provider: "openai" } }), "openai"), null);
  assert.ok(slot(await sdk.call("GET /byok"), "resend"));
}

async function domains(sdk, own) {
  const older = sdk.line === 1;
  const name = `mail${sdk.line}.example.org`;
  const nameOf = (found) => (older ? found.domain : found.domain_name);
  if (older) await refuses(sdk, errors.NotFoundError, "GET /domains");
  else assert.equal(await sdk.call("GET /domains"), null);
  const made = await repeating(sdk, "POST /domains", { body: { [older ? "domain" : "domain_name"]: name }, key: `lost-${sdk.line}-domain` });
  assert.equal(nameOf(made), name);
  await refuses(sdk, errors.ConflictError, "POST /domains", { body: { domain_name: `other-${name}` } });
  same(await sdk.call("GET /domains"), made);
  assert.equal((await sdk.call("POST /domains/verify")).verified, false);
  assert.equal(nameOf(await sdk.call("POST /domains/refresh")), name);
  const remote = await sdk.call("GET /domains/sync");
  const rows = older ? remote : remote.domains;
  assert.deepEqual(new Set(rows.map((each) => each.name)), new Set([name, own.remote_name]));
  if (!older) assert.equal(remote.selected_domain_id, made.resend_domain_id);
  const chosen = rows.find((each) => each.name === own.remote_name).id;
  const synced = await sdk.call("POST /domains/sync", { body: { [older ? "domain_id" : "resendDomainId"]: chosen } });
  assert.deepEqual([synced.domain_name, synced.resend_domain_id, synced.status], [own.remote_name, chosen, "verified"]);
  assert.deepEqual(await sdk.call("DELETE /domains"), { success: true });
  await refuses(sdk, errors.NotFoundError, "DELETE /domains");
}

async function organizations(sdk) {
  const own = await sdk.call("GET /organizations");
  assert.equal(own.credits_balance, own.minutes_balance);
  assert.equal((await sdk.call("GET /account")).id, own.id);
  const child = await repeating(sdk, "POST /organizations", { body: { name: `Child ${sdk.line}`, parent_org_id: own.id }, key: `lost-${sdk.line}-child` });
  const { children } = await sdk.call("GET /organizations", { query: { include_children: true } });
  assert.deepEqual(children.map((each) => each.id), [child.id]);
  assert.equal((await sdk.with({ apiKey: child.api_key }).call("GET /organizations")).parent_org_id, own.id);
  const retention = { content_retention_days: 90, metadata_retention_days: 365 };
  assert.deepEqual(await sdk.call("PATCH /organizations", { body: retention }), retention);
}

async function campaigns(sdk, own) {
  const assistant = { [sdk.line === 1 ? "agent_id" : "assistant_id"]: own.saved };
  const create = { name: "Spring recall", ...assistant, schedule_start_time: "09:00", timezone: "Europe/Amsterdam", leads: leads(250) };
  const campaign = await five(sdk, "/campaigns", { create, change: { name: "Autumn recall", schedule_end_time: "16:30" } });
  assert.deepEqual([campaign.schedule_start_time, campaign.schedule_end_time, campaign.total_leads], ["09:00:00", "16:30:00", 250]);
  const ids = [campaign.id];
  const first = await sdk.listAll("GET /campaigns/{}/leads", "leads", { ids });
  assert.deepEqual(first.map((each) => each.phone_number), create.leads.map((each) => each.phone_number));
  const lead = await repeating(sdk, "POST /campaigns/{}/leads", { ids, body: { phone_number: "+31600009999", name: "Sam" }, key: `lost-${sdk.line}-lead` });
  assert.equal(lead.variables.name, "Sam");
  const whole = await sdk.call("GET /campaigns/{}/leads", { ids });
  assert.deepEqual(whole.leads.map((each) => each.id), [...first.map((each) => each.id), lead.id]);
  assert.deepEqual(await sdk.call("DELETE /campaigns/{}/leads/{}", { ids: [campaign.id, lead.id] }), { success: true });
  await refuses(sdk, errors.NotFoundError, "DELETE /campaigns/{}/leads/{}", { ids: [campaign.id, lead.id] });
}

async function chats(sdk, own) {
  const query = { contact_id: own.contact };
  const before = await sdk.listAll("GET /chats", "messages", { query });
  assert.equal(before.length, own.chats);
  const body = { contact_id: own.contact, channel: "whatsapp", role: "user", content: "Can I reschedule?", agent_id: own.saved, metadata: { ticket: 77 } };
  const message = await repeating(sdk, "POST /chats", { body, key: `lost-${sdk.line}-chat` });
  assert.deepEqual((await sdk.call("GET /chats", { query })).messages[0], message);
  assert.equal((await sdk.call("GET /chats", { query })).pagination.total, own.chats + 1);
  const context = await sdk.call("GET /chats/context", { query: { ...query, agent_id: own.saved } });
  assert.deepEqual([context.formatted, context.messages.length], ["USER: Can I reschedule?", 1]);
  assert.equal(await sdk.call("DELETE /chats/{}", { ids: [message.id] }), undefined);
  await refuses(sdk, errors.NotFoundError, "DELETE /chats/{}", { ids: [message.id] });
}

async function mcpServers(sdk, own) {
  let next = 0;
  const server = await five(sdk, "/mcp-servers", {
    create: () => ({ name: `Booking ${next++}`, url: own.mcp_url, headers: { "X-Team": "desk" } }), change: { timeout_seconds: 5, headers: {} },
  });
  assert.deepEqual([server.header_names, server.transport, "headers" in server], [[], "streamable_http", false]);
  for (const body of [undefined, {}, { headers: { "X-Team": "desk" } }]) {
    const tested = await sdk.call("POST /mcp-servers/{}/test", { ids: [server.id], body });
    assert.deepEqual([tested.ok, tested.tools.map((each) => each.name).sort()], [true, ["book", "find_slot"]]);
  }
}

async function refusals(sdk, own) {
  const path = assistants(sdk).path;
  const missing = await refuses(sdk, errors.ValidationError, `POST ${path}`, { body: {} });
  const text = "name: this field is required";
  assert.deepEqual([missing.message, missing.param, missing.type, missing.details], ["Validation failed", "name", "missing_field", [text]]);
  assert.equal(missing.body.message, text);
  assert.deepEqual((await refuses(sdk, errors.ValidationError, `POST ${path}`, { body: {} })).details, [text]);
  assert.equal(sdk.attempts, 1, "a refusal is not repeated");
  assert.equal((await refuses(sdk, errors.NotFoundError, `GET ${path}/{}`, { ids: ["no-id"] })).type, "not_found");
  const stranger = sdk.with({ apiKey: `fl_live_${"a".repeat(40)}` }), reader = sdk.with({ apiKey: own.reader });
  assert.equal((await refuses(stranger, errors.AuthenticationError, `GET ${path}`)).type, "unauthorized");
  assert.equal((await refuses(reader, errors.PermissionError, `POST ${path}`, { body: { name: "x" } })).type, "forbidden");
  const hasty = sdk.with({ apiKey: own.spent, maxRetries: 0 });
  // Three of one a minute: two of them share a minute, wherever it turns.
  const met = [];
  for (let count = 0; count < 3; count += 1) met.push(await hasty.call("GET /byok/config").catch((error) => error));
  const limited = met.find((each) => each instanceof errors.RateLimitError);
  assert.deepEqual([limited.type, limited.body.retry_after], ["rate_limit_exceeded", limited.retryAfter]);
  // A time-out is repeated by both lines, a fault that stays is told after two repeats.
  assert.ok((await sdk.call("GET /voices", { timeout: 2000 })).length > 0);
  assert.equal((await sdk.call("GET /health")).checks.database.status, "ok");
  await assert.rejects(sdk.send("GET", "/out-of-order"), (error) => error instanceof errors.ServerError && sdk.attempts === 3);
}

async function walk(line, own) {
  const sdk = new Sdk({ line, baseUrl: process.env.BASE_URL, apiKey: own.key });
  const commands = await calls(sdk, own);
  await refusals(sdk, own);
  await assistantsAndAgents(sdk, own);
  own.saved = (await sdk.call("POST /assistants", { body: { ...ASSISTANT, name: "Saved" } })).id;
  await templates(sdk);
  await numbersAndTrunks(sdk, own);
  const rings = await outbound(sdk, own);
  await providerKeys(sdk, own);
  await domains(sdk, own);
  await organizations(sdk);
  await campaigns(sdk, own);
  await chats(sdk, own);
  await mcpServers(sdk, own);
  return {
    operations: [...sdk.covered], rows: [...sdk.covered].map((name) => sdk.rows.get(name).row), commands, rings, ...sdk.counts,
  };
}

const lines = JSON.parse(process.env.LINES);
const done = await Promise.all(Object.entries(lines).map(async ([line, own]) => {
  try {
    return [line, await walk(Number(line), own)];
  } catch (error) {
    console.error(`line ${line} of the SDK:`);
    throw error;
  }
}));
console.log(JSON.stringify(Object.fromEntries(done)));
