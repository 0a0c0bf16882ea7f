"""Every function of the host that a plugin may use, in one small thing each. A request to the plugin names one, and
imports.rs beside this file knows what is to come of it, in every language."""

from componentize_py_types import Err
from waxwing import datetime, xml
from wit_world.imports import account_admin, account_data, accounts, certificates, connections, marks
from wit_world.imports import resolver, router, runtime, scheduler, server_control, storage, vhosts

# router


def say(sender, to, text):
    # To whom it says in `to`, as if `from` had sent it.
    router.send(xml("<message from='{}' to='{}'><body>{}</body></message>", sender, to, text))


def malformed(event):
    router.send("<message")


def invite(event):
    # The same to many, each of whom gets it with the own address as `to`.
    guests = [contact.jid for contact in accounts.contacts(event.sender_bare, None, 100)]
    router.send_to_all(xml("<message from='{}'><body>Come all</body></message>", event.vhost), guests)
    return "invited"


def whisper(session, text):
    # To this session and no other; if it is gone, to nobody.
    router.deliver(session, xml("<message to='{}'><body>{}</body></message>", session, text))


def ask(event):
    # The reply comes to the hook `replies` together with the bytes, or word that none came within a second.
    question = xml("<iq type='get' from='{}' to='{}'><q xmlns='urn:x'/></iq>", event.vhost, event.sender)
    router.request(question, b"context", 1000)
    return "asked"


def online(event):
    # Sessions of an account, with this plugin's marks on each.
    sessions = [session for session in router.sessions(event.sender_bare) if session.available]
    return ",".join(f"{session.jid} {session.priority} {','.join(session.marks)}" for session in sessions)


# marks


def mark(event):
    # One of those that the plugin lists as its `marks`.
    marks.set(event.sender, "on", True)
    return "marked"


# storage: tables


def visit(event):
    visits = storage.open_table("visits")
    old = visits.get(event.sender_bare, "count")
    count = int(old) + 1 if old else 1
    # If the value is another by the time of the commit, nothing of the call is kept.
    visits.swap(event.sender_bare, "count", old, str(count).encode())
    return count


def note(event):
    # Text is kept as bytes.
    notes = storage.open_table("notes")
    notes.set(event.sender_bare, "note/1", b"milk")
    notes.set(event.sender_bare, "note/2", b"tea")
    return "noted"


def see(event):
    # Not worth a wait for the disk: written within seconds, together with what others write. A crash may lose it.
    storage.open_table("seen").set_soon(event.sender_bare, "time", str(event.received).encode())
    return storage.open_table("seen").get(event.sender_bare, "time").decode()


def notes(event):
    # Keys that begin with `note/`, after none, 100 at most.
    return " ".join(storage.open_table("notes").keys(event.sender_bare, "note/", None, 100))


def latest(event):
    # Values with their keys, from either end.
    wanted = storage.Range(prefix="note/", after=None, before=None, backwards=True, limit=1)
    [row] = storage.open_table("notes").scan(event.sender_bare, wanted)
    return f"{row.key} {row.value.decode()}"


def forget(event):
    # Together with the call's writes.
    storage.open_table("notes").unset(event.sender_bare, "note/1")
    return "forgotten"


def discard(event):
    # Once the call's stanzas have left.
    storage.open_table("notes").delete(event.sender_bare, "note/2")
    return "discarded"


# storage: logs


def keep(event):
    # At this time, with a tag, until a week later.
    week = 7 * 24 * 3600 * 1000
    storage.open_log("kept").append(event.sender_bare, event.received, "tag", "é".encode(), event.received + week)
    return "kept"


def kept(event):
    # Oldest first, all of them.
    everything = storage.Query(0, before=None, since=None, until=None, tag=None, backwards=False, limit=100)
    entries = storage.open_log("kept").read(event.sender_bare, everything)
    return ",".join(f"{entry.id} {entry.at} {entry.tag} {entry.value.decode()}" for entry in entries)


