// Every function of the host that a plugin may use, in one small thing each. A request to the plugin names one, and
// imports.rs beside this file knows what is to come of it, in every language.

import * as accountAdmin from "xmpp:plugin/account-admin@0.1.0";
import * as accountData from "xmpp:plugin/account-data@0.1.0";
import * as accounts from "xmpp:plugin/accounts@0.1.0";
import * as certificates from "xmpp:plugin/certificates@0.1.0";
import * as connections from "xmpp:plugin/connections@0.1.0";
import * as marks from "xmpp:plugin/marks@0.1.0";
import * as resolver from "xmpp:plugin/resolver@0.1.0";
import * as router from "xmpp:plugin/router@0.1.0";
import * as runtime from "xmpp:plugin/runtime@0.1.0";
import * as scheduler from "xmpp:plugin/scheduler@0.1.0";
import * as serverControl from "xmpp:plugin/server-control@0.1.0";
import * as storage from "xmpp:plugin/storage@0.1.0";
import * as vhosts from "xmpp:plugin/vhosts@0.1.0";
import { datetime, toBytes, toText, xml } from "./vendor/waxwing.js";

// router

export function say(from, to, text) {
  // To whom it says in `to`, as if `from` had sent it.
  router.send(xml`<message from='${from}' to='${to}'><body>${text}</body></message>`);
}

export function malformed() {
  router.send("<message");
}

export function invite(event) {
  // The same to many, each of whom gets it with the own address as `to`.
  const guests = accounts.contacts(event.senderBare, undefined, 100).map((contact) => contact.jid);
  router.sendToAll(xml`<message from='${event.vhost}'><body>Come all</body></message>`, guests);
  return "invited";
}

export function whisper(session, text) {
  // To this session and no other; if it is gone, to nobody.
  router.deliver(session, xml`<message to='${session}'><body>${text}</body></message>`);
}

export function ask(event) {
  // The reply comes to the hook `replies` together with the bytes, or word that none came within a second.
  const question = xml`<iq type='get' from='${event.vhost}' to='${event.sender}'><q xmlns='urn:x'/></iq>`;
  router.request(question, toBytes("context"), 1000);
  return "asked";
}

export function online(event) {
  // Sessions of an account, with this plugin's marks on each.
  const sessions = router.sessions(event.senderBare).filter((session) => session.available);
  return sessions.map(({ jid, priority, marks }) => `${jid} ${priority} ${marks}`).join();
}

// marks

export function mark(event) {
  // One of those that the plugin lists as its `marks`.
  marks.set(event.sender, "on", true);
  return "marked";
}

// storage: tables

export function visit(event) {
  const visits = storage.openTable("visits");
  const old = visits.get(event.senderBare, "count");
  const count = old ? Number(toText(old)) + 1 : 1;
  // If the value is another by the time of the commit, nothing of the call is kept.
  visits.swap(event.senderBare, "count", old, toBytes(String(count)));
  return count;
}

export function note(event) {
  // Text is kept as bytes.
  const notes = storage.openTable("notes");
  notes.set(event.senderBare, "note/1", toBytes("milk"));
  notes.set(event.senderBare, "note/2", toBytes("tea"));
  return "noted";
}

export function see(event) {
  // Not worth a wait for the disk: written within seconds, together with what others write. A crash may lose it.
  storage.openTable("seen").setSoon(event.senderBare, "time", toBytes(String(event.received)));
  return toText(storage.openTable("seen").get(event.senderBare, "time"));
}

export function notes(event) {
  // Keys that begin with `note/`, after none, 100 at most.
  return storage.openTable("notes").keys(event.senderBare, "note/", undefined, 100).join(" ");
}

export function latest(event) {
  // Values with their keys, from either end.
  const range = { prefix: "note/", backwards: true, limit: 1 };
  const [row] = storage.openTable("notes").scan(event.senderBare, range);
  return `${row.key} ${toText(row.value)}`;
}

export function forget(event) {
  // Together with the call's writes.
  storage.openTable("notes").unset(event.senderBare, "note/1");
  return "forgotten";
}

export function discard(event) {
  // Once the call's stanzas have left.
  storage.openTable("notes").delete(event.senderBare, "note/2");
  return "discarded";
}

// storage: logs

