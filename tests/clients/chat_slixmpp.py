"""A chat client built on slixmpp, driven line by line: the lines are described where the tests start it, in
src/chat.rs. Certificates are checked against $SSL_CERT_FILE."""

import asyncio
import os
import sys

from slixmpp import ClientXMPP


class Chat(ClientXMPP):
    """Says what happens to it on standard output."""

    def __init__(self, jid, password):
        super().__init__(jid, password)
        # Who may subscribe is for the tests to say.
        self.auto_authorize = None
        self.auto_subscribe = False
        self.enable_direct_tls = False
        self.register_plugin("xep_0012")
        self.register_plugin("xep_0013")
        self.register_plugin("xep_0050")
        # The number of offline messages is in a form (XEP-0128).
        self.register_plugin("xep_0128")
        self.register_plugin("xep_0203")
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.said)
        self.add_event_handler("presence", self.changed)
        self.add_event_handler("failed_auth", lambda _: sys.exit("login refused"))

    async def started(self, _):
        # Whoever has fetched the roster hears of its changes (RFC 6121, section 2.2).
        await self.get_roster()
        if "WAXWING_TEST_UNAVAILABLE" not in os.environ:
            self.send_presence()
        say("online", self.boundjid)

    def said(self, message):
        if message["body"]:
            kind = "stored" if message.get_plugin("delay", check=True) is not None else "live"
            say(kind, message["from"], message["body"])

    def changed(self, presence):
        kind = presence.xml.get("type", "available")
        say("presence", kind, presence["from"])

    async def run_command(self, jid, node, fields):
        """Fill in each form of a command, leaving as it is what there is no field for, until it has ended."""
        commands = self["xep_0050"]
        answer = (await commands.send_command(jid, node, action="execute"))["command"]
        while answer["status"] == "executing":
            form = answer["form"]
            say("form", form["title"], *(var for var, field in form.get_fields().items() if field["type"] != "hidden"))
            form["type"] = "submit"
            form.set_values({var: value for var, value in fields.items() if var in form.get_fields()})
            action = "next" if "next" in answer["actions"] else "complete"
            step = {"action": action, "sessionid": answer["sessionid"], "payload": [form]}
            answer = (await commands.send_command(jid, node, **step))["command"]
        say(answer["status"], *(text for _, text in answer["notes"]))

    async def discover(self, jid, node=None):
        items = (await self["xep_0030"].get_items(jid=jid, node=node))["disco_items"]["items"]
        for address, node, name in items:
            say("item", address, node or "-", name)
        say("discovered", jid)

    async def look_through(self, command, node=None):
        offline = self.plugin["xep_0013"]
        if command == "count":
            form = (await offline.get_count())["disco_info"]["form"]
            say("count", form["values"]["number_of_messages"])
        elif command == "headers":
            for jid, node, name in (await offline.get_headers())["disco_items"]["items"]:
                say("header", name, node)
        elif command == "view":
            results = []
            await offline.view([node], callback=lambda iq: results.extend(iq["offline"]["results"]))
            for message in results:
                say("viewed", message["offline"]["item"]["node"], message["body"])
        elif command == "remove":
            await offline.remove([node])
            say("removed")
        else:
            await offline.purge()
            say("purged")

    async def obey(self, line):
        command, *words = line.split(" ", 2)
        if command == "subscribe":
            self.send_presence(pto=words[0], ptype="subscribe")
        elif command == "accept":
            self.send_presence(pto=words[0], ptype="subscribed")
        elif command == "chat":
            self.send_message(mto=words[0], mbody=words[1], mtype="chat")
        elif command == "run":
            fields = dict(field.split("=") for field in words[1].split(";")) if len(words) > 1 else {}
            await self.run_command(*words[0].split("#", 1), fields)
        elif command == "discover":
            await self.discover(*words)
        elif command in ("count", "headers", "view", "remove", "purge"):
            await self.look_through(command, *words)
        elif command == "last":
            last = (await self.plugin["xep_0012"].get_last_activity(words[0]))["last_activity"]
            say("last", last["seconds"], last["status"])
        elif command == "roster":
            # With roster versioning the answer may be empty: the library's own copy is the roster.
            await self.get_roster()
            for jid in self.client_roster:
                if jid != self.boundjid.bare:
                    say("contact", jid, self.client_roster[jid]["subscription"])
            say("roster")
        else:
            sys.exit(f"no such command: {line}")


def say(*words):
    print(*words, flush=True)


async def main(address, jid, password):
    host, port = address.rsplit(":", 1)
    chat = Chat(jid, password)
    chat.connect(host, int(port))
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := (await commands.readline()).decode().rstrip("\n"):
        if line == "quit":
            break
        await chat.obey(line)
    await chat.disconnect()
    say("offline")


asyncio.run(main(*sys.argv[1:]))
