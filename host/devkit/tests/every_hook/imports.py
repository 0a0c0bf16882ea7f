"""Every function of the host that a plugin may use, in one small thing each. A request to the plugin names one, and
imports.rs beside this file knows what is to come of it, in every language."""

from componentize_py_types import Err
from waxwing import datetime, xml
from wit_world.imports import account_admin, account_data, accounts, marks, router, runtime, scheduler, storage

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


def token(event):
    # Up to 1,024 unpredictable bytes.
    return runtime.random(4).hex()
