//! A scripted client with stream management (XEP-0198): it counts what it gets, answers requests, loses its
//! connection and comes back.

use std::time::Duration;

use socket2::SockRef;

use crate::client::Client;
use crate::server::Server;
use crate::xml::Node;

const SM: &str = "urn:xmpp:sm:3";

/// A client that acknowledges stanzas.
pub struct Managed {
    /// The stream.
    pub client: Client,
    /// By which it can be resumed; empty if it cannot.
    pub id: String,
    /// Stanzas that have come, since stream management was enabled.
    pub h: u32,
    /// Whether requests to acknowledge are answered.
    pub answers: bool,
}

impl Managed {
    /// Enables it on a bound stream; `attributes` as `resume='true'`.
    #[track_caller]
    pub fn enable(mut client: Client, attributes: &str) -> Managed {
        client.send(format!("<enable xmlns='{SM}' {attributes}/>"));
        let enabled = client.expect(format!("<enabled xmlns='{SM}'/>"));
        let id = enabled.attr("id").unwrap_or_default().to_owned();
        Managed { client, id, h: 0, answers: true }
    }

    /// A session of `user/resource` that can be resumed, available.
    #[track_caller]
    pub fn online(server: &Server, who: &str) -> Managed {
        let mut managed = Managed::enable(server.login(who), "resume='true'");
        managed.client.send("<presence/>");
        managed.drain();
        managed
    }

    /// Goes on, on a new connection, with a session of which `h` stanzas have come. Answers how many of its
    /// own the server has handled, or else the connection, logged in without a resource, and the `<failed/>`.
    #[track_caller]
    pub fn resume(
        server: &Server,
        user: &str,
        id: &str,
        h: u32,
    ) -> Result<(Managed, u32), Box<(Client, Node)>> {
        Managed::resume_on(server.signed_in(user), id, h)
    }

    /// The same on a connection that has logged in and has no resource yet.
    #[track_caller]
    pub fn resume_on(mut client: Client, id: &str, h: u32) -> Result<(Managed, u32), Box<(Client, Node)>> {
        client.send(format!("<resume xmlns='{SM}' previd='{id}' h='{h}'/>"));
        let answer = client.next_element();
        if answer.name != "resumed" {
            return Err(Box::new((client, answer)));
        }
        assert!(answer.matches(&format!("<resumed xmlns='{SM}' previd='{id}' h='*'/>")), "{answer}");
        let handled = answer.attr("h").and_then(|h| h.parse().ok()).expect("a number");
        Ok((Managed { client, id: id.to_owned(), h, answers: true }, handled))
    }

    /// The next stanza. What is between stanzas is dealt with.
    #[track_caller]
    pub fn next_stanza(&mut self) -> Node {
        loop {
            let node = self.client.next_element();
            match (node.ns.as_str(), node.name.as_str()) {
                (SM, "r") if self.answers => self.acknowledge(),
                (SM, "r") => {}
                ("jabber:client", _) => {
                    self.h = self.h.wrapping_add(1);
                    return node;
                }
                _ => self.client.fail(&format!("neither a stanza nor a request: {node}")),
            }
        }
    }

    /// The next message.
    #[track_caller]
    pub fn message(&mut self) -> Node {
        loop {
            let node = self.next_stanza();
            if node.name == "message" {
                return node;
            }
        }
    }

    /// Says how many stanzas have come.
    pub fn acknowledge(&mut self) {
        self.client.send(format!("<a xmlns='{SM}' h='{}'/>", self.h));
    }

    /// How many stanzas the server says it has handled. Only for a stream to which nothing is under way.
    #[track_caller]
    pub fn handled(&mut self) -> u32 {
        self.client.send(format!("<r xmlns='{SM}'/>"));
        loop {
            let node = self.client.next_element();
            match node.name.as_str() {
                "a" => return node.attr("h").and_then(|h| h.parse().ok()).expect("a number"),
                "r" if self.answers => self.acknowledge(),
                "r" => {}
                _ => self.client.fail(&format!("expected an acknowledgement, not {node}")),
            }
        }
    }

    /// Everything that the server had for this session when it answered a request sent now.
    #[track_caller]
    pub fn drain(&mut self) -> Vec<Node> {
        let id = format!("drain-{}", self.h);
        self.client
            .send(format!("<iq type='get' id='{id}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"));
        let mut before = Vec::new();
        loop {
            let node = self.next_stanza();
            if node.name == "iq" && node.attr("id") == Some(&id) {
                return before;
            }
            before.push(node);
        }
    }

    /// The connection breaks: it is reset (TCP RST), and what has not been read is lost.
    pub fn reset(self) {
        let tcp = self.client.transport().tcp();
        SockRef::from(tcp).set_linger(Some(Duration::ZERO)).expect("no lingering");
        // Dropped now.
    }
}
