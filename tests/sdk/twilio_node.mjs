// Twilio's official Node SDK, unmodified, against the emulator.
//
// Usage: node twilio_node.mjs ADDRESS, with the address of a fresh `offhook carrier --speed 20`.

import assert from "node:assert/strict";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

// From the folder that the packages were installed in, which is not this file's.
const twilio = createRequire(path.join(process.cwd(), "package.json"))("twilio");
const { RequestClient, validateRequest } = twilio;
const { VoiceResponse } = twilio.twiml;

const EMULATOR = process.argv[2].replace(/\/$/, "");
const ACCOUNT = "AC00000000000000000000000000000001";
const TOKEN = "emulator";
const FROM = "+15550100100";
const SILENT = "+15550100009";
const BUSY = "+15550100002";
const FAILS = "+15550100004";
const NOBODY = "CA00000000000000000000000000000000";

/** The SDK's own hook: its HTTP client, with another host. The path is the SDK's. */
class ToEmulator extends RequestClient {
  request(options) {
    const host = "https://api.twilio.com/";
    assert.ok(options.uri.startsWith(host), `the SDK asks ${options.uri}`);
    return super.request({ ...options, uri: `${EMULATOR}/${options.uri.slice(host.length)}` });
  }
}

const client = twilio(ACCOUNT, TOKEN, { httpClient: new ToEmulator() });

const hooks = [];
const documents = new Map();

const receiver = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = `http://${request.headers.host}${request.url}`;
  const params = (text) => Object.fromEntries(new URLSearchParams(text));
  hooks.push({
    method: request.method,
    url,
    path: request.url.split("?")[0],
    signature: request.headers["x-twilio-signature"],
    authorization: request.headers.authorization,
    form: params(Buffer.concat(chunks).toString()),
    query: params(new URL(url).search),
  });
  const document = documents.get(request.url.split("?")[0]);
  response.writeHead(document ? 200 : 204, document ? { "Content-Type": "text/xml" } : {});
  response.end(document);
});
await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
const HERE = `http://127.0.0.1:${receiver.address().port}`;

function assertSigned(hook, url = hook.url) {
  const valid = validateRequest(TOKEN, hook.signature, url, hook.form);
  assert.ok(valid, `the SDK does not take the signature of ${url} ${JSON.stringify(hook.form)}`);
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

const hooksTo = (path, sid) =>
  hooks.filter((hook) => hook.path === path && (hook.form.CallSid ?? hook.query.CallSid) === sid);

const hookTo = (path, sid) => until(`a webhook to ${path}`, () => hooksTo(path, sid)[0]);

const status = (sid, wanted) =>
  until(`${sid} is ${wanted}`, async () => {
    const call = await client.calls(sid).fetch();
    return call.status === wanted && call;
  });

async function refused(httpStatus, code, promise) {
  let given;
  try {
    given = await promise;
  } catch (error) {
    assert.deepEqual([error.status, error.code], [httpStatus, code], `the refusal: ${error}`);
    assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
    assert.ok(error.message, "the refusal has no text");
    return;
  }
  assert.fail(`not refused with ${code}: ${given}`);
}

async function control(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${EMULATOR}/emulator/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `control ${path}: ${answer.status}`);
  return answer.json();
}

function longPause() {
  const document = new VoiceResponse();
  document.pause({ length: 600 });
  return document.toString();
}

