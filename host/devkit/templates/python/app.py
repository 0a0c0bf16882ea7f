"""Greets whoever asks, and knows whom it has greeted before."""

from waxwing import SERVER, Plugin, iq_get, local, reply, xml
from wit_world.imports import storage


class Greeter(Plugin):
    name = "{{name}}"
    version = "0.1.0"
    summary = "Greets whoever asks."
    features = ["urn:example:{{name}}"]
    # Which stanzas the plugin wants to see.
    interests = [iq_get("{urn:example:{{name}}}greet").at(SERVER)]

    # What has a type is a setting, and this what it is where the operator sets nothing.
    greeting: str = "Hello"

    def on_process(self, event, stanza):
        greeted = storage.open_table("greeted")
        again = " again" if greeted.get(event.sender_bare, "greeted") else ""
        greeted.set(event.sender_bare, "greeted", b"yes")
        greeting = f"{self.greeting}{again}, {local(event.sender)}!"
        return reply(xml("<greet xmlns='urn:example:{{name}}'>{}</greet>", greeting))
