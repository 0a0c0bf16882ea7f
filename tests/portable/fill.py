"""Gives accounts of a server something to move: contacts, a vCard, private data, messages. `fill.py PORT DOMAIN`; the
accounts juliet, romeo and tybalt are there, with the password `secret`. Needs slixmpp; no TLS."""

import asyncio
import sys
import xml.etree.ElementTree as ET

from slixmpp import ClientXMPP

port, domain = int(sys.argv[1]), sys.argv[2]


async def login(name):
    client = ClientXMPP(f"{name}@{domain}/fixture", "secret")
    client.auto_authorize, client.auto_subscribe = None, False
    client.enable_direct_tls = client.enable_starttls = False
    client.enable_plaintext = True
    client["feature_mechanisms"].unencrypted_plain = True
    client["feature_mechanisms"].unencrypted_scram = True
    client.register_plugin("xep_0054")
    ready = asyncio.get_running_loop().create_future()
    client.add_event_handler("session_start", lambda _: ready.set_result(None))
    client.add_event_handler("failed_all_auth", lambda _: ready.set_exception(RuntimeError("login refused")))
    client.connect("127.0.0.1", port)
    await asyncio.wait_for(ready, 20)
    client.send_presence()
    await client.get_roster()
    return client


async def leave(client):
    await asyncio.sleep(1)
    await client.disconnect()


async def iq_set(client, xml):
    iq = client.make_iq_set()
    iq.append(ET.fromstring(xml))
    await iq.send(timeout=20)


async def main():
    juliet, romeo, tybalt = [await login(name) for name in ("juliet", "romeo", "tybalt")]
    await iq_set(juliet, f"<query xmlns='jabber:iq:roster'><item jid='romeo@{domain}' name='Romeo &amp; only'>"
                 "<group>Friends</group><group>Verona</group></item></query>")
    juliet.send_presence_subscription(f"romeo@{domain}", ptype="subscribe")
    romeo.send_presence_subscription(f"juliet@{domain}", ptype="subscribe")
    await asyncio.sleep(1)
    romeo.send_presence_subscription(f"juliet@{domain}", ptype="subscribed")
    juliet.send_presence_subscription(f"romeo@{domain}", ptype="subscribed")
    # Nobody answers the first; the second is Tybalt's, who waits for her answer.
    juliet.send_presence_subscription(f"mercutio@{domain}", ptype="subscribe")
    asks = tybalt.make_presence(pto=f"juliet@{domain}", ptype="subscribe", pstatus="It is Tybalt", pfrom=f"tybalt@{domain}")
    asks.send()
    await iq_set(juliet, "<query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'><defaultnick>Juliet</defaultnick>"
                 "</exodus></query>")
    await iq_set(juliet, "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>"
                 "<conference name='Ball' jid='ball@muc.example.org'/></storage></query>")
    await iq_set(juliet, "<vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN><N><FAMILY>Capulet</FAMILY>"
                 "<GIVEN>Juliet</GIVEN></N></vCard>")
    await leave(juliet)
    for body in ("Neither, fair saint", "if either thee dislike & more"):
        romeo.send_message(f"juliet@{domain}", body, mtype="chat")
        await asyncio.sleep(0.2)
    await leave(romeo)
    await leave(tybalt)

asyncio.run(main())
