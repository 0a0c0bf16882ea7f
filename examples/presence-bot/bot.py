"""Prints the presence of a domain's users: run it as the account that the domain's `Presence forward address` names."""

import argparse
import asyncio
import getpass
import os
import sys

from slixmpp import ClientXMPP

SHOWN = {"available": "online", "unavailable": "offline"}
CHANGES = {"available", "chat", "away", "xa", "dnd", "unavailable"}


class PresenceBot(ClientXMPP):
    """Whatever comes is printed; to keep it, write it into a database in `heard`."""

    def __init__(self, jid, password):
        super().__init__(jid, password)
        # It is nobody's contact.
        self.auto_authorize = False
        self.auto_subscribe = False
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("presence", self.heard)
        self.add_event_handler("failed_auth", lambda _: sys.exit("The server refuses the login"))

    def started(self, _):
        self.send_presence()
        print(f"Waiting for presence as {self.boundjid.full}", flush=True)

    def heard(self, presence):
        # Its own comes back to it, as to every client.
        if presence["type"] in CHANGES and presence["from"].bare != self.boundjid.bare:
            show = SHOWN.get(presence["type"], presence["type"])
            status = presence["status"] or "none"
            print(f"Presence received:\t{presence['from']} is now {show} ({status})", flush=True)


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jid", help="with its resource: bot@example.org/presence-collector")
    parser.add_argument("--server", help="HOST:PORT, where the DNS does not know it")
    given = parser.parse_args()
    password = os.environ.get("PRESENCE_BOT_PASSWORD") or getpass.getpass(f"Password of {given.jid}: ")
    bot = PresenceBot(given.jid, password)
    if given.server:
        host, port = given.server.rsplit(":", 1)
        bot.enable_direct_tls = False
        bot.connect(host, int(port))
    else:
        bot.connect()
    await bot.disconnected


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