export function keep(event) {
  // At this time, with a tag, until a week later.
  const week = 7n * 24n * 3600n * 1000n;
  storage.openLog("kept").append(event.senderBare, event.received, "tag", toBytes("é"), event.received + week);
  return "kept";
}

export function kept(event) {
  // Oldest first, all of them.
  const entries = storage.openLog("kept").read(event.senderBare, { after: 0n, backwards: false, limit: 100 });
  return entries.map(({ id, at, tag, value }) => `${id} ${at} ${tag} ${toText(value)}`).join();
}

export function amount(event) {
  // Of one tag; without it, of all.
  return storage.openLog("kept").count(event.senderBare, "tag");
}

export function drop(event) {
  // One, by its id.
  storage.openLog("kept").remove(event.senderBare, 1n);
  return "dropped";
}

export function clear(event) {
  // All up to this id.
  storage.openLog("kept").trim(event.senderBare, 2n);
  return "cleared";
}

// account-data

export function prefer(event) {
  // At most 64 KiB for each account.
  accountData.set(event.senderBare, "tone", toBytes("kind"));
  return "preferred";
}

export function notice(event) {
  accountData.setSoon(event.senderBare, "seen", toBytes(String(event.received)));
  return "noticed";
}

export function preference(event) {
  const tone = accountData.get(event.senderBare, "tone");
  return tone ? toText(tone) : "none";
}

// scheduler

export function remind(event) {
  // Rings at the hook `alarms`. An owner has one alarm of each name.
  scheduler.set(event.senderBare, "tea", runtime.now() + 1000n, toBytes("ready"));
  return "set";
}

export function cancel(event) {
  scheduler.clear(event.senderBare, "tea");
  return "cleared";
}

// accounts

export function known(event) {
  // Accounts of this server.
  return ["nurse@capulet.example", "romeo@montague.example"].filter((jid) => accounts.exists(jid)).join();
}

export function trust(event) {
  // Of a roster: `none`, `to`, `from` or `both`.
  return accounts.subscriptionOf(event.senderBare, "romeo@montague.example");
}

export function friends(event) {
  // A roster, 100 contacts at a time.
  const contacts = accounts.contacts(event.senderBare, undefined, 100);
  return contacts.map(({ jid, subscription, groups }) => `${jid} ${subscription} ${groups}`).join();
}

// account-admin

export function register(event) {
  try {
    accountAdmin.create(`nurse@${event.vhost}`, "secret");
    return "registered";
  } catch (error) {
    if (error.payload === "exists") return "taken";
    throw error;
  }
}

export function change(event) {
  // Done at once.
  accountAdmin.setPassword(event.senderBare, "secret");
  return "changed";
}

export function leave(event) {
  // With all that it owns, once this call's answer has left.
  accountAdmin.remove(event.senderBare);
  return "removed";
}

export function block(event) {
  // Its sessions end, and it may not log in. With `true` it may again.
  accountAdmin.enable(event.senderBare, false);
  return "blocked";
}

export function member(event) {
  // Whether an account may log in, and since when it is there.
  const { enabled, created } = accountAdmin.get(event.senderBare);
  return `${enabled ? "welcome" : "blocked"} since ${datetime(created)}`;
}

export function members(event) {
  // Accounts of a domain, 100 at a time: the next ones come after the last of these.
  const accounts = accountAdmin.page(event.vhost, undefined, 100);
  return accounts.map(({ jid, enabled }) => `${jid} ${enabled}`).join();
}

export function others(event) {
  return accountAdmin.page(event.vhost, event.senderBare, 100).map(({ jid }) => jid).join();
}

export function population(event) {
  // All accounts of a domain, and those of them that may not log in.
  const numbers = accountAdmin.count(event.vhost);
  return `${numbers.accounts}, ${numbers.disabled} of them blocked`;
}

export function whence() {
  // The IP address of the client that has sent this stanza.
  return accountAdmin.clientAddress() ?? "unknown";
}

// vhosts

export function domains() {
  // In a command: those that its user manages.
  return vhosts.names().join();
}

export function rank(event) {
  // In a command, what its user may do with it: `none`, `admin`, `owner` or `server`.
  return vhosts.authorityOver(event.vhost);
}

export function rules(event) {
  // As in the config file. Where there is no such virtual host, there are no settings.
  const settings = vhosts.settings(event.vhost) ?? [];
  return settings.map(({ key, value }) => `${key}=${value}`).join();
}

