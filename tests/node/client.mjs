// Both lines of the official SDK, as api 1, 3, 5, 6 and 7 describe them: what they send, what they unwrap, what they repeat.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

// Row, method, path, status, the key that is unwrapped (`*`: none), the keys beside it: exactly these, or `>` at least these.
const BOTH = `
1  GET    /assistants                  200 assistants
2  POST   /assistants                  201 assistant
3  GET    /assistants/{}               200 assistant
4  PATCH  /assistants/{}               200 assistant
5  DELETE /assistants/{}               200 * success
6  GET    /agents                      200 agents assistants
7  POST   /agents                      201 agent assistant
8  GET    /agents/{}                   200 agent assistant
9  PATCH  /agents/{}                   200 agent assistant
10 DELETE /agents/{}                   200 * success
11 GET    /tool-templates              200 tool_templates
12 POST   /tool-templates              201 tool_template
13 GET    /tool-templates/{}           200 tool_template
14 PATCH  /tool-templates/{}           200 tool_template
15 DELETE /tool-templates/{}           200 * success
16 GET    /numbers                     200 numbers
17 POST   /numbers                     201 number
18 GET    /numbers/{}                  200 number
19 PATCH  /numbers/{}                  200 number
20 DELETE /numbers/{}                  200 * success
21 GET    /calls                       200 * calls,pagination
22 GET    /calls/{}                    200 * >id,status,direction,caller_phone,agent_phone,assistant_phone,agent_id,assistant_id,messages,created_at
23 POST   /calls/outbound              200 * success,call_id,status,room_name
24 POST   /calls/{}/control            200 * success,message
25 GET    /usage                       200 * logs,pagination,summary
26 GET    /sip-trunks                  200 trunks
27 POST   /sip-trunks                  201 trunk
28 GET    /sip-trunks/{}               200 trunk
29 DELETE /sip-trunks/{}               200 * success
30 GET    /voices                      200 voices
31 GET    /byok                        200 byok_keys
32 POST   /byok                        200 byok_keys success
33 DELETE /byok                        200 byok_keys success
34 GET    /byok/config                 200 * providers,byok_config
35 POST   /byok/config                 200 byok_config
36 GET    /domains                     200 domain id,org_id,domain_name,status,verified,created_at
37 POST   /domains                     201 domain id,org_id,domain_name,status,verified,created_at
38 DELETE /domains                     200 * success
39 GET    /domains/sync                200 * domains,selected_domain_id
40 POST   /domains/sync                200 domain message,success
41 POST   /domains/verify              200 * domain,verified
42 POST   /domains/refresh             200 domain id,org_id,domain_name,status,verified,created_at
43 GET    /analysis-templates          200 analysis_templates data,total,limit,offset
44 POST   /analysis-templates          201 analysis_template
45 GET    /analysis-templates/{}       200 analysis_template
46 PATCH  /analysis-templates/{}       200 analysis_template
47 DELETE /analysis-templates/{}       200 * success
48 GET    /organizations               200 * >id,name,minutes_balance,credits_balance,parent_org_id
49 POST   /organizations               201 * id,name,parent_org_id,api_key,created_at
50 PATCH  /organizations               200 * content_retention_days,metadata_retention_days
51 GET    /account                     200 * >id,name,company_name,email,plan,created_at
52 GET    /campaigns                   200 campaigns
53 POST   /campaigns                   201 campaign
54 GET    /campaigns/{}                200 campaign
55 PATCH  /campaigns/{}                200 campaign
56 DELETE /campaigns/{}                200 * success
57 GET    /campaigns/{}/leads          200 * leads,pagination
58 POST   /campaigns/{}/leads          201 lead
59 DELETE /campaigns/{}/leads/{}       200 * success
60 GET    /health                      200 * status,timestamp,version,checks
61 POST   /chats                       201 * id,agent_id,contact_id,channel,role,content,metadata,created_at
62 GET    /chats                       200 * messages,pagination
63 DELETE /chats/{}                    204 *
64 GET    /chats/context               200 * contact_id,agent_id,messages,formatted
65 GET    /workflows                   200 workflows
66 POST   /workflows                   201 workflow
67 GET    /workflows/{}                200 workflow
68 PATCH  /workflows/{}                200 workflow
69 DELETE /workflows/{}                200 * success
70 GET    /mcp-servers                 200 mcp_servers
71 POST   /mcp-servers                 201 mcp_server
72 GET    /mcp-servers/{}              200 mcp_server
73 PATCH  /mcp-servers/{}              200 mcp_server
74 DELETE /mcp-servers/{}              200 * success
75 POST   /mcp-servers/{}/test         200 * ok,duration_ms,tools
W1 POST   /v1/web-calls                200 * token,server_url,call_id,room_name,expires_at`;

