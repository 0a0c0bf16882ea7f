"""A bot at bot.VHOST: it answers messages, and whoever adds it to their contacts sees it online."""

from waxwing import HANDLED, NEXT, Kind, Plugin, datetime, service, xml
from wit_world.imports import router

HELP = "help: this. echo TEXT: TEXT again. time: what time it is at the server."


class AnsweringMachine(Plugin):
    name = "answering-machine"
    version = "1.0.0"
    summary = "A bot that answers messages: help, echo and time."
    services = [service("bot", "client/bot", "Answering machine")]

    # A setting: what the bot says to what it does not understand.
    confused: str = "I do not understand. Try: help"

    def on_service(self, event, stanza):
        match event.header.kind:
            case Kind.MESSAGE:
                return self.on_message(event, stanza)
            case Kind.PRESENCE:
                return self.on_presence(event)
            case Kind.IQ:
                # Service discovery of the bot is the server's work, and it refuses the rest.
                return NEXT

    def on_message(self, event, stanza):
        body = stanza.text("body")
        # An error must not be answered, or two machines might talk for ever. Chat states have no body.
        if body and event.message_type in ("chat", "normal"):
            answer = xml("<body>{}</body>", self.answer(body, event.received))
            reply = "<message type='{}' from='{}' to='{}'>{}</message>"
            router.send(xml(reply, event.message_type, event.to, event.sender, answer))
        return HANDLED

    def answer(self, text, now):
        match text.strip().split(maxsplit=1):
            case ["echo", rest]:
                return rest
            case [word] if word.lower() == "help":
                return HELP
            case [word] if word.lower() == "time":
                return f"It is {datetime(now)}"
            case _:
                return self.confused

    def on_presence(self, event):
        available = xml("<presence from='{}' to='{}'/>", event.to, event.sender_bare)
        other = "<presence type='{}' from='{}' to='{}'/>"
        match event.type:
            case "subscribe":
                router.send(xml(other, "subscribed", event.to, event.sender_bare))
                router.send(available)
            case "probe":
                router.send(available)
            case "unsubscribe":
                router.send(xml(other, "unsubscribed", event.to, event.sender_bare))
        return HANDLED
