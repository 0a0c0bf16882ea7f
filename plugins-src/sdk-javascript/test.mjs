// What the library does by itself: node --test plugins-src/sdk-javascript/test.mjs
// It is no part of projects. What it does in a component is tested with plugins-src/examples.

import assert from "node:assert";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

// Older versions of node take a lone `.js` for something else than a module.
const source = await readFile(new URL("waxwing.js", import.meta.url), "utf8");
const waxwing = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const { StanzaError, ask, command, component, done, form, iqs, listField, messages, ownService, plugin, table } = waxwing;
const { textField, yesField } = waxwing;

test("a description has every field of the contract", async () => {
  const wit = await readFile(new URL("../../wit/hooks.wit", import.meta.url), "utf8");
  const record = wit.match(/record description \{(.*?)\n  \}/s)[1];
  const names = [...record.matchAll(/^    ([a-z-]+):/gm)].map(([, name]) => name);
  const camel = names.map((name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase()));
  const { lifecycle } = plugin({ name: "x" });
  assert.deepStrictEqual(Object.keys(lifecycle.describe()), camel);
});

test("services, commands and interests are described", () => {
  const { lifecycle } = plugin({
    name: "x",
    serial: "by-recipient",
    accountIdentities: ["pubsub/pep"],
    services: [ownService("bot", "client/bot", "Bot", ["urn:x"])],
    components: [component("games", "Games")],
    commands: [
      command("dice", "Roll dice", "local-user"),
      command("stop", "Stop", undefined, { component: "games", group: "Configuration" }),
    ],
    interests: [messages("post", ["chat"]).order(-1), iqs("pre", ["set"]).withPayload("{urn:x}a")],
  });
  const { serial, accountIdentities, services, components, commands, interests } = lifecycle.describe();
  assert.strictEqual(serial, "by-recipient");
  assert.deepStrictEqual(accountIdentities, [{ category: "pubsub", type: "pep" }]);
  const bot = { name: "bot", category: "client", type: "bot", label: "Bot", features: ["urn:x"] };
  assert.deepStrictEqual(services, [bot]);
  assert.deepStrictEqual(components, [{ name: "games", label: "Games" }]);
  const nowhere = { component: undefined, group: undefined };
  assert.deepStrictEqual(commands[0], { node: "dice", label: "Roll dice", access: "local-user", ...nowhere });
  const somewhere = { component: "games", group: "Configuration" };
  assert.deepStrictEqual(commands[1], { node: "stop", label: "Stop", access: "admin", ...somewhere });
  assert.strictEqual(interests[0].order, -1);
  const { stage, kind, types, payload } = interests[1];
  assert.deepStrictEqual({ stage, kind, types, payload }, { stage: "pre", kind: "iq", types: ["set"], payload: "{urn:x}a" });
});

test("a command asks and is done", () => {
  const { commands } = plugin({
    onCommand(request) {
      const sides = request.answer("sides");
      if (request.isYes("refuse")) throw new StanzaError("not-allowed", "No");
      if (sides === "none") return done("No dice", undefined, "error");
      if (sides) return done(`${sides} sides`, table(form("Dice"), [["eyes", "Eyes"]], [["6"]]));
      const options = { value: 6, required: true, hint: "2 or more", range: [2, 100], wrong: "No number" };
      const fields = [textField("sides", "Sides", options)];
      return ask(form("Dice", [...fields, listField("luck", "Luck", [["Good", "g"]]), yesField("refuse", "Refuse")]));
    },
  });
  const run = (...answers) => commands.onCommand({ answers: answers.map(([name, ...values]) => ({ var: name, values })) });

  const { tag, val } = run(["sides", ""]);
  assert.strictEqual(tag, "step");
  assert.deepStrictEqual([val.hasPrev, val.hasNext, val.state.length], [false, false, 0]);
  const [sides, luck, refuse] = val.form.fields;
  assert.deepStrictEqual(sides, {
    var: "sides", type: "text-single", label: "Sides", required: true, values: ["6"], choices: [],
    range: [2n, 100n], hint: "2 or more", wrong: "No number",
  });
  assert.deepStrictEqual([luck.type, luck.choices], ["list-single", [{ label: "Good", value: "g" }]]);
  assert.deepStrictEqual([refuse.type, refuse.values], ["boolean", []]);
  const failed = { note: "No dice", severity: "error", form: undefined };
  assert.deepStrictEqual(run(["sides", "none"]), { tag: "done", val: failed });
  const rolled = run(["sides", "8"]).val;
  assert.deepStrictEqual([rolled.note, rolled.severity], ["8 sides", "info"]);
  assert.deepStrictEqual(rolled.form.table, { columns: [["eyes", "Eyes"]], rows: [["6"]] });
  assert.throws(() => run(["refuse", "true"]), { condition: "not-allowed", text: "No" });
});