// Line 1 where it reads otherwise: flat domain objects with the name as `domain`, a bare array, templates from `data`.
const FLAT = ">id,org_id,domain,domain_name,status,verified,created_at";
const OLDER = `
36 GET    /domains                     200 * ${FLAT}
37 POST   /domains                     201 * ${FLAT}
39 GET    /domains/sync                200 []
42 POST   /domains/refresh             200 * ${FLAT}
43 GET    /analysis-templates          200 data analysis_templates,total,limit,offset`;

const DEPRECATED = /^\/(agents|account|chats)\b/;
const AGENTS = { 1: "hmsovereign-node/1.4.2", 2: "hmsovereign-node/2.1.0" };
const PAGE = 100;
const BACKOFF = 50; // milliseconds; where the server names no seconds the real pause only costs time here
const LIMITS = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

export class ApiError extends Error {
  constructor(status, body, retryAfter) {
    super(body.error);
    Object.assign(this, { status, body, retryAfter, type: body.type, param: body.param, details: body.details });
  }
}
export class ValidationError extends ApiError {}
export class AuthenticationError extends ApiError {}
export class InsufficientCreditsError extends ApiError {}
export class PermissionError extends ApiError {}
export class NotFoundError extends ApiError {}
export class ConflictError extends ApiError {}
export class RateLimitError extends ApiError {}
export class ServerError extends ApiError {}
const CLASSES = {
  400: ValidationError, 401: AuthenticationError, 402: InsufficientCreditsError, 403: PermissionError, 404: NotFoundError,
  409: ConflictError, 429: RateLimitError,
};

/** No answer that can be read. `kind`: `timeout`, `network` or `unreadable`. */
export class LostError extends Error {
  constructor(kind, cause) {
    super(`${kind}: ${cause?.cause?.code ?? cause}`, { cause });
    this.kind = kind;
  }
}

function table(text) {
  return text.trim().split("\n").map((line) => {
    const [row, method, path, status, unwrap, beside = ""] = line.trim().split(/\s+/);
    const keys = beside.replace(">", "").split(",").filter(Boolean);
    return [`${method} ${path}`, { row, method, path, status: Number(status), unwrap, keys, open: beside.startsWith(">") }];
  });
}

/** The flat body of api 3 as an error; a nested one would reach people as "[object Object]". */
function failure(status, text, headers) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = { error: `HTTP ${status}` };
  }
  assert.equal(typeof body.error, "string", `nested error: ${text}`);
  for (const name of ["type", "param", "message"]) assert.ok(["string", "undefined"].includes(typeof body[name]), text);
  if (body.details !== undefined) assert.ok(body.details.every((each) => typeof each === "string"), text);
  let seconds;
  if (status === 429) {
    assert.match(headers.get("retry-after") ?? "", /^\d+$/, "Retry-After is whole seconds");
    seconds = Number(headers.get("retry-after"));
  }
  return new (status >= 500 ? ServerError : CLASSES[status] ?? ApiError)(status, body, seconds);
}

export class Sdk {
  /** `line` is 1 or 2. `covered`, `counts` and `attempts` (of the last request) are what happened. */
  constructor({ line, baseUrl, apiKey, timeout = 30_000, maxRetries = 2, counts = { retries: 0, repeats: 0, pages: 0 } }) {
    Object.assign(this, { line, apiKey, timeout, maxRetries, counts, attempts: 0, covered: new Set() });
    this.baseUrl = baseUrl.replace(/\/$/, "");
    this.rows = new Map([...table(BOTH), ...(line === 1 ? table(OLDER) : [])]);
  }

  /** The same with another key or patience; it counts into the same counts. */
  with(options) {
    return new Sdk({ line: this.line, baseUrl: this.baseUrl, apiKey: this.apiKey, counts: this.counts, ...options });
  }

