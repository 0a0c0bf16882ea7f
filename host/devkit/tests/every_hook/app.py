"""A plugin with every hook. What it does is what mod.rs beside it expects, in every language."""

import json

import imports
from imports import say, whisper
from waxwing import *
from waxwing import ask, component, done, form, list_field, table, text_field
from wit_world.imports import connections


class EveryHook(Plugin):
    name = "greeter"
    summary = "Has every hook."
    text: str = "a"
    yes_or_no: bool = False
    number: int = 1
    list: list = ["x"]
    interests = [
        messages(PRE, ["chat"]).with_payload("{urn:x}a"),
        presence(PRE, ["subscribe"]).marked("on", SENDER_ACCOUNT),
        iqs(PRE, ["set"]).with_payload("{urn:x}b"),
        messages(INCOMING).with_payload("{urn:x}spam"),
        iq("{urn:x}do").at(SERVER),
        messages(POST),
        messages(FILTER).order(5),
    ]
    session_events = AVAILABLE | UNAVAILABLE
    only_where = ["register"]
    marks = ["on"]
    stream_features = [after_login("<x xmlns='urn:x'/>")]
    serial = BY_SENDER
    services = [service("bot", "component/bot", "Bot", ["urn:x"])]
    components = [component("greetings", "Greetings")]
    commands = [
        command("hello", "Say hello", everybody=True),
        command("online", "Who is online", access="vhost-admin", component="greetings", group="Users"),
    ]
    portable = ["{urn:x}motto", "{urn:x}empty"]

    def on_pre(self, event, stanza):
        child = xml(
            "<seen xmlns='urn:x' by='{by}'>{}{}{}</seen>",
            event.message_type, raw("<b/>"), [1, "<"], by=bare(event.sender),
        )
        return replace(with_child(stanza.to_xml(), child))

    def on_incoming(self, event, stanza):
        if domain(event.sender) != event.vhost:
            raise StanzaError("policy-violation", "No spam from elsewhere")

    def on_process(self, event, stanza):
        what = stanza.attribute("{urn:x}do", "what")
        match what:
            case "settings":
                text = settings(self)
            case "address":
                text = address(event)
            case "look":
                text = look(stanza)
            case "refuse":
                raise StanzaError("not-allowed", "Not on Sundays")
            case "throw":
                return None.nothing
            case _ if hasattr(imports, what):
                text = getattr(imports, what)(event)
            case _:
                return NEXT
        return reply(xml("<is>{}</is>", text))

    def on_post(self, event, stanza):
        if stanza.has("body"):
            return HANDLED

    def on_filter(self, session, event, stanza):
        return NEXT if stanza.has("body") else DROP

    def on_service(self, event, stanza):
        say(event.to, event.sender, f"bot {stanza.text('body')}")
        return HANDLED

    def on_session(self, session, change):
        match change:
            case Available(priority):
                whisper(session, f"available {priority}")
            case Unavailable(status):
                whisper(session, f"unavailable {status or '-'}")

    def on_command(self, request):
        if request.node == "online":
            return online(request)
        name = request.answer("name")
        if name == "nobody":
            raise StanzaError("not-acceptable", "Nobody is no name")
        if name:
            return done(f"Hello, {name}")
        tones = list_field("tone", "Tone", [("Kind", "kind"), ("Cold", "cold")])
        times = text_field("times", "How often", 1, range=(1, 9), hint="Not too often")
        return ask(form("Hello", text_field("name", "Name", required=True), tones, times), state=b"1")

    def on_alarm(self, owner, name, due, data):
        say(domain(owner), owner, f"{name}, due at {datetime(due)}, is {data.decode()}")

    def on_reply(self, sender, context, answer, stanza):
        match answer:
            case Success():
                became, condition = "success", "-"
            case Failure(error):
                became, condition = "failure", error.condition.name.lower().replace("_", "-")
            case Timeout():
                became, condition = "timeout", "-"
        said = stanza and stanza.text("{urn:x}q") or "nothing"
        say(domain(sender), sender, f"{became} {context.decode()} {condition} {said}")

    def on_export(self, account, kind, after):
        if kind == "{urn:x}empty":
            return []
        # A page, and where the next one begins.
        return [xml("<motto xmlns='urn:x'>{} {}</motto>", account, after)] if after else Page([], "2")

    def on_import(self, account, kind, elements):
        if not elements.text(kind):
            raise StanzaError("bad-request", "A motto says something")
        say(domain(account), account, f"takes {kind} {elements.text(kind)}")


def online(request):
    # In a command: on virtual hosts that its user manages.
    rows = [[one.jid, datetime(one.since)] for one in connections.page(request.vhost, None, 100)]
    if not rows:
        return done("You may see nobody", severity="error")
    return done(form=form("Online", table=table([("jid", "Address"), ("since", "Since")], rows)))


def settings(plugin):
    values = {"text": plugin.text, "yesOrNo": plugin.yes_or_no, "number": plugin.number, "list": plugin.list}
    return json.dumps(values, separators=(",", ":"))


def address(event):
    parts = " ".join(part(event.sender) for part in (local, domain, resource))
    return f"{parts} {event.account} {event.type} {datetime(event.received)}"


def look(stanza):
    [first] = stanza.children("")
    return f"{first} {stanza.child(first)}"
