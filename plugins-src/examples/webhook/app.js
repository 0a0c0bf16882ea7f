// Tells a URL of messages that nobody is there to read: from whom, to whom and when, and never what they say.

import { log } from "xmpp:plugin/runtime@0.1.0";
import { set as setAlarm } from "xmpp:plugin/scheduler@0.1.0";
import { openLog } from "xmpp:plugin/storage@0.1.0";
import { datetime, messages, plugin, toBytes, toText } from "./vendor/waxwing.js";

const NOTHING = new Uint8Array();
const AT_ONCE = 100;

export const { lifecycle, post, alarms } = plugin({
  name: "webhook",
  version: "1.0.0",
  summary: "Tells a URL of messages that nobody is there to read.",
  settings: { url: "http://localhost:8080/" },
  // Ahead of what keeps messages for later: that answers "handled", and nobody is asked after it.
  interests: [messages("post", ["chat", "normal"]).withPayload("{jabber:client}body").order(-10)],
  log,

  onPost(event) {
    const note = { from: event.senderBare, to: event.account, at: datetime(event.received) };
    try {
      openLog("notes").append(event.vhost, event.received, undefined, toBytes(JSON.stringify(note)), undefined);
      setAlarm(event.vhost, "tell", event.received, NOTHING);
    } catch (error) {
      // A message must not bounce because nobody can be told of it.
      log("warn", `a message goes untold: ${error.payload ?? error}`);
    }
    return "next";
  },

  // What is thrown here has the server call again later, and later still if that fails as well.
  async onAlarm(vhost, name, due) {
    const notes = openLog("notes");
    const page = notes.read(vhost, { after: 0n, backwards: false, limit: AT_ONCE });
    if (page.length === 0) return;
    const response = await fetch(this.settings.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `[${page.map((entry) => toText(entry.value))}]`,
    });
    if (!response.ok) throw new Error(`${this.settings.url} answers ${response.status}`);
    notes.trim(vhost, page.at(-1).id);
    // There may be more by now.
    setAlarm(vhost, name, due + 1n, NOTHING);
  },
});
