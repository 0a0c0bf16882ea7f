//! A scripted client: one XML stream, what to send on it and what must come back.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::scram::{Mechanism, Scram};
use crate::tls::{ANY_VERSION, TLS12, Transport};
use crate::xml::{Node, Part, Reader, STREAMS};

const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";

/// How long something that must come may take. Far more than it ever takes: a test that fails is a test that
/// waited.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// The server's stream header.
    Open(Node),
    /// A child of the stream: a stanza, features, an error…
    Element(Node),
    /// `</stream:stream>`
    Close,
    /// The connection's end.
    Eof,
}

/// One connection, and the stream on it.
pub struct Client {
    transport: Option<Transport>,
    reader: Reader,
    domain: String,
    /// The bound address; empty before.
    pub jid: String,
    /// The features that the server offered last.
    pub features: Node,
    /// Everything said so far, for the report of a failure.
    transcript: Vec<String>,
    syncs: u32,
}

impl Client {
    /// Connects over TCP; nothing is sent yet. `domain` is what the stream header will ask for.
    pub fn connect(addr: SocketAddr, domain: &str) -> Client {
        let tcp =
            TcpStream::connect(addr).unwrap_or_else(|error| panic!("cannot connect to {addr}: {error}"));
        tcp.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        tcp.set_nodelay(true).expect("no delay");
        Client {
            transport: Some(Transport::Plain(tcp)),
            reader: Reader::default(),
            domain: domain.into(),
            jid: String::new(),
            features: Node::default(),
            transcript: Vec::new(),
            syncs: 0,
        }
    }

    /// Connects with TLS from the first byte (XEP-0368).
    pub fn connect_tls(addr: SocketAddr, domain: &str) -> Client {
        let mut client = Client::connect(addr, domain);
        client.secure(Some("xmpp-client")).expect("a TLS handshake");
        client
    }

    /// Sends XML, or something that only looks like it.
    pub fn send(&mut self, xml: impl AsRef<str>) {
        self.send_bytes(xml.as_ref().as_bytes());
    }

