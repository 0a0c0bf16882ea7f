// What makes plugins for the Waxwing XMPP server short in JavaScript. README.md beside this file explains it.
//
// Nothing here imports anything: which interfaces of the host a plugin uses is for its wit/world.wit to say, and
// for itself to import, e.g. `import { openTable } from "xmpp:plugin/storage@0.1.0"`.

/**
 * Every field of `description` in wit/deps/xmpp-plugin, and what it is where a plugin says nothing.
 * A field that the contract gains needs a line here and nothing else.
 */
const DESCRIPTION = {
  name: "",
  version: "0.0.0",
  summary: "",
  features: [],
  accountFeatures: [],
  interests: [],
  sessionEvents: [],
  marks: [],
  streamFeatures: [],
  serial: "none",
  services: [],
  commands: [],
};

/** The interfaces whose hook answers with a verdict, and the method of a plugin that each calls. */
const STANZA_HOOKS = {
  pre: "onPre",
  process: "onProcess",
  post: "onPost",
  filter: "onFilter",
  service: "onService",
};

/** What an error of the host's interfaces is on the wire where a plugin does not catch it. */
const HOST_ERRORS = {
  // storage
  denied: ["service-unavailable"],
  // and those that account-data and scheduler share with it
  "over-quota": ["resource-constraint", "wait"],
  conflict: ["internal-server-error", "wait"],
  unavailable: ["internal-server-error", "wait"],
  // router
  malformed: ["internal-server-error"],
  "too-many": ["resource-constraint", "wait"],
  // marks
  "no-such-session": ["recipient-unavailable"],
  "unknown-mark": ["internal-server-error"],
  // account-admin
  exists: ["conflict"],
  "not-found": ["item-not-found"],
  "not-allowed": ["not-allowed"],
  invalid: ["not-acceptable"],
};

/**
 * Makes the exports of a plugin: `export const { lifecycle, process } = plugin({ ... })`, naming what
 * wit/world.wit exports.
 *
 * The definition has the fields of `description`, the `settings` with their defaults, and the hooks: `onPre`,
 * `onProcess`, `onPost`, `onFilter`, `onService`, `onSession`, `onCommand`, `onAlarm`, `onReply`. Hooks find the
 * settings as `this.settings`, and may be `async`. With `log`, the function of that name of `xmpp:plugin/runtime`, the
 * server's log says which exception ended a call.
 */
export function plugin(definition) {
  const known = [...Object.keys(DESCRIPTION), "settings", "log"];
  for (const [key, value] of Object.entries(definition)) {
    if (!known.includes(key) && typeof value !== "function") {
      throw new Error(`a plugin has no '${key}'; there are: ${known.join(", ")}, and the hooks`);
    }
  }
  const self = Object.assign(Object.create(definition), { settings: { ...definition.settings } });
  const exported = {
    lifecycle: {
      describe: () => describe(definition),
      init: (given) => configure(self.settings, given),
    },
  };
  for (const [name, hook] of Object.entries(STANZA_HOOKS)) {
    if (definition[hook]) {
      exported[name] = { [hook]: (...args) => stanzaHook(self, hook, args) };
    }
  }
  if (definition.onSession) {
    exported.sessions = { onSession: (...args) => told(self, "onSession", args, "done") };
  }
  if (definition.onReply) {
    exported.replies = { onReply: (...args) => told(self, "onReply", args) };
  }
  if (definition.onCommand) {
    exported.commands = { onCommand: (request) => commandHook(self, request) };
  }
  if (definition.onAlarm) {
    // The host repeats what has failed.
    exported.alarms = { onAlarm: (...args) => attempt(self, () => self.onAlarm(...args)) };
  }
  return exported;
}

function describe(definition) {
  const description = {};
  for (const [field, usual] of Object.entries(DESCRIPTION)) {
    description[field] = definition[field] ?? usual;
  }
  description.interests = description.interests.map((interest) => interest.fields ?? interest);
  description.sessionEvents = flags(description.sessionEvents, SESSION_EVENTS);
  return description;
}

