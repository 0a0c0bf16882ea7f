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
  settings: {},
  features: [],
  accountFeatures: [],
  accountIdentities: [],
  interests: [],
  sessionEvents: [],
  onlyWhere: [],
  marks: [],
  streamFeatures: [],
  serial: "none",
  services: [],
  components: [],
  commands: [],
  portable: [],
  anySender: false,
};

/** The interfaces whose hook answers with a verdict, and the method of a plugin that each calls. */
const STANZA_HOOKS = {
  pre: "onPre",
  incoming: "onIncoming",
  process: "onProcess",
  post: "onPost",
  filter: "onFilter",
  service: "onService",
};

/** What an error of the host's interfaces is on the wire where a plugin does not catch it. */
const HOST_ERRORS = {
  // storage, account-data, scheduler, router
  denied: ["service-unavailable"],
  "over-quota": ["resource-constraint", "wait"],
  conflict: ["internal-server-error", "wait"],
  unavailable: ["resource-constraint", "wait"],
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
  full: ["not-allowed"],
  invalid: ["not-acceptable"],
};

/** The same for errors that are variants: those of vhosts and server-control, of which `invalid` has a sentence with it. */
const HOST_VARIANTS = {
  denied: ["forbidden"],
  exists: ["conflict"],
  "not-found": ["item-not-found"],
  invalid: ["not-acceptable"],
  unavailable: ["resource-constraint", "wait"],
};

/**
 * Makes the exports of a plugin: `export const { lifecycle, process } = plugin({ ... })`, naming what
 * wit/world.wit exports.
 *
 * The definition has the fields of `description`, the `settings` with their defaults, the hooks (`onPre`,
 * `onIncoming`, `onProcess`, `onPost`, `onFilter`, `onService`, `onSession`, `onCommand`, `onAlarm`, `onReply`, `onExport`
 * and `onImport`), and perhaps `log`, the function of that name of `xmpp:plugin/runtime`: then the server's log says which exception ended a
 * call. Hooks find the settings as `this.settings`. They may be `async`.
 */
export function plugin(definition) {
  const known = [...Object.keys(DESCRIPTION), "log"];
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
    exported.sessions = { onSession: (session, change) => sessionHook(self, session, change) };
  }
  if (definition.onCommand) {
    exported.commands = { onCommand: (request) => commandHook(self, request) };
  }
  if (definition.onAlarm) {
    exported.alarms = { onAlarm: (...args) => alarmHook(self, args) };
  }
  if (definition.onReply) {
    exported.replies = { onReply: (...args) => replyHook(self, args) };
  }
  if (definition.onExport && definition.onImport) {
    exported.portable = {
      onExport: (...args) => portableHook(self, () => self.onExport(...args), page),
      onImport: (...args) => portableHook(self, () => self.onImport(...args), () => undefined),
    };
  }
  return exported;
}

function describe(definition) {
  const description = {};
  for (const [field, usual] of Object.entries(DESCRIPTION)) {
    description[field] = definition[field] ?? usual;
  }
  description.settings = Object.keys(description.settings).map(settingKey);
  description.accountIdentities = description.accountIdentities.map(parseIdentity);
  description.interests = description.interests.map((interest) => interest.fields ?? interest);
  description.sessionEvents = flags(description.sessionEvents, SESSION_EVENTS);
  return description;
}

