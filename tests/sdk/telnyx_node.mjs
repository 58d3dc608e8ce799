// Telnyx' official Node SDK, unmodified, against the emulator.
//
// Usage: node telnyx_node.mjs ADDRESS, with the address of a fresh `offhook carrier --speed 20`.

import assert from "node:assert/strict";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

// From the folder that the packages were installed in, which is not this file's.
const { default: Telnyx } = createRequire(path.join(process.cwd(), "package.json"))("telnyx");

const EMULATOR = process.argv[2].replace(/\/$/, "");
const KEY = "KEYemulator";
const CONNECTION = "1";
const FROM = "+15550100100";
const SILENT = "+15550100009";
const SAYS_YES = "+15550100001";
const BUSY = "+15550100002";
const FAILS = "+15550100004";
const NOBODY = "v3:nobody";
const VOICE = "AWS.Polly.Joanna-Neural";

const publicKey = await (await fetch(`${EMULATOR}/emulator/telnyx-public-key`)).text();

// The SDK's own hook: its base URL. The paths below it are the SDK's.
const baseURL = `${EMULATOR}/v2`;
const client = new Telnyx({ apiKey: KEY, baseURL, publicKey, maxRetries: 0 });
const { actions } = client.calls;

const hooks = [];
const faulty = [];

const receiver = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const { headers } = request;
  try {
    // Throws unless the signature is the carrier's.
    const { data, meta } = await client.webhooks.unwrap(body, { headers });
    hooks.push({ headers, body, data, meta, type: data.event_type, payload: data.payload });
  } catch (error) {
    faulty.push(`${error}: ${body}`);
  }
  response.end();
});
await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
const HERE = `http://127.0.0.1:${receiver.address().port}`;

/** Waits for the fact itself. */
async function until(what, find, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await find();
    if (found) return found;
    assert.ok(Date.now() < deadline, `not within ${seconds} s: ${what}`);
    await new Promise((later) => setTimeout(later, 50));
  }
}

const events = (call, type) =>
  hooks.filter((hook) => hook.type === type && hook.payload.call_control_id === call);

const event = (call, type, count = 1) =>
  until(`${count} of ${type}`, () => events(call, type)[count - 1]);

async function refused(httpStatus, code, promise) {
  let given;
  try {
    given = await promise;
  } catch (error) {
    const told = error.error?.errors?.[0] ?? error.errors?.[0];
    assert.deepEqual([error.status, told?.code], [httpStatus, code], `the refusal: ${error}`);
    assert.ok(told.title && told.detail, "the refusal has no text");
    return error;
  }
  assert.fail(`not refused with ${code}: ${JSON.stringify(given)}`);
}

