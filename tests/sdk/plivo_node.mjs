// Plivo's official Node SDK, unmodified, against the emulator.
//
// Usage: node plivo_node.mjs ADDRESS, with the address of a fresh `offhook carrier --speed 20`.

import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";

// From the folder that the packages were installed in, which is not this file's.
const installed = createRequire(path.join(process.cwd(), "package.json"));
const plivo = installed("plivo");
// The very axios that the SDK sends with.
const axios = createRequire(installed.resolve("plivo"))("axios");

const EMULATOR = process.argv[2].replace(/\/$/, "");
const ACCOUNT = "MAEMULATOR0000000001";
const TOKEN = "emulator";
const FROM = "15550100100";
const SILENT = "15550100009";
const BUSY = "15550100002";
const FAILS = "15550100004";
const NOBODY = "00000000-0000-4000-a000-000000000000";

/**
 * The SDK sends all that is about calls to a host that is written in it, whatever `url` it was given.
 * Its connections come from the agent in axios' defaults: this one leads them to the emulator, in
 * plain HTTP. Host and path are the SDK's.
 */
class ToEmulator extends https.Agent {
  createConnection(options) {
    assert.equal(options.host, "api.plivo.com", `the SDK asks ${options.host}`);
    const { hostname, port } = new URL(EMULATOR);
    return net.connect({ host: hostname, port });
  }
}
axios.defaults.httpsAgent = new ToEmulator();

const client = new plivo.Client(ACCOUNT, TOKEN);

const hooks = [];
const documents = new Map();

const receiver = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = `http://${request.headers.host}${request.url}`;
  const params = (text) => Object.fromEntries(new URLSearchParams(text));
  const form = params(Buffer.concat(chunks).toString());
  const { method, headers } = request;
  hooks.push({ method, url, path: request.url.split("?")[0], headers, form, all: { ...params(new URL(url).search), ...form } });
  response.writeHead(200, { "Content-Type": "text/xml" });
  response.end(documents.get(request.url.split("?")[0]));
});
await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
const HERE = `http://127.0.0.1:${receiver.address().port}`;

function isValid(hook, { url = hook.url, form = hook.form, token = TOKEN, header = "x-plivo-signature-v3" } = {}) {
  const nonce = hook.headers["x-plivo-signature-v3-nonce"];
  return plivo.validateV3Signature(hook.method, url, nonce, token, hook.headers[header], { ...form });
}

function assertSigned(hook) {
  for (const header of ["x-plivo-signature-v3", "x-plivo-signature-ma-v3"]) {
    assert.ok(isValid(hook, { header }), `the SDK does not take ${header} of ${hook.url} ${JSON.stringify(hook.form)}`);
  }
  const { headers } = hook;
  const older = plivo.validateSignature(hook.url, headers["x-plivo-signature-v2-nonce"], headers["x-plivo-signature-v2"], TOKEN);
  assert.ok(older, `the SDK does not take V2 of ${hook.url}`);
}

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

/** The webhooks about a call, or about a request. */
const hooksTo = (path, uuid) =>
  hooks.filter((hook) => hook.path === path && [hook.all.CallUUID, hook.all.RequestUUID].includes(uuid));

const hookTo = (path, uuid) => until(`a webhook to ${path}`, () => hooksTo(path, uuid)[0]);

async function refused(status, promise) {
  let given;
  try {
    given = await promise;
  } catch (error) {
    assert.equal(error.status, status, `the refusal: ${error}`);
    assert.ok(error.message && error.apiID, "the refusal has no text or no id");
    return;
  }
  assert.fail(`not refused with ${status}: ${JSON.stringify(given)}`);
}

/** The record of a call, which comes late. */
const record = (uuid) => until(`a record of ${uuid}`, () => client.calls.get(uuid).catch(() => null));

async function control(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${EMULATOR}/emulator/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `control ${path}: ${answer.status}`);
  return answer.json();
}

const truth = async (uuid) => (await fetch(`${EMULATOR}/emulator/calls/${uuid}`)).json();

function hold() {
  const document = plivo.Response();
  document.addWait({ length: 600 });
  return document.toXML();
}

const liveIds = async () => (await client.calls.listLiveCalls()).map((call) => call.callUuid);