/** How a setting is called in the config file. */
function settingKey(name) {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `a-b` in the config file is `aB` in JavaScript; a setting has the type of its default. */
function configure(settings, given) {
  for (const { key, value } of given) {
    const name = key.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
    if (!Object.hasOwn(settings, name)) {
      const keys = Object.keys(settings).map(settingKey);
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
  const verdict = (answer = "next") => (typeof answer === "string" ? { tag: answer } : answer);
  const bounce = (error) => ({ tag: "reject", val: stanzaError(self, error) });
  return settled(() => self[hook](...args), verdict, bounce);
}

function sessionHook(self, session, change) {
  // There is nobody to bounce to.
  const failed = (error) => void warn(self, "a session event", error) ?? "done";
  return settled(() => self.onSession(session, change), (flow = "done") => flow, failed);
}

function commandHook(self, request) {
  Object.setPrototypeOf(request, REQUEST);
  const failed = (error) => {
    // What is thrown is the error of a `result`.
    throw stanzaError(self, error);
  };
  return settled(() => self.onCommand(request), (reply) => reply, failed);
}

function alarmHook(self, args) {
  const failed = (error) => {
    self.log?.("error", described(error));
    // A call that fails is repeated later.
    throw error;
  };
  return settled(() => self.onAlarm(...args), () => undefined, failed);
}

function replyHook(self, args) {
  return settled(() => self.onReply(...args), () => undefined, (error) => warn(self, "a reply", error));
}

function portableHook(self, call, done) {
  const failed = (error) => {
    const { condition, text } = stanzaError(self, error);
    // What is thrown is the error of a `result`: a sentence for the operator.
    throw text ?? condition;
  };
  return settled(call, done, failed);
}

/** What `onExport` answers: elements, or a page of them. */
const page = (answer = []) => (Array.isArray(answer) ? { elements: answer } : answer);

/** What `call` comes to, now or once its promise is settled. */
function settled(call, done, failed) {
  try {
    const result = call();
    return typeof result?.then === "function" ? result.then(done).catch(failed) : done(result);
  } catch (error) {
    return failed(error);
  }
}

function warn(self, what, error) {
  const { condition, text } = stanzaError(self, error);
  self.log?.("warn", `${what} came to nothing: ${condition} ${text ?? ""}`);
}

/** The error as it goes to the sender. What is not meant for one ends the call with nothing kept. */
function stanzaError(self, error) {
  if (error instanceof StanzaError) {
    return { type: error.type, condition: error.condition, text: error.text };
  }
  const refusal = ofHost(error);
  if (refusal) return refusal;
  self.log?.("error", described(error));
  throw error;
}

/** What the host has refused, as it goes to the sender; `undefined` if it is something else that was thrown. */
function ofHost(error) {
  if (typeof error !== "object" || error === null || !("payload" in error)) return undefined;
  const { payload } = error;
  // An error that says no more, as those of resolver.
  if (payload === undefined) return { type: "wait", condition: "internal-server-error" };
  // A sentence for a person, as those of certificates.
  if (typeof payload === "string" && payload.includes(" ")) return { condition: "not-acceptable", text: payload };
  if (typeof payload === "string") {
    const [condition, type] = HOST_ERRORS[payload] ?? ["internal-server-error"];
    return { type, condition };
  }
  const [condition, type] = HOST_VARIANTS[payload?.tag] ?? [];
  return condition && { type, condition, text: payload.val };
}

const described = (error) => `${error?.payload ?? error}\n${error?.stack ?? ""}`.slice(0, 1000);

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
export const STRANGER = "stranger";
export const STREAM = "stream";

const TARGETS = [SERVER, OWN_ACCOUNT, OTHER_ACCOUNT, STRANGER, STREAM];
const SESSION_EVENTS = ["bound", "available", "priority", "unavailable", "closed"];

function flags(names, known) {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`no '${unknown}'; there are: ${known.join(", ")}`);
  return Object.fromEntries(names.map((name) => [name, true]));
}

/** Stanzas that a plugin wants to see: made by `iq`, `iqGet`, `iqSet`, `iqs`, `messages`, `presence`. */
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

const requests = (types) => (payload) => new Interest({ stage: "process", kind: "iq", types, payload });

/** IQ requests with this payload, `{namespace}name`. Say whose with `at`. */
export const iq = requests(["get", "set"]);
export const iqGet = requests(["get"]);
export const iqSet = requests(["set"]);

/** IQs of these types on their way in this stage, whatever they are addressed to; none means any. */
export const iqs = (stage, types = []) => new Interest({ stage, kind: "iq", types });

/** Messages of these types in this stage; none means any. A message without a type is a `normal` one. */
export const messages = (stage, types = []) => new Interest({ stage, kind: "message", types });

/** Presence of these types in this stage, the empty string for available; none means any. */
export const presence = (stage, types = []) => new Interest({ stage, kind: "presence", types });

/** A child of `<stream:features/>`, perhaps only where a setting of the virtual host is true. */
export const beforeLogin = (xml, setting = undefined) => ({ xml, phase: "before-login", setting });
export const afterLogin = (xml, setting = undefined) => ({ xml, phase: "after-login", setting });

/**
 * A name of the plugin's own: `bot` is `bot.example.org` under the virtual host `example.org`. The identity is a
 * registered category and type of service discovery (XEP-0030), `component/bot`, the label what a person reads. It is
 * not called `service`, because that is the hook that a plugin with such a name exports.
 */
export function ownService(name, identity, label, features = []) {
  return { name, ...parseIdentity(identity), label, features };
}

/** `pubsub/pep`. */
function parseIdentity(text) {
  const [category, type = "generic"] = text.split("/");
  return { category, type };
}

/**
 * An ad-hoc command (XEP-0050) for the administrators of the server; with `local-user`, for everybody. Options: the
 * `component` that lists it, and the `group` where tools that show many commands put it.
 */
export const command = (node, label, access = "admin", { component, group } = {}) => ({
  node,
  label,
  access,
  component,
  group,
});

/** A place that lists commands: `{ name: "vhost-man", label: "VHost Manager" }` is `vhost-man@` each virtual host. */
export const component = (name, label) => ({ name, label });

/** What a command answers: a form to fill in. With `state`, bytes, for a later step if there are several. */
export const ask = (form, { state = new Uint8Array(), hasPrev = false, hasNext = false } = {}) => ({
  tag: "step",
  val: { form, state, hasPrev, hasNext },
});

/**
 * The command is done, with a note for a person to read, a form that shows a result, or both. The severity `error` is
 * for one that could not be done.
 */
export const done = (note, form = undefined, severity = "info") => ({ tag: "done", val: { note, severity, form } });

/** A form: `form("Dice", [textField("sides", "Sides")])`. */
export const form = (title, fields = [], instructions = "") => ({ title, instructions, fields });

/** A form with rows below each other: `[["jid", "Address"]]` are name and label of each column. */
export const table = (form, columns, rows) => ({ ...form, table: { columns, rows } });

/**
 * A field of a form, of a type of `field-type`. Options: `value` or `values`, what is filled in already; `required`;
 * `hint`, a longer explanation; `wrong`, what is wrong with the value sent before; `choices`, label and value of each;
 * `range`, the least and the greatest whole number that it may be.
 */
export function field(type, variable, label, options = {}) {
  let { value, values, required = false, hint, wrong, choices = [], range } = options;
  values ??= value === undefined ? [] : [String(value)];
  choices = choices.map(([label, value]) => ({ label, value }));
  range = range?.map(BigInt);
  return { var: variable, type, label, required, values, choices, range, hint, wrong };
}

/** A line of text. */
export const textField = (variable, label, options) => field("text-single", variable, label, options);

/** Yes or no. */
export const yesField = (variable, label, options) => field("boolean", variable, label, options);

/** One of several: `[["Kind", "kind"], ["Cold", "cold"]]` are label and value of each. */
export const listField = (variable, label, choices, options) =>
  field("list-single", variable, label, { ...options, choices });

/** What every request of a command can besides its fields. */
const REQUEST = {
  /** The first value of a field as it was filled in; `undefined` if it was not. */
  answer(variable) {
    return this.all(variable)[0] || undefined;
  },
  /** All values of a field. */
  all(variable) {
    return this.answers.find((answer) => answer.var === variable)?.values ?? [];
  },
  /** Whether a field was answered with yes. */
  isYes(variable) {
    return ["1", "true"].includes(this.answer(variable));
  },
};

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