test("a hook may be async, and what it throws bounces", async () => {
  const hooks = { onService: async () => "handled", onPost: async () => Promise.reject(new StanzaError("gone")) };
  const { service, post } = plugin(hooks);
  assert.deepStrictEqual(await service.onService({ header: {} }, {}), { tag: "handled" });
  const bounced = await post.onPost({ header: {} }, {});
  assert.strictEqual(bounced.val.condition, "gone");
});

test("what the host refuses bounces as what it is", () => {
  const bounced = (thrown) => {
    const { service } = plugin({ onService: () => { throw thrown; } });
    const { condition, type, text } = service.onService({ header: {} }, {}).val;
    return [condition, type, text];
  };
  for (const [payload, condition, type, text] of [
    ["over-quota", "resource-constraint", "wait", undefined],
    ["denied", "service-unavailable", undefined, undefined],
    [{ tag: "denied" }, "forbidden", undefined, undefined],
    [{ tag: "invalid", val: "No domain" }, "not-acceptable", undefined, "No domain"],
    ["It has expired", "not-acceptable", undefined, "It has expired"],
    [undefined, "internal-server-error", "wait", undefined],
  ]) {
    assert.deepStrictEqual(bounced({ payload }), [condition, type, text]);
  }
  // What no interface of the host says ends the call.
  for (const thrown of [{ payload: { tag: "hello" } }, new Error("no"), null, "no"]) {
    assert.throws(() => bounced(thrown));
  }
});

test("every error of the contract is known", async () => {
  const wit = await readFile(new URL("../../wit/host.wit", import.meta.url), "utf8");
  const code = wit.replace(/\/\/\/.*$/gm, "");
  const cases = (kind) => [...code.matchAll(new RegExp(`${kind} error \\{(.*?)\\}`, "gs"))]
    .flatMap(([, block]) => block.split(",")).map((name) => name.replace(/\(.*\)/, "").trim()).filter(Boolean);
  const known = (table) => [...source.match(new RegExp(`const ${table} = \\{(.*?)\n\\};`, "s"))[1]
    .matchAll(/^  "?([a-z-]+)"?:/gm)].map(([, name]) => name);
  assert.deepStrictEqual(new Set(known("HOST_ERRORS")), new Set(cases("enum")));
  assert.deepStrictEqual(new Set(known("HOST_VARIANTS")), new Set(cases("variant")));
});

test("an alarm that fails ends the call, a reply that fails does not", async () => {
  const logged = [];
  const log = (level, text) => logged.push([level, text.split("\n")[0]]);
  const onAlarm = async () => Promise.reject(new Error("nobody answers"));
  const onReply = () => { throw new StanzaError("bad-request"); };
  const { alarms, replies } = plugin({ log, onAlarm, onReply });
  await assert.rejects(alarms.onAlarm("localhost", "tell", 0n, new Uint8Array()));
  assert.strictEqual(replies.onReply("localhost", new Uint8Array(), { tag: "timeout" }), undefined);
  assert.deepStrictEqual(logged, [
    ["error", "Error: nobody answers"],
    ["warn", "a reply came to nothing: bad-request "],
  ]);
});
