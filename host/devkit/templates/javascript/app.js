// Greets whoever asks, and knows whom it has greeted before.

import { log } from "xmpp:plugin/runtime@0.1.0";
import { openTable } from "xmpp:plugin/storage@0.1.0";
import { SERVER, iqGet, local, plugin, reply, toBytes, xml } from "./vendor/waxwing.js";

// As many names as wit/world.wit has exports.
export const { lifecycle, process } = plugin({
  name: "{{name}}",
  version: "0.1.0",
  summary: "Greets whoever asks.",
  // What an operator can set, and what it is where nobody does.
  settings: { greeting: "Hello" },
  features: ["urn:example:{{name}}"],
  // Which stanzas the plugin wants to see.
  interests: [iqGet("{urn:example:{{name}}}greet").at(SERVER)],
  // With it, the server's log tells of exceptions that nothing catches.
  log,

  onProcess(event, stanza) {
    const greeted = openTable("greeted");
    const again = greeted.get(event.senderBare, "greeted") ? " again" : "";
    greeted.set(event.senderBare, "greeted", toBytes("yes"));
    const greeting = `${this.settings.greeting}${again}, ${local(event.sender)}!`;
    return reply(xml`<greet xmlns='urn:example:{{name}}'>${greeting}</greet>`);
  },
});