export function found(event) {
  try {
    vhosts.add(`chat.${event.vhost}`, [{ key: "register", value: "true" }]);
    return "added";
  } catch (error) {
    // A variant has a tag; with `invalid`, `val` says what is wrong.
    if (error.payload?.tag === "exists") return "taken";
    throw error;
  }
}

export function collide(event) {
  vhosts.add(event.vhost, []);
}

export function misname() {
  vhosts.add("no domain", []);
}

export function overreach() {
  vhosts.remove("montague.example", true);
}

export function limit(event) {
  // The others stay as they are.
  vhosts.change(event.vhost, [{ key: "max-users", value: "10" }]);
  return "limited";
}

export function close(event) {
  // Its sessions end. With `true`, its accounts are erased as well.
  vhosts.remove(event.vhost, false);
  return "closed";
}

// connections

export function connected(event) {
  // Of a domain or of one account, 100 at a time.
  const all = connections.page(event.vhost, undefined, 100);
  return all.map(({ jid, since, address }) => `${jid} from ${address} since ${datetime(since)}`).join();
}

export function crowd(event) {
  return connections.count(event.vhost);
}

export function kick(event) {
  // One session or all of an account, whose clients are told why. It answers how many there were.
  return connections.end(event.senderBare, "We close at ten");
}

// certificates

export function expiry() {
  return certificates.all().map(({ domain, notAfter }) => `${domain} until ${datetime(notAfter)}`).join();
}

export function certify(event, pem = "-----BEGIN CERTIFICATE-----") {
  try {
    // The chain and its private key in one text.
    const { issuer } = certificates.put(event.vhost, pem);
    return `issued by ${issuer}`;
  } catch (error) {
    // What is wrong, in a sentence for a person.
    if (error.payload) return error.payload;
    throw error;
  }
}

export function miscertify(event) {
  return certify(event, "none");
}

export function uncertify(event) {
  certificates.put(event.vhost, "none");
}

// server-control

export function shunned() {
  // `administrators`, `blacklist` or `whitelist`.
  return serverControl.entries("blacklist").join();
}

export function shun(event, domain = "spam.example") {
  try {
    // The list as a whole: what is left out is off it.
    serverControl.setEntries("blacklist", [...serverControl.entries("blacklist"), domain]);
    return "shunned";
  } catch (error) {
    // Which address cannot be on it, in a sentence for a person.
    if (error.payload?.tag === "invalid") return error.payload.val;
    throw error;
  }
}

export function misshun(event) {
  return shun(event, "no domain");
}

export function stop() {
  // In good order, after so many seconds.
  serverControl.shutDown(30);
  return "stops";
}

export function restart() {
  serverControl.restart(30);
}

// resolver

export function addresses(event) {
  // None if it has none. If nobody knows now, it throws.
  return resolver.addresses(event.vhost).join();
}

export function services(event) {
  const records = resolver.services(`_xmpp-client._tcp.${event.vhost}`);
  return records.map(({ target, port }) => `${target}:${port}`).join();
}

export function unknown() {
  resolver.addresses("montague.example");
}

// runtime

export function clock() {
  // Milliseconds since 1970.
  return datetime(runtime.now());
}

export function report(event) {
  // A line in the server's log. Never put bodies or secrets there.
  runtime.log("info", `asked by ${event.senderBare}`);
  return "reported";
}

export function tally() {
  // `waxwing plugin info` shows it.
  runtime.count("asked", 1n);
  return "counted";
}

export function about() {
  // The server, and when it was started.
  const { name, started } = runtime.about();
  return `${name} since ${datetime(started)}`;
}

export function setting(event) {
  // A setting of the virtual host.
  return runtime.vhostSetting(event.vhost, "register") ?? "not set";
}

export function supports(event) {
  // What a virtual host announces in service discovery.
  return ["urn:test", "urn:other"].filter((feature) => runtime.hasFeature(event.vhost, feature)).join();
}

export function spelt() {
  // An address that somebody has typed, as the host spells addresses.
  return runtime.prepareAddress("Juliet@Example.org") ?? "not an address";
}

export function accepted() {
  // Whether the sender has had the server's word for the stanza: then a limit is no reason to refuse it.
  return runtime.isAccepted() ? "accepted" : "not yet";
}

export function token() {
  // Up to 1,024 unpredictable bytes.
  return Array.from(runtime.random(4), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