const tests = {
  async "a call is placed, redirected and ended"() {
    const greeting = new VoiceResponse();
    greeting.say("Hello & welcome");
    greeting.pause({ length: 600 });
    documents.set("/voice", greeting.toString());
    documents.set("/gathered", longPause());
    documents.set("/redirected", longPause());

    const placed = await client.calls.create({
      to: SILENT,
      from: FROM,
      url: `${HERE}/voice?tenant=7&name=J%C3%BCrgen`,
      statusCallback: `${HERE}/status#rc=2`,
      statusCallbackEvent: ["initiated", "ringing", "answered", "completed"],
      timeout: 30,
      timeLimit: 3600,
    });
    const { sid } = placed;
    assert.equal(placed.status, "queued");
    assert.equal(placed.direction, "outbound-api");
    assert.deepEqual([placed.to, placed.from], [SILENT, FROM]);
    assert.equal(placed.accountSid, ACCOUNT);
    assert.ok(placed.startTime === null || Number.isNaN(placed.startTime.valueOf()), "a queued call has begun");
    assert.equal(placed.uri, `/2010-04-01/Accounts/${ACCOUNT}/Calls/${sid}.json`);
    assert.ok("recordings" in placed.subresourceUris);

    await refused(400, 21220, client.calls(sid).update({ twiml: longPause() }));

    const voice = await hookTo("/voice", sid);
    assertSigned(voice);
    assert.equal(voice.form.CallStatus, "in-progress");
    const call = await status(sid, "in-progress");
    assert.ok(Math.abs(Date.now() - call.startTime) < 60_000, `begun ${call.startTime}`);
    await refused(400, 21220, client.calls(sid).update({ status: "canceled" }));

    const document = new VoiceResponse();
    const gather = { input: "speech", action: `${HERE}/gathered?turn=1`, timeout: 600, speechTimeout: "auto" };
    document.gather(gather).say("Wie groß?");
    const redirected = await client.calls(sid).update({ twiml: document.toString() });
    assert.equal(redirected.status, "in-progress");
    const text = "größe 5 + 1 & mehr = 100%";
    await until("somebody listens", async () => (await control(`calls/${sid}/say`, { text })).noticed);
    const gathered = await hookTo("/gathered", sid);
    assertSigned(gathered);
    assert.equal(gathered.form.SpeechResult, text);

    await client.calls(sid).update({ url: `${HERE}/redirected?a=b`, method: "GET" });
    const got = await hookTo("/redirected", sid);
    assert.equal(got.method, "GET");
    assert.equal(got.query.a, "b");
    assertSigned(got);

    assert.equal((await client.calls(sid).update({ status: "completed" })).status, "completed");
    const ended = await status(sid, "completed");
    assert.ok(Number(ended.duration) >= 1 && ended.endTime >= ended.startTime, JSON.stringify(ended));
    await refused(400, 21220, client.calls(sid).update({ status: "completed" }));

    await until("four status callbacks", () => hooksTo("/status", sid).length === 4);
    const number = (hook) => Number(hook.form.SequenceNumber);
    const callbacks = hooksTo("/status", sid).sort((a, b) => number(a) - number(b));
    const told = callbacks.map((hook) => hook.form.CallStatus);
    assert.deepEqual(told, ["initiated", "ringing", "in-progress", "completed"]);
    callbacks.forEach((hook) => assertSigned(hook));
    assert.equal(callbacks[3].form.CallDuration, ended.duration);

    assert.equal(await client.calls(sid).remove(), true);
    await refused(404, 20404, client.calls(sid).fetch());
    const listed = (await client.calls.list()).map((listed) => listed.sid);
    assert.ok(!listed.includes(sid), "a deleted call is listed");
  },

  async "a queued call is cancelled and nobody is told"() {
    const calls = [];
    for (let count = 0; count < 3; count += 1) {
      const statusCallback = `${HERE}/cancelled`;
      calls.push(await client.calls.create({ to: SILENT, from: FROM, twiml: longPause(), statusCallback }));
    }
    const last = calls.pop();
    assert.ok(Number(last.queueTime) > 0, `queueTime ${last.queueTime}`);
    await refused(400, 20409, client.calls(last.sid).remove());
    const cancelled = await client.calls(last.sid).update({ status: "canceled" });
    assert.equal(cancelled.status, "canceled");
    for (const { sid } of calls) {
      await status(sid, "in-progress");
      await client.calls(sid).update({ status: "completed" });
      await hookTo("/cancelled", sid);
    }
    assert.deepEqual(hooksTo("/cancelled", last.sid), []);
  },

  async "calls are listed by filter and over pages"() {
    const [to, from] = ["+15550100077", "+15550100101"];
    const placed = [];
    for (let count = 0; count < 7; count += 1) {
      placed.push((await client.calls.create({ to, from, twiml: longPause() })).sid);
    }
    const newest = [...placed].reverse();
    const sids = async (filters) => (await client.calls.list(filters)).map((call) => call.sid);

    assert.deepEqual(await sids({ to }), newest);
    assert.deepEqual(await sids({ from }), newest);
    assert.deepEqual(await sids({ to, pageSize: 3 }), newest);
    assert.deepEqual(await sids({ to, pageSize: 1000 }), newest);
    assert.deepEqual(await sids({ to, limit: 4 }), newest.slice(0, 4));
    assert.deepEqual(await sids({ to: "+15550100078" }), []);
    assert.deepEqual(await sids({ to, status: "completed" }), []);
    const each = [];
    await new Promise((done, fail) => {
      const end = (error) => (error ? fail(error) : done());
      client.calls.each({ to, pageSize: 2, limit: 5, done: end }, (call) => each.push(call.sid));
    });
    assert.deepEqual(each, newest.slice(0, 5));

    const first = await client.calls.page({ to, pageSize: 3 });
    assert.deepEqual(first.instances.map((call) => call.sid), newest.slice(0, 3));
    // A call that begins meanwhile does not shift what follows.
    const later = (await client.calls.create({ to, from, twiml: longPause() })).sid;
    const second = await first.nextPage();
    assert.deepEqual(second.instances.map((call) => call.sid), newest.slice(3, 6));
    const third = await client.calls.getPage(second.nextPageUrl);
    assert.deepEqual(third.instances.map((call) => call.sid), newest.slice(6));
    assert.equal(await third.nextPage(), undefined);
    assert.ok((await second.previousPage()).instances.length, "the page before the second is empty");

    for (const sid of [later, ...newest]) {
      await client.calls(sid).update({ status: sid === placed[0] ? "completed" : "canceled" });
    }
    await until("all are over", async () => !(await sids({ to, status: "queued" })).length);
    const cancelled = await sids({ to, status: "canceled" });
    assert.ok(newest.slice(0, 5).every((sid) => cancelled.includes(sid)), "not all the cancelled are listed");

    await client.calls.create({ to: BUSY, from, twiml: longPause() });
    const busy = { from, status: "busy" };
    await until("a busy call is listed", async () => (await sids(busy)).length);
    const days = (count) => new Date(Date.now() + count * 86_400_000);
    const span = { startTimeAfter: days(-1), startTimeBefore: days(1) };
    assert.equal((await sids({ ...busy, ...span })).length, 1);
    assert.equal((await sids({ ...busy, startTimeAfter: days(1) })).length, 0);
    assert.equal((await sids({ ...busy, endTimeBefore: days(-1) })).length, 0);
    const [call] = await client.calls.list(busy);
    assert.equal((await sids({ ...busy, startTime: call.startTime })).length, 1);
    assert.equal((await sids({ ...busy, endTime: call.endTime })).length, 1);
  },

  async "endings are told apart"() {
    for (const [to, wanted, sip] of [[BUSY, "busy", "486"], [FAILS, "failed", "404"]]) {
      const statusCallback = `${HERE}/ended`;
      const { sid } = await client.calls.create({ to, from: FROM, url: `${HERE}/voice`, statusCallback });
      assert.equal((await status(sid, wanted)).duration, "0");
      const hook = await hookTo("/ended", sid);
      assert.deepEqual([hook.form.CallStatus, hook.form.SipResponseCode], [wanted, sip]);
      assertSigned(hook);
    }
  },

  async "refusals have Twilio's shape"() {
    const wrong = twilio(ACCOUNT, "wrong", { httpClient: new ToEmulator() });
    await refused(401, 20003, wrong.calls.list());
    await refused(401, 20003, wrong.calls.create({ to: SILENT, from: FROM, twiml: "<Response/>" }));
    await refused(404, 20404, client.calls(NOBODY).fetch());
    await refused(404, 20404, client.calls(NOBODY).update({ status: "completed" }));
    await refused(404, 20404, client.calls(NOBODY).remove());
    const twiml = "<Response/>";
    await refused(400, 21211, client.calls.create({ to: "12", from: FROM, twiml }));
    await refused(400, 21212, client.calls.create({ to: SILENT, from: "12", twiml }));
    await refused(400, 21205, client.calls.create({ to: SILENT, from: FROM }));
    await refused(400, 32018, client.calls.create({ to: SILENT, from: FROM, twiml: "x".repeat(4001) }));
    const { recordings } = client.calls(NOBODY);
    const recording = `RE${"0".repeat(32)}`;
    await refused(404, 20404, recordings(recording).fetch());
    await refused(404, 20404, recordings.list());
    await refused(404, 20404, recordings.create());
    await refused(404, 20404, client.recordings(recording).fetch());
  },

  async "a refusal for the rate is retried by the SDK"() {
    await control("faults", { on: "request", match: "Calls.json", http_status: 429, count: 2 });
    const patient = twilio(ACCOUNT, TOKEN, { httpClient: new ToEmulator({ autoRetry: true, maxRetries: 3 }) });
    assert.ok((await patient.calls.list({ limit: 1 })).length, "nothing listed");
  },

  async "the account is shown"() {
    const account = await client.api.v2010.accounts(ACCOUNT).fetch();
    assert.deepEqual([account.sid, account.status], [ACCOUNT, "active"]);
  },

  async "webhooks of odd URLs are signed as the SDK expects"() {
    const hangUp = new VoiceResponse();
    hangUp.hangup();
    let hook;
    for (const odd of [
      "/odd",
      "/odd?",
      "/odd?a=1&a=2&b=&c",
      "/odd?who=it%27s%20me&plus=a+b&enc=%2B%26%3D",
      "/odd/%C3%BC/a%2Fb;c=d/~x?q=(1)*!,$",
      "/odd//double/?x=/y/../z",
    ]) {
      documents.set(odd.split("?")[0], hangUp.toString());
      const { id } = await control("calls", { from: "+15550100005", to: FROM, webhook_url: HERE + odd });
      hook = await hookTo(odd.split("?")[0], id);
      assert.equal(hook.url, HERE + odd);
      assertSigned(hook);
      assert.equal(hook.form.Direction, "inbound");
      await status(id, "completed");
    }

    const passes = (token, url, form) => validateRequest(token, hook.signature, url, form);
    assert.ok(!passes(TOKEN, hook.url, { ...hook.form, From: "+15550100006" }), "a changed parameter passes");
    assert.ok(!passes(TOKEN, hook.url, { ...hook.form, New: "" }), "an added parameter passes");
    assert.ok(!passes(TOKEN, `${hook.url}&more=1`, hook.form), "another URL passes");
    assert.ok(!passes("other", hook.url, hook.form), "another token passes");
  },

  async "credentials in a URL are sent and signed"() {
    const url = `${HERE.replace("://", "://user:secret@")}/with-credentials`;
    const { id } = await control("calls", { from: "+15550100005", to: FROM, webhook_url: url });
    const hook = await hookTo("/with-credentials", id);
    assert.equal(hook.authorization, "Basic dXNlcjpzZWNyZXQ=");
    assertSigned(hook, url);
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