/** `a-b` in the config file is `aB` in JavaScript; a setting has the type of its default. */
function configure(settings, given) {
  for (const { key, value } of given) {
    const name = key.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
    if (!Object.hasOwn(settings, name)) {
      const keys = Object.keys(settings).map((name) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`));
      throw `no setting ${key}; there are${keys.length ? `: ${keys.join(", ")}` : " none"}`;
    }
    settings[name] = setting(key, value, settings[name]);
  }
}

function setting(key, value, usual) {
  if (Array.isArray(usual)) {
    return value;
  }
  const [text] = value;
  if (typeof usual === "boolean") {
    if (value.length !== 1 || !["true", "false"].includes(text)) throw `${key} must be true or false`;
    return text === "true";
  }
  if (typeof usual === "number") {
    if (value.length !== 1 || !/^-?\d+$/.test(text)) throw `${key} must be a whole number`;
    return Number(text);
  }
  if (value.length !== 1) throw `${key} must be one text`;
  return text;
}

function stanzaHook(self, hook, args) {
  // The last two arguments of each are the event and the stanza.
  Object.setPrototypeOf(args.at(-2), EVENT);
  const verdict = (answer) => (typeof answer === "object" ? answer : { tag: answer ?? "next" });
  const bounce = (error) => ({ tag: "reject", val: stanzaError(self, error) });
  return settled(() => self[hook](...args), verdict, bounce);
}

/** A hook that nobody waits for: an error has nobody to bounce to. */
function told(self, hook, args, usual = undefined) {
  const failed = (error) => {
    const { condition, text } = stanzaError(self, error);
    self.log?.("warn", `${hook} failed: ${condition} ${text ?? ""}`);
    return usual;
  };
  return settled(() => self[hook](...args), (answer) => answer ?? usual, failed);
}

function commandHook(self, request) {
  Object.setPrototypeOf(request, REQUEST);
  const failed = (error) => {
    // The binding takes what is thrown for the error of the result.
    throw stanzaError(self, error);
  };
  return settled(() => self.onCommand(request), (reply) => reply, failed);
}

/** Say in the log what went wrong, and let it go on going wrong. */
function attempt(self, action) {
  const failed = (error) => {
    self.log?.("error", `${error?.payload ?? error}\n${error?.stack ?? ""}`.slice(0, 1000));
    throw error;
  };
  return settled(action, (answer) => answer, failed);
}

/** What an action comes to: now, or if it is `async` when it is done. */
function settled(action, done, failed) {
  try {
    const result = action();
    return typeof result?.then === "function" ? result.then(done).catch(failed) : done(result);
  } catch (error) {
    return failed(error);
  }
}

/** The error as it goes to the sender. What is not meant for one ends the call with nothing kept. */
function stanzaError(self, error) {
  if (error instanceof StanzaError) {
    return { type: error.type, condition: error.condition, text: error.text };
  }
  if (typeof error?.payload === "string") {
    const [condition, type] = HOST_ERRORS[error.payload] ?? ["internal-server-error"];
    return { type, condition };
  }
  return attempt(self, () => {
    throw error;
  });
}

/** Throw it in a hook, and the stanza bounces: `throw new StanzaError("not-allowed", "Not on Sundays")`. */
export class StanzaError extends Error {
  /** A condition of RFC 6120, section 8.3.3, a sentence for a person, and the type if it is not the usual one. */
  constructor(condition, text = undefined, type = undefined) {
    super(text ?? condition);
    Object.assign(this, { condition, text, type });
  }
}

/** The IQ is answered with this XML inside its result; nothing for none. */
export const reply = (xml = "") => ({ tag: "reply", val: xml });

/** In stages `pre` and `filter`: carry on with this stanza instead. */
export const replace = (xml) => ({ tag: "replace", val: xml });

/** What `at` takes. */
export const SERVER = "server";
export const OWN_ACCOUNT = "ownAccount";
export const OTHER_ACCOUNT = "otherAccount";
export const STREAM = "stream";

const TARGETS = [SERVER, OWN_ACCOUNT, OTHER_ACCOUNT, STREAM];
const SESSION_EVENTS = ["bound", "available", "priority", "unavailable", "closed"];

function flags(names, known) {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`no '${unknown}'; there are: ${known.join(", ")}`);
  return Object.fromEntries(names.map((name) => [name, true]));
}

/** Stanzas that a plugin wants to see: made by `iq`, `iqGet`, `iqSet`, `messages`, `presence`. */
class Interest {
  constructor(fields) {
    this.fields = { types: [], targets: {}, order: 0, ...fields };
  }
  #but(fields) {
    return new Interest({ ...this.fields, ...fields });
  }
  /** In stage `process`: what it must be addressed to, any of e.g. `at(SERVER, OWN_ACCOUNT)`. */
  at(...targets) {
    return this.#but({ targets: flags(targets, TARGETS) });
  }
  /** A child that it must have, as `{namespace}name`. */
  withPayload(payload) {
    return this.#but({ payload });
  }
  /** Only if the party (`sender-session`, `sender-account`, `recipient-account`) has this mark. */
  marked(mark, on) {
    return this.#but({ marked: { mark, on } });
  }
  /** The place among plugins that want the same stanza: lower runs first, 0 is usual. */
  order(order) {
    return this.#but({ order });
  }
}

const iqs = (types) => (payload) => new Interest({ stage: "process", kind: "iq", types, payload });

/** IQ requests with this payload, `{namespace}name`. Say whose with `at`. */
export const iq = iqs(["get", "set"]);
export const iqGet = iqs(["get"]);
export const iqSet = iqs(["set"]);

/** Messages of these types in this stage; none means any. A message without a type is a `normal` one. */
export const messages = (stage, types = []) => new Interest({ stage, kind: "message", types });

/** Presence of these types in this stage, the empty string for available; none means any. */
export const presence = (stage, types = []) => new Interest({ stage, kind: "presence", types });

/** A child of `<stream:features/>`, perhaps only where a setting of the virtual host is true. */
export const beforeLogin = (xml, setting = undefined) => ({ xml, phase: "before-login", setting });
export const afterLogin = (xml, setting = undefined) => ({ xml, phase: "after-login", setting });

/** A name of the plugin's own under its virtual hosts; the identity is e.g. `component/bot` (XEP-0030). */
export function service(name, identity, label, features = []) {
  const [category, type = "generic"] = identity.split("/");
  return { name, category, type, label, features };
}

/** An ad-hoc command (XEP-0050) for the administrators of the server, or for everybody with an account. */
export const command = (node, label, { everybody = false } = {}) => ({
  node,
  label,
  access: everybody ? "local-user" : "admin",
});

/** What every event can besides its fields `header`, `vhost`, `origin` and `received`. */
const EVENT = {
  /** The full JID of the sender; empty on a stream that has not logged in. */
  get sender() {
    return this.header.from;
  },
  get senderBare() {
    return bare(this.header.from);
  },
  /** The addressee, or the sender's own account if there is none. */
  get to() {
    return this.header.to ?? this.senderBare;
  },
  /** The account that the stanza is for. */
  get account() {
    return bare(this.to);
  },
  /** The `type` attribute, empty if there is none. */
  get type() {
    return this.header.type ?? "";
  },
  /** The type of a message: `normal` if it has none, or one that RFC 6121 does not know. */
  get messageType() {
    return ["chat", "error", "groupchat", "headline"].includes(this.type) ? this.type : "normal";
  },
};

/** What every request of a command can besides its fields `node`, `user`, `vhost`, `action`, `answers`, `state`. */
const REQUEST = {
  /** The first value of a field as it was filled in; `undefined` if it was not. */
  answer(name) {
    return this.values(name)[0] || undefined;
  },
  /** All values of a field. */
  values(name) {
    return this.answers.find((answer) => answer.var === name)?.values ?? [];
  },
  /** Whether a field was answered with yes. */
  isYes(name) {
    return ["1", "true"].includes(this.answer(name));
  },
};

/** The account of an address: everything before the first slash. */
export const bare = (jid) => jid.split("/", 1)[0];

/** The name of an address within its domain, if it has one. */
export function local(jid) {
  const account = bare(jid);
  return account.includes("@") ? account.slice(0, account.indexOf("@")) : undefined;
}

/** The domain of an address. */
export function domain(jid) {
  const account = bare(jid);
  return account.slice(account.indexOf("@") + 1);
}

/** Everything after the first slash of an address, if it has one. */
export function resource(jid) {
  return jid.includes("/") ? jid.slice(jid.indexOf("/") + 1) : undefined;
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;" };

/** Text made safe for the inside of an element or of an attribute in either quotes. */
export const escape = (text) => String(text).replace(/[&<>'"]/g, (character) => ENTITIES[character]);

class Raw {
  constructor(xml) {
    this.xml = xml;
  }
}

/** XML that `xml` takes as it is. */
export const raw = (xml) => new Raw(xml);

function toXml(value) {
  if (Array.isArray(value)) return value.map(toXml).join("");
  return value instanceof Raw ? value.xml : escape(value ?? "");
}

/** Writes XML: xml`<body>${text}</body>`. What is put in is escaped, unless it is `raw`; a list is its items. */
export function xml(parts, ...values) {
  return parts.reduce((text, part, index) => text + toXml(values[index - 1]) + part);
}

/** A stanza as XML with one more child at its end: `withChild(stanza.toXml(), "<x/>")`. */
export function withChild(stanza, child) {
  const [tag, name] = stanza.match(/^<([^\s/>]+)(?:[^'">]|'[^']*'|"[^"]*")*>/);
  return tag.endsWith("/>")
    ? `${tag.slice(0, -2)}>${child}</${name}>`
    : stanza.slice(0, stanza.lastIndexOf("</")) + child + stanza.slice(stanza.lastIndexOf("</"));
}

/** A timestamp of the host, in milliseconds, as XEP-0082 writes it. */
export const datetime = (timestamp) => new Date(Number(timestamp)).toISOString();

/** Text as a value of a table or log, and back. */
export const toBytes = (text) => new TextEncoder().encode(text);
export const toText = (bytes) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes));