async function control(path, body) {
  const headers = { "Content-Type": "application/json" };
  const request = body && { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(`${EMULATOR}/emulator/${path}`, request);
  assert.ok(answer.ok, `control ${path}: ${answer.status}`);
  return answer.json();
}

const state = (text) => Buffer.from(text).toString("base64");

async function dial(to = SILENT, more = {}) {
  const webhook_url = `${HERE}/events`;
  const { data } = await client.calls.dial({ connection_id: CONNECTION, from: FROM, to, webhook_url, ...more });
  return data;
}

async function connected(to, more) {
  const call = (await dial(to, more)).call_control_id;
  await event(call, "call.answered");
  return call;
}

async function called() {
  const webhook_url = `${HERE}/events`;
  const body = { provider: "telnyx", from: SILENT, to: FROM, party: "silent", webhook_url };
  const call = (await control("calls", body)).id;
  await event(call, "call.initiated");
  return call;
}

async function active(query) {
  const calls = [];
  for await (const call of client.connections.listActiveCalls(CONNECTION, query)) {
    calls.push(call.call_control_id);
  }
  return calls;
}

const tests = {
  async "a call is dialled, spoken to, heard and hung up"() {
    const dialled = await dial(SILENT, {
      client_state: state("our call"),
      command_id: "dial-1",
      timeout_secs: 30,
      time_limit_secs: 3600,
    });
    assert.deepEqual([dialled.is_alive, dialled.record_type], [false, "call"]);
    const call = dialled.call_control_id;
    assert.equal((await dial(SILENT, { command_id: "dial-1" })).call_control_id, call);

    const initiated = (await event(call, "call.initiated")).payload;
    assert.deepEqual([initiated.direction, initiated.state], ["outgoing", "bridging"]);
    assert.deepEqual([initiated.from, initiated.to], [FROM, SILENT]);
    assert.equal(initiated.client_state, state("our call"));
    await event(call, "call.answered");
    const { data: alive } = await client.calls.retrieveStatus(call);
    assert.equal(alive.is_alive, true);
    assert.equal(alive.end_time, undefined);
    assert.ok((await active()).includes(call), "a live call is not listed");

    const words = "größe 5 + 1 & mehr = 100%";
    const speak = { payload: words, voice: VOICE, language: "de-DE", command_id: "speak-1" };
    assert.equal((await actions.speak(call, speak)).data.result, "ok");
    await actions.speak(call, speak);
    await event(call, "call.speak.started");
    assert.equal((await event(call, "call.speak.ended")).payload.status, "completed");
    const { heard } = await control(`calls/${call}`);
    assert.deepEqual(heard.map(({ text, complete }) => [text, complete]), [[words, true]]);

    const config = { transcription_engine: "Google", language: "de", interim_results: true };
    const listen = { transcription_engine: "Google", transcription_engine_config: config };
    await actions.startTranscription(call, listen);
    await refused(422, "90054", actions.startTranscription(call, listen));
    assert.ok((await control(`calls/${call}/say`, { text: words })).noticed, "nobody listens");
    const final = (await event(call, "call.transcription", 2)).payload.transcription_data;
    assert.deepEqual([final.is_final, final.transcript], [true, words]);
    await actions.stopTranscription(call, {});

    await actions.sendDtmf(call, { digits: "1w2#" });
    assert.equal((await control(`calls/${call}`)).digits, "1w2#");

    await actions.hangup(call, { command_id: "hangup-1" });
    await actions.hangup(call, { command_id: "hangup-1" });
    const hangup = (await event(call, "call.hangup")).payload;
    assert.deepEqual([hangup.hangup_cause, hangup.hangup_source], ["normal_clearing", "caller"]);
    const error = await refused(422, "90018", actions.hangup(call, {}));
    assert.ok(error instanceof Telnyx.UnprocessableEntityError, `${error}`);
    const { data: over } = await client.calls.retrieveStatus(call);
    assert.ok(!over.is_alive && over.end_time, JSON.stringify(over));
    assert.ok(!(await active()).includes(call), "an ended call is listed");
  },

  async "an inbound call is answered or rejected"() {
    const call = await called();
    const initiated = (await event(call, "call.initiated")).payload;
    assert.deepEqual([initiated.direction, initiated.state], ["incoming", "parked"]);
    await refused(422, "90034", actions.speak(call, { payload: "Hello", voice: VOICE }));
    await actions.answer(call, { client_state: state("answered") });
    assert.equal((await event(call, "call.answered")).payload.client_state, state("answered"));
    await control(`calls/${call}/hangup`, {});
    assert.equal((await event(call, "call.hangup")).payload.hangup_source, "caller");

    const rejected = await called();
    await actions.reject(rejected, { cause: "USER_BUSY" });
    assert.equal((await event(rejected, "call.hangup")).payload.hangup_cause, "user_busy");
  },

  async "speech is stopped, keys are gathered, a person answers"() {
    const call = await connected(SAYS_YES, { transcription: true });
    await actions.speak(call, { payload: "Nobody hears this to its end. ".repeat(50), voice: VOICE });
    await event(call, "call.speak.started");
    await actions.stopPlayback(call, { stop: "all" });
    assert.notEqual((await event(call, "call.speak.ended")).payload.status, "completed");
    const answer = (await event(call, "call.transcription")).payload.transcription_data;
    assert.deepEqual([answer.transcript, answer.is_final], ["yes", true]);

    await actions.gather(call, { maximum_digits: 4, terminating_digit: "#" });
    await control(`calls/${call}/dtmf`, { digits: "12#" });
    const gathered = (await event(call, "call.gather.ended")).payload;
    assert.deepEqual([gathered.digits, gathered.status], ["12", "valid"]);
    await actions.gatherUsingSpeak(call, { payload: "Press one", voice: VOICE, maximum_digits: 1 });
    await actions.stopGather(call, {});
    assert.equal((await event(call, "call.gather.ended", 2)).payload.status, "cancelled");
    await actions.hangup(call, {});
  },

  async "active calls are listed over pages"() {
    const calls = [];
    for (let count = 0; count < 5; count += 1) calls.push(await connected());
    const listed = await active({ "page[size]": 2, page_size: 2 });
    assert.ok(calls.every((call) => listed.includes(call)), "the pages left a call out");
    assert.equal(new Set(listed).size, listed.length, "a call is listed twice");
    for (const call of calls) await actions.hangup(call, {});
    await until("all are over", async () => !(await active()).some((call) => calls.includes(call)));
  },

  async "endings are told apart"() {
    for (const [to, cause, sip] of [[BUSY, "user_busy", "486"], [FAILS, "not_found", "404"]]) {
      const ended = (await event((await dial(to)).call_control_id, "call.hangup")).payload;
      assert.deepEqual([ended.hangup_cause, ended.sip_hangup_cause], [cause, sip]);
    }
  },

  async "refusals have Telnyx' shape"() {
    const wrong = new Telnyx({ apiKey: "KEYwrong", baseURL, maxRetries: 0 });
    const error = await refused(401, "10009", wrong.calls.retrieveStatus(NOBODY));
    assert.ok(error instanceof Telnyx.AuthenticationError, `${error}`);
    const missing = await refused(404, "10005", client.calls.retrieveStatus(NOBODY));
    assert.ok(missing instanceof Telnyx.NotFoundError, `${missing}`);
    await refused(404, "10005", actions.hangup(NOBODY, {}));
    await refused(422, "90015", actions.hangup("nonsense", {}));
    await refused(422, "10015", dial(SILENT, { connection_id: "2" }));
    await refused(422, "10016", dial("5550100009"));
    await refused(422, "90017", dial(SILENT, { client_state: "not base64!" }));
    const call = await connected();
    await refused(422, "90013", actions.speak(call, { payload: "Hi", voice: VOICE, language: "en" }));
    await refused(422, "10032", actions.speak(call, { payload: "Hi", voice: "alice" }));
    await refused(422, "90102", actions.answer(call, {}));
    await actions.hangup(call, {});
  },

  async "a refusal for the rate is retried by the SDK"() {
    const match = "GET /v2/connections";
    await control("faults", { provider: "telnyx", match, http_status: 429, count: 2 });
    const patient = new Telnyx({ apiKey: KEY, baseURL });
    await patient.connections.listActiveCalls(CONNECTION);
    assert.deepEqual((await control("faults")).faults, []);
  },

  async "what is delivered again is signed anew"() {
    const fault = { provider: "telnyx", on: "webhook", match: "/again", http_status: 503 };
    await control("faults", fault);
    const call = (await dial(SILENT, { webhook_url: `${HERE}/again` })).call_control_id;
    const second = await event(call, "call.initiated", 2);
    const first = await event(call, "call.initiated");
    assert.equal(second.data.id, first.data.id);
    assert.deepEqual([first.meta.attempt, second.meta.attempt], [1, 2]);
    const signature = "telnyx-signature-ed25519";
    assert.notEqual(second.headers[signature], first.headers[signature]);
    await actions.hangup(call, {});
  },

  async "webhooks that are not genuine do not pass"() {
    const call = (await dial()).call_control_id;
    const { body, headers } = await event(call, "call.initiated");
    const passes = (changed) =>
      client.webhooks
        .unwrap(changed.body ?? body, { headers: changed.headers ?? headers, key: changed.key ?? publicKey })
        .then(() => true, () => false);
    assert.ok(await passes({}), "a genuine webhook does not pass");
    assert.ok(!(await passes({ body: body.replace(FROM, SILENT) })), "a changed body passes");
    const later = { ...headers, "telnyx-timestamp": String(Number(headers["telnyx-timestamp"]) + 1) };
    assert.ok(!(await passes({ headers: later })), "another timestamp passes");
    const other = Buffer.from(publicKey, "base64");
    other[0] ^= 1;
    assert.ok(!(await passes({ key: other.toString("base64") })), "another key passes");
    await actions.hangup(call, {});
  },

  async "every webhook passed the SDK's verification"() {
    assert.deepEqual(faulty, []);
    assert.ok(hooks.length > 30, `only ${hooks.length} webhooks came`);
  },
};

let [passed, failed] = [0, 0];
for (const [name, test] of Object.entries(tests)) {
  const began = Date.now();
  try {
    await test();
    passed += 1;
    console.log(`ok     ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    // Each test is told, whatever it broke on.
    failed += 1;
    console.log(`FAILED ${name}: ${error.message}`);
    console.error(error.stack);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
