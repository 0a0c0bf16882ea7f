"""A plugin with every hook. What it does is what mod.rs beside it expects, in every language."""

import json

from waxwing import *
from waxwing import ask, done, form, list_field, text_field
from wit_world.imports import router, runtime, scheduler, storage


def say(sender, to, text):
    router.send(xml("<message from='{}' to='{}'><body>{}</body></message>", sender, to, text))


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
        iq("{urn:x}do").at(SERVER),
        messages(POST),
        messages(FILTER).order(5),
    ]
    session_events = AVAILABLE | UNAVAILABLE
    marks = ["on"]
    stream_features = [after_login("<x xmlns='urn:x'/>")]
    serial = BY_SENDER
    services = [service("bot", "component/bot", "Bot", ["urn:x"])]
    commands = [command("hello", "Say hello", everybody=True)]

    def on_pre(self, event, stanza):
        child = xml(
            "<seen xmlns='urn:x' by='{by}'>{}{}{}</seen>",
            event.message_type, raw("<b/>"), [1, "<"], by=bare(event.sender),
        )
        return replace(with_child(stanza.to_xml(), child))

    def on_process(self, event, stanza):
        match stanza.attribute("{urn:x}do", "what"):
            case "settings":
                settings = {"text": self.text, "yesOrNo": self.yes_or_no, "number": self.number, "list": self.list}
                return reply(xml("<is>{}</is>", json.dumps(settings, separators=(",", ":"))))
            case "address":
                parts = " ".join(part(event.sender) for part in (local, domain, resource))
                rest = f"{event.account} {event.type} {datetime(event.received)}"
                return reply(xml("<is>{} {}</is>", parts, rest))
            case "refuse":
                raise StanzaError("not-allowed", "Not on Sundays")
            case "store":
                store = storage.open_log("kept")
                store.append(event.sender_bare, event.received, "tag", "é".encode(), None)
                query = storage.Query(0, None, None, None, None, False, 9)
                [entry] = store.read(event.sender_bare, query)
                count = store.count(event.sender_bare, None)
                return reply(xml("<is>{} {} {} {}</is>", entry.value.decode(), entry.at, entry.tag, count))
            case "malformed":
                router.send("<message")
                return HANDLED
            case "alarm":
                scheduler.set(event.sender_bare, "tea", runtime.now() + 1000, b"ready")
                return reply()
            case "ask":
                query = xml("<iq type='get' from='{}' to='{}'><q xmlns='urn:x'/></iq>", event.vhost, event.sender)
                router.request(query, b"context", 1000)
                return HANDLED
            case "throw":
                return None.nothing

    def on_post(self, event, stanza):
        return HANDLED if stanza.has("body") else None

    def on_filter(self, session, event, stanza):
        return NEXT if stanza.has("body") else DROP

    def on_service(self, event, stanza):
        say(event.to, event.sender, f"bot {stanza.text('body')}")
        return HANDLED

    def on_session(self, session, change):
        match change:
            case Available(priority):
                text = f"available {priority}"
            case Unavailable(status):
                text = f"unavailable {status or '-'}"
        message = xml("<message from='{}'><body>{}</body></message>", domain(session), text)
        router.deliver(session, message)

    def on_command(self, request):
        name = request.answer("name")
        if name == "nobody":
            raise StanzaError("not-acceptable", "Nobody is no name")
        if name:
            return done(f"Hello, {name}")
        tones = list_field("tone", "Tone", [("Kind", "kind"), ("Cold", "cold")])
        return ask(form("Hello", text_field("name", "Name", required=True), tones), state=b"1")

    def on_alarm(self, owner, name, due, data):
        kind = {int: "bigint"}[type(due)]
        say(domain(owner), owner, f"{name} is {data.decode()} {kind}")

    def on_reply(self, sender, context, answer, stanza):
        match answer:
            case Success():
                text = "success {} undefined"
            case Failure(error):
                text = "failure {} " + error.condition.name.lower().replace("_", "-")
            case Timeout():
                text = "timeout {} undefined"
        said = stanza.text("{urn:x}q") if stanza else None
        say(domain(sender), sender, f"{text.format(context.decode())} {said or 'undefined'}")
