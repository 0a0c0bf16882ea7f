// A plugin with every hook. What it does is what mod.rs beside it expects, in every language.

import * as connections from "xmpp:plugin/connections@0.1.0";
import { log } from "xmpp:plugin/runtime@0.1.0";
import * as imports from "./imports.js";
import {
  SERVER, StanzaError, afterLogin, bare, command, datetime, domain, iq, iqs, local, messages, plugin, presence, raw, replace,
  ownService, reply, resource, toBytes, toText, withChild, xml,
} from "./vendor/waxwing.js";
import { ask, component, done, form, listField, table, textField } from "./vendor/waxwing.js";

const { say, whisper } = imports;

export const { lifecycle, pre, incoming, process, post, filter, service, sessions, commands, alarms, replies, portable } = plugin({
  name: "greeter",
  summary: "Has every hook.",
  settings: { text: "a", yesOrNo: false, number: 1, list: ["x"] },
  interests: [
    messages("pre", ["chat"]).withPayload("{urn:x}a"),
    presence("pre", ["subscribe"]).marked("on", "sender-account"),
    iqs("pre", ["set"]).withPayload("{urn:x}b"),
    messages("incoming").withPayload("{urn:x}spam"),
    iq("{urn:x}do").at(SERVER),
    messages("post"),
    messages("filter").order(5),
  ],
  sessionEvents: ["available", "unavailable"],
  onlyWhere: ["register"],
  marks: ["on"],
  streamFeatures: [afterLogin("<x xmlns='urn:x'/>")],
  serial: "by-sender",
  services: [ownService("bot", "component/bot", "Bot", ["urn:x"])],
  components: [component("greetings", "Greetings")],
  commands: [
    command("hello", "Say hello", "local-user"),
    command("online", "Who is online", "vhost-admin", { component: "greetings", group: "Users" }),
  ],
  portable: ["{urn:x}motto", "{urn:x}empty"],
  log,

  onPre(event, stanza) {
    const child = xml`<seen xmlns='urn:x' by='${bare(event.sender)}'>${event.messageType}${raw("<b/>")}${[1, "<"]}</seen>`;
    return replace(withChild(stanza.toXml(), child));
  },

  onIncoming(event) {
    if (domain(event.sender) !== event.vhost) throw new StanzaError("policy-violation", "No spam from elsewhere");
  },

  onProcess(event, stanza) {
    const what = stanza.attribute("{urn:x}do", "what");
    switch (what) {
      case "settings":
        return is(JSON.stringify(this.settings));
      case "address":
        return is(address(event));
      case "look":
        return is(look(stanza));
      case "refuse":
        throw new StanzaError("not-allowed", "Not on Sundays");
      case "throw":
        return undefined.nothing;
    }
    if (what in imports) return is(imports[what](event));
  },

  onPost(event, stanza) {
    if (stanza.has("body")) return "handled";
  },

  onFilter(session, event, stanza) {
    return stanza.has("body") ? "next" : "drop";
  },

  onService(event, stanza) {
    say(event.to, event.sender, `bot ${stanza.text("body")}`);
    return "handled";
  },

  onSession(session, change) {
    whisper(session, `${change.tag} ${change.val ?? "-"}`);
  },

  onCommand(request) {
    if (request.node === "online") return online(request);
    const name = request.answer("name");
    if (name === "nobody") throw new StanzaError("not-acceptable", "Nobody is no name");
    if (name) return done(`Hello, ${name}`);
    const tones = listField("tone", "Tone", [["Kind", "kind"], ["Cold", "cold"]]);
    const times = textField("times", "How often", { value: 1, range: [1, 9], hint: "Not too often" });
    return ask(form("Hello", [textField("name", "Name", { required: true }), tones, times]), { state: toBytes("1") });
  },

  onAlarm(owner, name, due, data) {
    say(domain(owner), owner, `${name}, due at ${datetime(due)}, is ${toText(data)}`);
  },

  onReply(from, context, answer, stanza) {
    const said = stanza?.text("{urn:x}q") || "nothing";
    say(domain(from), from, `${answer.tag} ${toText(context)} ${answer.val?.condition ?? "-"} ${said}`);
  },

  onExport(account, kind, after) {
    if (kind === "{urn:x}empty") return [];
    // A page, and where the next one begins.
    return after ? [xml`<motto xmlns='urn:x'>${account} ${after}</motto>`] : { elements: [], next: "2" };
  },

  onImport(account, kind, elements) {
    if (!elements.text(kind)) throw new StanzaError("bad-request", "A motto says something");
    say(domain(account), account, `takes ${kind} ${elements.text(kind)}`);
  },
});

function online(request) {
  // In a command: on virtual hosts that its user manages.
  const rows = connections.page(request.vhost, undefined, 100).map(({ jid, since }) => [jid, datetime(since)]);
  if (rows.length === 0) return done("You may see nobody", undefined, "error");
  return done(undefined, table(form("Online"), [["jid", "Address"], ["since", "Since"]], rows));
}

function is(text) {
  return reply(xml`<is>${text}</is>`);
}

function address(event) {
  const parts = [local, domain, resource].map((part) => part(event.sender));
  return `${parts.join(" ")} ${event.account} ${event.type} ${datetime(event.received)}`;
}

function look(stanza) {
  const [first] = stanza.children("");
  return `${first} ${stanza.child(first)}`;
}