    /// Sends bytes. That the server has already gone is no error here: what it said before is what counts.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
        self.transcript.push(format!("C: {shown}"));
        let transport = self.transport.as_mut().expect("a connection");
        let _ = transport.write_all(bytes).and_then(|()| transport.flush());
    }

    /// Ends our half of the TCP connection.
    pub fn shutdown_write(&mut self) {
        let _ = self.transport().tcp().shutdown(Shutdown::Write);
    }

    /// Cuts the connection without a word.
    pub fn abort(mut self) {
        if let Some(transport) = self.transport.take() {
            let _ = transport.tcp().shutdown(Shutdown::Both);
        }
    }

    /// The next thing to come. Panics, with all that was said before, if nothing comes or it is no XML.
    pub fn read(&mut self) -> Incoming {
        let mut buf = [0; 16 * 1024];
        loop {
            match self.reader.next() {
                Ok(Some(part)) => return self.incoming(part),
                Ok(None) => {}
                Err(error) => self.fail(&format!("the server sent malformed XML: {error}")),
            }
            match self.transport.as_mut().expect("a connection").read(&mut buf) {
                Ok(0) => return Incoming::Eof,
                Ok(n) => self.reader.feed(&buf[..n]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    self.fail("the server said nothing more")
                }
                Err(_) => return Incoming::Eof,
            }
        }
    }

    fn incoming(&mut self, part: Part) -> Incoming {
        let (line, incoming) = match part {
            Part::Open(node) => (format!("{node}"), Incoming::Open(node)),
            Part::Element(node) => (format!("{node}"), Incoming::Element(node)),
            Part::Close => ("</stream:stream>".into(), Incoming::Close),
        };
        self.transcript.push(format!("S: {line}"));
        incoming
    }

    /// The next element. Panics if the stream ends instead.
    pub fn next_element(&mut self) -> Node {
        match self.read() {
            Incoming::Element(node) => node,
            other => self.fail(&format!("expected an element, not {other:?}")),
        }
    }

    /// The next element, which must match the pattern (see [`Node::mismatch`]).
    #[track_caller]
    pub fn expect(&mut self, pattern: impl AsRef<str>) -> Node {
        let node = self.next_element();
        if let Some(why) = node.mismatch(&Node::parse(pattern.as_ref())) {
            self.fail(&format!("expected {}\nbut {why}", pattern.as_ref()));
        }
        node
    }

    /// The next elements, which must match the patterns, each one of them, in whatever order they come.
    /// Returns them in the order of the patterns.
    #[track_caller]
    pub fn expect_all<const N: usize>(&mut self, patterns: [&str; N]) -> [Node; N] {
        let parsed = patterns.map(Node::parse);
        let mut found = [const { None }; N];
        for _ in 0..N {
            let node = self.next_element();
            let free = (0..N).find(|&i| found[i].is_none() && node.mismatch(&parsed[i]).is_none());
            match free {
                Some(i) => found[i] = Some(node),
                None => self.fail(&format!("expected, in any order, {patterns:#?}\nbut not {node}")),
            }
        }
        found.map(|node| node.expect("one node a pattern"))
    }

    /// Everything that the server had for this session when it answered a request sent now. As stanzas of a
    /// session are handled in order, this is also how to wait until what was sent before has taken effect.
    #[track_caller]
    pub fn drain(&mut self) -> Vec<Node> {
        self.syncs += 1;
        let (id, domain) = (format!("sync-{}", self.syncs), self.domain.clone());
        self.send(format!("<iq type='get' id='{id}' to='{domain}'><ping xmlns='urn:xmpp:ping'/></iq>"));
        let mut before = Vec::new();
        loop {
            let node = self.next_element();
            if node.name == "iq" && node.attr("id") == Some(&id) {
                return before;
            }
            before.push(node);
        }
    }

    /// Nothing is under way to this session.
    #[track_caller]
    pub fn expect_nothing(&mut self) {
        let extra = self.drain();
        if !extra.is_empty() {
            self.fail(&format!("expected nothing, but {} stanzas came", extra.len()));
        }
    }

    /// The server ends the stream with this error: after a header of its own if there was none yet, followed
    /// by the end tag and the end of the connection (RFC 6120, section 4.9.1).
    #[track_caller]
    pub fn expect_stream_error(&mut self, condition: &str) {
        self.expect_stream_error_of(&[condition]);
    }

    /// The same, with one of these errors, where the RFC leaves a choice.
    #[track_caller]
    pub fn expect_stream_error_of(&mut self, conditions: &[&str]) {
        let error = loop {
            match self.read() {
                Incoming::Open(_) => {}
                Incoming::Element(node) if node.name == "error" && node.ns == STREAMS => break node,
                Incoming::Element(_) => {}
                other => self.fail(&format!("expected the stream error {conditions:?}, not {other:?}")),
            }
        };
        let named = |name: &&str| error.child_ns(name, "urn:ietf:params:xml:ns:xmpp-streams").is_some();
        if !conditions.iter().any(named) {
            self.fail(&format!("expected the stream error {conditions:?}, not {error}"));
        }
        self.expect_closed();
    }

    /// The end tag, then the end of the connection.
    #[track_caller]
    pub fn expect_closed(&mut self) {
        match self.read() {
            Incoming::Close => {}
            other => self.fail(&format!("expected the stream's end tag, not {other:?}")),
        }
        match self.read() {
            Incoming::Eof => {}
            other => self.fail(&format!("expected the connection's end, not {other:?}")),
        }
    }

    /// The connection's end, whatever is said before.
    #[track_caller]
    pub fn expect_end(&mut self) {
        while !matches!(self.read(), Incoming::Eof) {}
    }

    /// The connection's end, whatever bytes come before, XML or not.
    #[track_caller]
    pub fn expect_end_of_bytes(&mut self) {
        let mut buf = [0; 1024];
        loop {
            match self.transport.as_mut().expect("a connection").read(&mut buf) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    self.fail("the server keeps the connection open")
                }
                Err(_) => return,
            }
        }
    }

    /// Closes the stream as a client should, and waits until the server has done so too.
    #[track_caller]
    pub fn close(mut self) {
        self.send("</stream:stream>");
        loop {
            match self.read() {
                Incoming::Element(_) => {}
                Incoming::Close => break,
                other => self.fail(&format!("expected the stream's end tag, not {other:?}")),
            }
        }
    }

    /// The stream header that [`Client::open`] sends.
    pub fn header(&self) -> String {
        format!(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='{STREAMS}' to='{}' \
             version='1.0'>",
            self.domain
        )
    }

    /// Opens a stream, or opens it anew; returns the features.
    #[track_caller]
    pub fn open(&mut self) -> Node {
        self.reader = Reader::default();
        self.send(self.header());
        match self.read() {
            Incoming::Open(head) => {
                assert_eq!((head.name.as_str(), head.ns.as_str()), ("stream", STREAMS));
            }
            other => self.fail(&format!("expected a stream header, not {other:?}")),
        }
        self.features = self.expect("<stream:features/>");
        self.features.clone()
    }

    /// Negotiates STARTTLS; the stream has to be opened anew.
    #[track_caller]
    pub fn starttls(&mut self) {
        self.send(format!("<starttls xmlns='{TLS}'/>"));
        self.expect(format!("<proceed xmlns='{TLS}'/>"));
        self.secure(None).expect("a TLS handshake");
    }

    /// Goes on with a negotiation of STARTTLS that was asked for already. False if the server would rather
    /// not.
    pub fn try_starttls(&mut self) -> bool {
        matches!(self.read(), Incoming::Element(node) if node.name == "proceed") && self.secure(None).is_ok()
    }

    /// Shakes hands on the connection as it is.
    pub fn secure(&mut self, alpn: Option<&str>) -> std::io::Result<()> {
        self.secure_with(alpn, ANY_VERSION)
    }

    /// The same, with TLS 1.2.
    pub fn secure_tls12(&mut self) -> std::io::Result<()> {
        self.secure_with(None, TLS12)
    }

    fn secure_with(
        &mut self,
        alpn: Option<&str>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> std::io::Result<()> {
        let Some(Transport::Plain(tcp)) = self.transport.take() else { panic!("no plain connection") };
        self.transport = Some(Transport::secure(tcp, &self.domain, alpn, versions)?);
        Ok(())
    }

    /// The connection below.
    pub fn transport(&self) -> &Transport {
        self.transport.as_ref().expect("a connection")
    }

    /// Runs a SCRAM exchange; an error is the server's `<failure/>`.
    pub fn authenticate(&mut self, scram: &mut Scram) -> Result<(), Node> {
        self.scram_start(scram);
        let challenge = self.sasl_step("challenge")?;
        self.sasl_response(&scram.client_final(&challenge));
        let server_final = self.sasl_step("success")?;
        scram.check_server_final(&server_final);
        Ok(())
    }

    /// Begins a SCRAM exchange; returns the challenge.
    #[track_caller]
    pub fn scram_challenge(&mut self, scram: &mut Scram) -> String {
        self.scram_start(scram);
        self.sasl_step("challenge").unwrap_or_else(|failure| self.fail(&format!("no challenge: {failure}")))
    }

    fn scram_start(&mut self, scram: &Scram) {
        let first = BASE64.encode(scram.client_first());
        self.send(format!("<auth xmlns='{SASL}' mechanism='{}'>{first}</auth>", scram.mechanism.name()));
    }

    /// Sends a SASL response.
    pub fn sasl_response(&mut self, text: &str) {
        self.send(format!("<response xmlns='{SASL}'>{}</response>", BASE64.encode(text)));
    }

    /// Nothing is under way to this stream, on which nobody has logged in.
    #[track_caller]
    pub fn expect_nothing_before_login(&mut self) {
        self.send(format!("<auth xmlns='{SASL}' mechanism='X-PROBE'>AA==</auth>"));
        self.expect(format!("<failure xmlns='{SASL}'><invalid-mechanism/></failure>"));
    }

    /// A request made before the login is refused, by an error stanza or by the end of the stream.
    #[track_caller]
    pub fn expect_refusal_before_login(&mut self, id: &str) {
        let node = self.next_element();
        let stanza_error =
            node.name == "iq" && node.attr("type") == Some("error") && node.attr("id") == Some(id);
        let stream_error = node.name == "error" && node.ns == STREAMS;
        if !stanza_error && !stream_error {
            self.fail(&format!("expected a refusal, not {node}"));
        }
    }

    /// The text of the next SASL element, which is of this name or a failure.
    pub fn sasl_step(&mut self, name: &str) -> Result<String, Node> {
        let node = self.next_element();
        assert_eq!(node.ns, SASL, "a SASL element: {node}");
        if node.name == "failure" {
            return Err(node);
        }
        assert_eq!(node.name, name, "{node}");
        let text = BASE64.decode(&node.text).unwrap_or_else(|error| panic!("no base64: {error}: {node}"));
        Ok(String::from_utf8(text).expect("SCRAM in UTF-8"))
    }

    /// Binds a resource and remembers the address.
    #[track_caller]
    pub fn bind(&mut self, resource: Option<&str>) {
        let wish = resource.map(|name| format!("<resource>{name}</resource>")).unwrap_or_default();
        self.send(format!(
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>{wish}</bind></iq>"
        ));
        let bound = self.expect(
            "<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>*</jid></bind>\
            </iq>",
        );
        self.jid = bound.children[0].children[0].text.clone();
    }

    /// Everything from the header to the bound resource.
    #[track_caller]
    pub fn login(&mut self, user: &str, password: &str, resource: Option<&str>) {
        self.sign_in(user, password);
        self.bind(resource);
    }

    /// Everything from the header to the features after the login: STARTTLS unless there is TLS already, then
    /// SCRAM-SHA-256.
    #[track_caller]
    pub fn sign_in(&mut self, user: &str, password: &str) {
        let features = self.open();
        if matches!(self.transport(), Transport::Plain(_)) && features.child("starttls").is_some() {
            self.starttls();
            self.open();
        }
        if let Err(failure) = self.authenticate(&mut Scram::new(Mechanism::Sha256, user, password)) {
            self.fail(&format!("{user} cannot log in: {failure}"));
        }
        self.open();
    }

    /// The bound address without its resource.
    pub fn bare(&self) -> &str {
        self.jid.split('/').next().unwrap_or_default()
    }

    /// Sends initial presence and waits for its echo, which says that the session is available.
    #[track_caller]
    pub fn available(&mut self) {
        self.send("<presence/>");
        self.expect(format!("<presence from='{}'/>", self.jid));
    }

    /// Ends the test with all that was said on this stream.
    #[track_caller]
    pub fn fail(&self, why: &str) -> ! {
        let from = self.transcript.len().saturating_sub(40);
        panic!("{why}\n--- {} ---\n{}\n", self.jid, self.transcript[from..].join("\n"))
    }
}