def amount(event):
    # Of one tag; without it, of all.
    return storage.open_log("kept").count(event.sender_bare, "tag")


def drop(event):
    # One, by its id.
    storage.open_log("kept").remove(event.sender_bare, 1)
    return "dropped"


def clear(event):
    # All up to this id.
    storage.open_log("kept").trim(event.sender_bare, 2)
    return "cleared"


# account-data


def prefer(event):
    # At most 64 KiB for each account.
    account_data.set(event.sender_bare, "tone", b"kind")
    return "preferred"


def notice(event):
    account_data.set_soon(event.sender_bare, "seen", str(event.received).encode())
    return "noticed"


def preference(event):
    tone = account_data.get(event.sender_bare, "tone")
    return tone.decode() if tone else "none"


# scheduler


def remind(event):
    # Rings at the hook `alarms`. An owner has one alarm of each name.
    scheduler.set(event.sender_bare, "tea", runtime.now() + 1000, b"ready")
    return "set"


def cancel(event):
    scheduler.clear(event.sender_bare, "tea")
    return "cleared"


# accounts


def known(event):
    # Accounts of this server.
    return ",".join(jid for jid in ("nurse@capulet.example", "romeo@montague.example") if accounts.exists(jid))


def trust(event):
    # Of a roster: `none`, `to`, `from` or `both`.
    return accounts.subscription_of(event.sender_bare, "romeo@montague.example").name.lower()


def friends(event):
    # A roster, 100 contacts at a time.
    contacts = accounts.contacts(event.sender_bare, None, 100)
    lines = [f"{one.jid} {one.subscription.name.lower()} {','.join(one.groups)}" for one in contacts]
    return ",".join(lines)


# account-admin


def register(event):
    try:
        account_admin.create(f"nurse@{event.vhost}", "secret")
        return "registered"
    except Err as error:
        if error.value == account_admin.Error.EXISTS:
            return "taken"
        raise


def change(event):
    # Done at once.
    account_admin.set_password(event.sender_bare, "secret")
    return "changed"


def leave(event):
    # With all that it owns, once this call's answer has left.
    account_admin.remove(event.sender_bare)
    return "removed"


def block(event):
    # Its sessions end, and it may not log in. With `True` it may again.
    account_admin.enable(event.sender_bare, False)
    return "blocked"


def member(event):
    # Whether an account may log in, and since when it is there.
    account = account_admin.get(event.sender_bare)
    return f"{'welcome' if account.enabled else 'blocked'} since {datetime(account.created)}"


def members(event):
    # Accounts of a domain, 100 at a time: the next ones come after the last of these.
    accounts = account_admin.page(event.vhost, None, 100)
    return ",".join(f"{one.jid} {str(one.enabled).lower()}" for one in accounts)


def others(event):
    return ",".join(one.jid for one in account_admin.page(event.vhost, event.sender_bare, 100))


def population(event):
    # All accounts of a domain, and those of them that may not log in.
    numbers = account_admin.count(event.vhost)
    return f"{numbers.accounts}, {numbers.disabled} of them blocked"


def whence(event):
    # The IP address of the client that has sent this stanza.
    return account_admin.client_address() or "unknown"


# vhosts


def domains(event):
    # In a command: those that its user manages.
    return ",".join(vhosts.names())


def rank(event):
    # In a command, what its user may do with it: `none`, `admin`, `owner` or `server`.
    return vhosts.authority_over(event.vhost).name.lower()


def rules(event):
    # As in the config file. Where there is no such virtual host, there are no settings.
    settings = vhosts.settings(event.vhost) or []
    return ",".join(f"{setting.key}={setting.value}" for setting in settings)


def found(event):
    try:
        vhosts.add(f"chat.{event.vhost}", [vhosts.Setting("register", "true")])
        return "added"
    except Err as error:
        # A variant is a class for each case; `Error_Invalid` has the `value` that says what is wrong.
        if isinstance(error.value, vhosts.Error_Exists):
            return "taken"
        raise


