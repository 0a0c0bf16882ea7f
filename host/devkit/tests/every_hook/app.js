// A plugin with every hook. What it does is what mod.rs beside it expects, in every language.

import { deliver, request, send } from "xmpp:plugin/router@0.1.0";
import { log, now } from "xmpp:plugin/runtime@0.1.0";
import { set } from "xmpp:plugin/scheduler@0.1.0";
import { openLog } from "xmpp:plugin/storage@0.1.0";
import {
  SERVER, StanzaError, afterLogin, bare, command, datetime, domain, iq, local, messages, plugin, presence, raw, replace,
  reply, resource, service, toBytes, toText, withChild, xml,
} from "./vendor/waxwing.js";
import { ask, done, form, listField, textField } from "./vendor/waxwing.js";

function say(from, to, text) {
  send(xml`<message from='${from}' to='${to}'><body>${text}</body></message>`);
}

export const { lifecycle, pre, process, post, filter, service: bot, sessions, commands, alarms, replies } = plugin({
  name: "greeter",
  summary: "Has every hook.",
  settings: { text: "a", yesOrNo: false, number: 1, list: ["x"] },
  interests: [
    messages("pre", ["chat"]).withPayload("{urn:x}a"),
    presence("pre", ["subscribe"]).marked("on", "sender-account"),
    iq("{urn:x}do").at(SERVER),
    messages("post"),
    messages("filter").order(5),
  ],
  sessionEvents: ["available", "unavailable"],
  marks: ["on"],
  streamFeatures: [afterLogin("<x xmlns='urn:x'/>")],
  serial: "by-sender",
  services: [service("bot", "component/bot", "Bot", ["urn:x"])],
  commands: [command("hello", "Say hello", "local-user")],
  log,

  onPre(event, stanza) {
    const child = xml`<seen xmlns='urn:x' by='${bare(event.sender)}'>${event.messageType}${raw("<b/>")}${[1, "<"]}</seen>`;
    return replace(withChild(stanza.toXml(), child));
  },
  onProcess(event, stanza) {
    switch (stanza.attribute("{urn:x}do", "what")) {
      case "settings":
        return reply(xml`<is>${JSON.stringify(this.settings)}</is>`);
      case "address": {
        const parts = [local, domain, resource].map((part) => part(event.sender));
        return reply(xml`<is>${parts.join(" ")} ${event.account} ${event.type} ${datetime(event.received)}</is>`);
      }
      case "refuse":
        throw new StanzaError("not-allowed", "Not on Sundays");
      case "store": {
        const store = openLog("kept");
        store.append(event.senderBare, event.received, "tag", toBytes("é"), undefined);
        const [entry] = store.read(event.senderBare, { after: 0n, backwards: false, limit: 9 });
        return reply(xml`<is>${toText(entry.value)} ${entry.at} ${entry.tag} ${store.count(event.senderBare)}</is>`);
      }
      case "malformed":
        send("<message");
        return "handled";
      case "alarm":
        set(event.senderBare, "tea", now() + 1000n, toBytes("ready"));
        return reply();
      case "ask":
        request(
          xml`<iq type='get' from='${event.vhost}' to='${event.sender}'><q xmlns='urn:x'/></iq>`,
          toBytes("context"),
          1000,
        );
        return "handled";
      case "throw":
        return undefined.nothing;
    }
  },
  onPost: (event, stanza) => (stanza.has("body") ? "handled" : undefined),
  onFilter: (session, event, stanza) => (stanza.has("body") ? "next" : "drop"),
  onService(event, stanza) {
    say(event.to, event.sender, `bot ${stanza.text("body")}`);
    return "handled";
  },
  onSession(session, change) {
    deliver(session, xml`<message from='${domain(session)}'><body>${change.tag} ${change.val ?? "-"}</body></message>`);
  },
  onCommand(request) {
    const name = request.answer("name");
    if (name === "nobody") throw new StanzaError("not-acceptable", "Nobody is no name");
    if (name) return done(`Hello, ${name}`);
    const tones = listField("tone", "Tone", [["Kind", "kind"], ["Cold", "cold"]]);
    return ask(form("Hello", [textField("name", "Name", { required: true }), tones]), { state: toBytes("1") });
  },
  onAlarm(owner, name, due, data) {
    say(domain(owner), owner, `${name} is ${toText(data)} ${typeof due}`);
  },
  onReply(from, context, answer, stanza) {
    say(domain(from), from, `${answer.tag} ${toText(context)} ${answer.val?.condition} ${stanza?.text("{urn:x}q") || undefined}`);
  },
});
export { bot as service };