  /** One operation by its name in the table, unwrapped. `ids` fill the path; `raw` leaves a `+` in them as it is. */
  async call(name, { ids = [], query, body, key, timeout, raw = false } = {}) {
    const row = this.rows.get(name);
    let next = 0;
    const path = row.path.replace(/\{\}/g, () => (raw ? encodeURI : encodeURIComponent)(ids[next++]));
    const answer = await this.send(row.method, path, { query, body, key, timeout, isPublic: row.row === "60" });
    const found = this.unwrap(row, answer);
    this.covered.add(name);
    return found;
  }

  unwrap(row, { status, body, headers }) {
    assert.equal(status, row.status, `${row.method} ${row.path}`);
    for (const name of LIMITS) assert.match(headers.get(name) ?? "", /^\d+$/, `${row.path} ${name}`);
    assert.equal(headers.get("deprecation") === "true", DEPRECATED.test(row.path), `${row.path} Deprecation`);
    if (status === 204) return undefined;
    if (row.unwrap === "[]") {
      assert.ok(Array.isArray(body));
      return body;
    }
    const wanted = [...(row.unwrap === "*" ? [] : [row.unwrap]), ...row.keys].sort();
    const has = Object.keys(body).filter((each) => each !== "warnings").sort();
    assert.deepEqual(row.open ? has.filter((each) => wanted.includes(each)) : has, wanted, `${row.method} ${row.path}`);
    return row.unwrap === "*" ? body : body[row.unwrap];
  }

  /** All rows of a paged list, stepping by a fixed 100 until a page is short (api 5). */
  async listAll(name, key, options = {}) {
    const found = [];
    for (let offset = 0; ; offset += PAGE) {
      const page = await this.call(name, { ...options, query: { ...options.query, limit: PAGE, offset } });
      this.counts.pages += 1;
      found.push(...page[key]);
      assert.deepEqual([page.pagination.limit, page.pagination.offset], [PAGE, offset]);
      if (page[key].length < PAGE) {
        assert.equal(found.length, page.pagination.total, `${name}: rows and total`);
        assert.equal(new Set(found.map((each) => each.id)).size, found.length, `${name}: a row came twice`);
        return found;
      }
    }
  }

  async send(method, path, options = {}) {
    for (let attempt = 0; ; attempt += 1) {
      this.attempts = attempt + 1;
      try {
        return await this.once(method, path, options);
      } catch (error) {
        if (attempt >= this.maxRetries || !this.repeats(method, error)) throw error;
        this.counts.retries += 1;
        await sleep(error.retryAfter === undefined ? BACKOFF * 2 ** attempt : error.retryAfter * 1000);
      }
    }
  }

  /** Api 6: line 1 repeats every method; line 2 after 5xx and time-outs only those that are safe to repeat. */
  repeats(method, error) {
    if (error.status === 429) return true;
    if (this.line === 1) return error.status >= 500 || error instanceof LostError;
    return ["GET", "PUT", "DELETE"].includes(method) && (error.status >= 500 || error.kind === "timeout");
  }

  async once(method, path, { query, body, key, timeout = this.timeout, isPublic = false }) {
    const url = path.startsWith("/v1/") ? new URL(path, this.baseUrl) : new URL(this.baseUrl + path);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, String(value));
    // The content type goes with every request, bodies or not, as both lines send it (api 1).
    const headers = { "Content-Type": "application/json", "User-Agent": AGENTS[this.line] };
    if (!isPublic && this.apiKey) headers.Authorization = `Bearer ${this.apiKey}`;
    if (key) headers["Idempotency-Key"] = key;
    const signal = AbortSignal.timeout(timeout);
    let answer, text;
    try {
      answer = await fetch(url, { method, headers, signal, redirect: "error", body: body === undefined ? undefined : JSON.stringify(body) });
      text = await answer.text();
    } catch (error) {
      throw new LostError(signal.aborted ? "timeout" : "network", error);
    }
    if (!answer.ok) throw failure(answer.status, text, answer.headers);
    if (answer.status === 204) {
      assert.equal(text, "");
      return { status: 204, headers: answer.headers };
    }
    try {
      return { status: answer.status, headers: answer.headers, body: JSON.parse(text) };
    } catch (error) {
      throw new LostError("unreadable", error);
    }
  }
}
