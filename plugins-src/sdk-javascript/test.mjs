// What the library does by itself: node --test plugins-src/sdk-javascript/test.mjs
// It is no part of projects. What it does in a component is tested with plugins-src/examples.

import assert from "node:assert";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

// Older versions of node take a lone `.js` for something else than a module.
const source = await readFile(new URL("waxwing.js", import.meta.url), "utf8");
const waxwing = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const { StanzaError, ask, command, done, form, listField, messages, plugin, service, textField, yesField } = waxwing;

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
    services: [service("bot", "client/bot", "Bot", ["urn:x"])],
    commands: [command("dice", "Roll dice", "local-user"), command("stop", "Stop")],
    interests: [messages("post", ["chat"]).order(-1)],
  });
  const { serial, accountIdentities, services, commands, interests } = lifecycle.describe();
  assert.strictEqual(serial, "by-recipient");
  assert.deepStrictEqual(accountIdentities, [{ category: "pubsub", type: "pep" }]);
  const bot = { name: "bot", category: "client", type: "bot", label: "Bot", features: ["urn:x"] };
  assert.deepStrictEqual(services, [bot]);
  assert.deepStrictEqual(commands[0], { node: "dice", label: "Roll dice", access: "local-user" });
  assert.strictEqual(commands[1].access, "admin");
  assert.strictEqual(interests[0].order, -1);
});

test("a command asks and is done", () => {
  const { commands } = plugin({
    onCommand(request) {
      const sides = request.answer("sides");
      if (request.isYes("refuse")) throw new StanzaError("not-allowed", "No");
      if (sides) return done(`${sides} sides`);
      const fields = [textField("sides", "Sides", { value: 6, required: true, hint: "2 or more" })];
      return ask(form("Dice", [...fields, listField("luck", "Luck", [["Good", "g"]]), yesField("refuse", "Refuse")]));
    },
  });
  const run = (...answers) => commands.onCommand({ answers: answers.map(([name, ...values]) => ({ var: name, values })) });

  const { tag, val } = run(["sides", ""]);
  assert.strictEqual(tag, "step");
  assert.deepStrictEqual([val.hasPrev, val.hasNext, val.state.length], [false, false, 0]);
  const [sides, luck, refuse] = val.form.fields;
  assert.deepStrictEqual(sides, {
    var: "sides", type: "text-single", label: "Sides", required: true, values: ["6"], choices: [], hint: "2 or more",
  });
  assert.deepStrictEqual([luck.type, luck.choices], ["list-single", [{ label: "Good", value: "g" }]]);
  assert.deepStrictEqual([refuse.type, refuse.values], ["boolean", []]);
  assert.deepStrictEqual(run(["sides", "8"]), { tag: "done", val: { note: "8 sides", form: undefined } });
  assert.throws(() => run(["refuse", "true"]), { condition: "not-allowed", text: "No" });
});

test("a hook may be async, and what it throws bounces", async () => {
  const hooks = { onService: async () => "handled", onPost: async () => Promise.reject(new StanzaError("gone")) };
  const { service, post } = plugin(hooks);
  assert.deepStrictEqual(await service.onService({ header: {} }, {}), { tag: "handled" });
  const bounced = await post.onPost({ header: {} }, {});
  assert.strictEqual(bounced.val.condition, "gone");
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