def collide(event):
    vhosts.add(event.vhost, [])


def misname(event):
    vhosts.add("no domain", [])


def overreach(event):
    vhosts.remove("montague.example", True)


def limit(event):
    # The others stay as they are.
    vhosts.change(event.vhost, [vhosts.Setting("max-users", "10")])
    return "limited"


def close(event):
    # Its sessions end. With `True`, its accounts are erased as well.
    vhosts.remove(event.vhost, False)
    return "closed"


# connections


def connected(event):
    # Of a domain or of one account, 100 at a time.
    everybody = connections.page(event.vhost, None, 100)
    return ",".join(f"{one.jid} from {one.address} since {datetime(one.since)}" for one in everybody)


def crowd(event):
    return connections.count(event.vhost)


def kick(event):
    # One session or all of an account, whose clients are told why. It answers how many there were.
    return connections.end(event.sender_bare, "We close at ten")


# certificates


def expiry(event):
    return ",".join(f"{one.domain} until {datetime(one.not_after)}" for one in certificates.all())


def certify(event, pem="-----BEGIN CERTIFICATE-----"):
    try:
        # The chain and its private key in one text.
        certificate = certificates.put(event.vhost, pem)
        return f"issued by {certificate.issuer}"
    except Err as error:
        # What is wrong, in a sentence for a person.
        return error.value


def miscertify(event):
    return certify(event, "none")


def uncertify(event):
    certificates.put(event.vhost, "none")


# server-control


def shunned(event):
    # `ADMINISTRATORS`, `BLACKLIST` or `WHITELIST`.
    return ",".join(server_control.entries(server_control.AccessList.BLACKLIST))


def shun(event, domain="spam.example"):
    blacklist = server_control.AccessList.BLACKLIST
    try:
        # The list as a whole: what is left out is off it.
        server_control.set_entries(blacklist, [*server_control.entries(blacklist), domain])
        return "shunned"
    except Err as error:
        # Which address cannot be on it, in a sentence for a person.
        if isinstance(error.value, server_control.Error_Invalid):
            return error.value.value
        raise


def misshun(event):
    return shun(event, "no domain")


def stop(event):
    # In good order, after so many seconds.
    server_control.shut_down(30)
    return "stops"


def restart(event):
    server_control.restart(30)


# resolver


def addresses(event):
    # None if it has none. If nobody knows now, it raises.
    return ",".join(resolver.addresses(event.vhost))


def services(event):
    records = resolver.services(f"_xmpp-client._tcp.{event.vhost}")
    return ",".join(f"{record.target}:{record.port}" for record in records)


def unknown(event):
    resolver.addresses("montague.example")


# runtime


def clock(event):
    # Milliseconds since 1970.
    return datetime(runtime.now())


def report(event):
    # A line in the server's log. Never put bodies or secrets there.
    runtime.log(runtime.Level.INFO, f"asked by {event.sender_bare}")
    return "reported"


def tally(event):
    # `waxwing plugin info` shows it.
    runtime.count("asked", 1)
    return "counted"


def about(event):
    # The server, and when it was started.
    software = runtime.about()
    return f"{software.name} since {datetime(software.started)}"


def setting(event):
    # A setting of the virtual host.
    return runtime.vhost_setting(event.vhost, "register") or "not set"


def supports(event):
    # What a virtual host announces in service discovery.
    return ",".join(feature for feature in ("urn:test", "urn:other") if runtime.has_feature(event.vhost, feature))


def spelt(event):
    # An address that somebody has typed, as the host spells addresses.
    return runtime.prepare_address("Juliet@Example.org") or "not an address"


def accepted(event):
    # Whether the sender has had the server's word for the stanza: then a limit is no reason to refuse it.
    return "accepted" if runtime.is_accepted() else "not yet"


def token(event):
    # Up to 1,024 unpredictable bytes.
    return runtime.random(4).hex()