const tests = {
  async "a call is placed, steered and ended"() {
    documents.set("/voice", hold());
    documents.set("/got", hold());
    const question = plivo.Response();
    const listening = question.addGetInput({
      action: `${HERE}/got?turn=1`,
      inputType: "speech",
      executionTimeout: 60,
      speechEndTimeout: 2,
    });
    listening.addSpeak("Wie groß?", { voice: "WOMAN", language: "de-DE" });
    documents.set("/question", question.toXML());

    const answer = await client.calls.create(FROM, SILENT, `${HERE}/voice?tenant=7&name=J%20R#rc=2`, {
      ringUrl: `${HERE}/ring`,
      ringMethod: "GET",
      hangupUrl: `${HERE}/hangup`,
      callerName: "Offhook",
      ringTimeout: 30,
      timeLimit: 3600,
    });
    const request = [answer.requestUuid].flat()[0];
    assert.equal(answer.message, "call fired");
    assert.ok(answer.apiId);

    const ring = await hookTo("/ring", request);
    const uuid = ring.all.CallUUID;
    assert.notEqual(uuid, request);
    const voice = await hookTo("/voice", uuid);
    assert.deepEqual([ring.method, ring.all.CallStatus], ["GET", "ringing"]);
    assert.deepEqual([voice.all.Event, voice.all.CallStatus], ["StartApp", "in-progress"]);
    assert.deepEqual([voice.all.From, voice.all.To, voice.all.name], [FROM, SILENT, "J R"]);
    assertSigned(ring);
    assertSigned(voice);

    assert.ok((await liveIds()).includes(uuid), "a live call is not listed");
    const live = await client.calls.getLiveCall(uuid);
    assert.deepEqual([live.callStatus, live.callUuid, live.requestUuid], ["in-progress", uuid, request]);
    assert.deepEqual([live.from, live.to, live.direction], [FROM, SILENT, "outbound"]);
    await refused(404, client.calls.getLiveCall(request));
    await refused(404, client.calls.get(uuid));

    const spoken = await client.calls.speakText(uuid, "You have mail", { voice: "MAN", language: "en-GB" });
    assert.equal(spoken.message, "speak started");
    assert.equal((await client.calls.sendDigits(uuid, "12#")).message, "digits sent");
    await until("it was heard", async () => (await truth(uuid)).heard.some((heard) => heard.complete));
    await client.calls.speakText(uuid, "A long story of old times".repeat(20));
    await client.calls.stopSpeakingText(uuid);
    assert.deepEqual((await truth(uuid)).heard.map((heard) => heard.complete), [true, false]);
    assert.equal((await truth(uuid)).digits, "12#");

    const transfer = { legs: "aleg", alegUrl: `${HERE}/question`, alegMethod: "GET" };
    assert.equal((await client.calls.transfer(uuid, transfer)).message, "call transferred");
    assert.equal((await hookTo("/question", uuid)).method, "GET");
    const text = "groesse 5 + 1 & mehr = 100%";
    await until("somebody listens", async () => (await control(`calls/${uuid}/say`, { text })).noticed);
    const got = await hookTo("/got", uuid);
    assert.deepEqual([got.all.InputType, got.all.Speech], ["speech", text]);
    assertSigned(got);

    await client.calls.hangup(uuid);
    await refused(404, client.calls.hangup(uuid));
    const hangup = await hookTo("/hangup", uuid);
    assertSigned(hangup);
    const { Event, CallStatus, HangupCauseCode, HangupSource } = hangup.all;
    assert.deepEqual([Event, CallStatus, HangupCauseCode, HangupSource], ["Hangup", "completed", "4000", "API Request"]);
    const ended = await record(uuid);
    assert.deepEqual([ended.hangupCauseCode, ended.callState], [4000, "ANSWER"]);
    assert.deepEqual([ended.fromNumber, ended.toNumber], [FROM, SILENT]);
    assert.equal(String(ended.callDuration), hangup.all.Duration);
    assert.ok(!(await liveIds()).includes(uuid), "an ended call is live");
  },

  async "a queued call is shown and cancelled"() {
    documents.set("/queued", hold());
    const requests = [];
    for (let count = 0; count < 3; count += 1) {
      const hangupUrl = `${HERE}/cancelled`;
      requests.push([(await client.calls.create(FROM, SILENT, `${HERE}/queued`, { hangupUrl })).requestUuid].flat()[0]);
    }
    const last = requests.pop();
    assert.equal((await client.calls.getQueuedCall(last)).callStatus, "queued");
    const queued = (await client.calls.listQueuedCalls()).map((call) => call.callUuid);
    assert.ok(queued.includes(last), "a queued call is not listed");
    await client.calls.cancel(last);
    await refused(404, client.calls.getQueuedCall(last));
    for (const request of requests) {
      await client.calls.hangup((await hookTo("/queued", request)).all.CallUUID);
      await hookTo("/cancelled", request);
    }
    assert.deepEqual(hooksTo("/cancelled", last), []);
  },

  async "endings are told apart and listed"() {
    for (const [to, status, code] of [[BUSY, "busy", 3010], [FAILS, "failed", 3050]]) {
      const answer = await client.calls.create(FROM, to, `${HERE}/voice`, { hangupUrl: `${HERE}/ended` });
      const hook = await hookTo("/ended", [answer.requestUuid].flat()[0]);
      assert.deepEqual([hook.all.CallStatus, hook.all.HangupCauseCode], [status, String(code)]);
      assertSigned(hook);
      const uuid = hook.all.CallUUID;
      assert.equal((await record(uuid)).hangupCauseCode, code);
      const listed = await client.calls.list({ toNumber: to, hangupCauseCode: code });
      assert.equal(listed[0].callUuid, uuid);
    }
    const page = await client.calls.list({ limit: 1 });
    assert.equal(page.length, 1);
    const rest = await client.calls.list({ limit: 20, offset: 1 });
    assert.equal(rest.length, page.meta.totalCount - 1);
  },

  async "refusals have Plivo's shape"() {
    const wrong = new plivo.Client(ACCOUNT, "wrong");
    await refused(401, wrong.calls.list());
    await refused(401, wrong.calls.create(FROM, SILENT, HERE));
    await refused(400, client.calls.create("12", SILENT, HERE));
    await refused(400, client.calls.create(FROM, "12", HERE));
    await refused(400, client.calls.create(FROM, SILENT, HERE, { timeLimit: "0" }));
    for (const act of [
      () => client.calls.get(NOBODY),
      () => client.calls.getLiveCall(NOBODY),
      () => client.calls.getQueuedCall(NOBODY),
      () => client.calls.hangup(NOBODY),
      () => client.calls.cancel(NOBODY),
      () => client.calls.speakText(NOBODY, "Hello"),
      () => client.calls.sendDigits(NOBODY, "1"),
      () => client.calls.transfer(NOBODY, { legs: "aleg", alegUrl: HERE }),
    ]) {
      await refused(404, act());
    }
  },

  async "a failure of the server is retried by the SDK"() {
    // It forgets the query when it asks again, so this is one that needs none.
    await control("faults", { provider: "plivo", on: "request", match: "GET /v1/", http_status: 500 });
    assert.ok((await client.calls.list()).length, "nothing listed");
  },

  async "webhooks of odd URLs are signed as the SDK expects"() {
    const hangUp = plivo.Response();
    hangUp.addHangup();
    let hook;
    for (const odd of ["/odd", "/odd?a=1&a=2&b=&c=3", "/odd?who=it%27s%20me&plus=a+b&enc=%2B%26%3D"]) {
      documents.set(odd.split("?")[0], hangUp.toXML());
      const call = { provider: "plivo", from: "+15550100005", to: `+${FROM}`, webhook_url: HERE + odd };
      const { id } = await control("calls", call);
      const came = await until(`webhooks to ${odd}`, () => hooksTo("/odd", id).length === 2 && hooksTo("/odd", id));
      assert.deepEqual(came.map((hook) => hook.all.Event), ["StartApp", "Hangup"]);
      for (hook of came) {
        assert.equal(hook.url, HERE + odd);
        assertSigned(hook);
        assert.equal(hook.all.Direction, "inbound");
      }
    }
    assert.ok(!isValid(hook, { form: { ...hook.form, From: "15550100006" } }), "a changed parameter passes");
    assert.ok(!isValid(hook, { form: { ...hook.form, New: "1" } }), "an added parameter passes");
    assert.ok(!isValid(hook, { url: `${hook.url}&more=1` }), "another URL passes");
    assert.ok(!isValid(hook, { token: "other" }), "another token passes");
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
    console.error(error.stack ?? error);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
