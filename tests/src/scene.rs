//! People whose server loses its database: what must go on, what may fail and how, and what must be there afterwards.

use crate::client::Client;
use crate::moment::eventually;
use crate::postgres::Postgres;
use crate::server::Server;
use crate::xml::Node;

/// Romeo and juliet, who are online and need nothing of the database, and benvolio, who does: he writes to nurse, who
/// is offline, and adds contacts.
pub struct Scene {
    /// Their server.
    pub server: Server,
    romeo: Client,
    juliet: Client,
    benvolio: Client,
    /// Numbers that he has used.
    used: u32,
    /// Messages to nurse that he heard no error of.
    kept: Vec<u32>,
    /// Contacts that he was told he has.
    contacts: Vec<u32>,
}

impl Scene {
    /// With their data in this database.
    pub fn new(postgres: &Postgres) -> Scene {
        Scene::of(&postgres.data_source())
    }

    /// With these lines of `dataSource { default { ... } }`.
    pub fn of(data_source: &str) -> Scene {
        let server = Server::builder()
            .users(["romeo", "juliet", "benvolio", "nurse"])
            .endless_queues()
            .data_source(data_source)
            .start();
        let mut romeo = server.online("romeo/orchard");
        let mut juliet = server.online("juliet/balcony");
        server.befriend(&mut romeo, &mut juliet);
        let benvolio = server.online("benvolio/square");
        let mut scene = Scene { server, romeo, juliet, benvolio, used: 0, kept: vec![], contacts: vec![] };
        scene.works();
        scene
    }

    /// Those who are online talk to each other: messages, presence, requests.
    #[track_caller]
    pub fn chat(&mut self) {
        let (romeo, juliet) = (&mut self.romeo, &mut self.juliet);
        romeo.send("<message to='juliet@localhost' type='chat'><body>She speaks.</body></message>");
        juliet.expect("<message from='romeo@localhost/orchard'><body>She speaks.</body></message>");
        juliet.send("<message to='romeo@localhost/orchard' type='chat'><body>Ay me!</body></message>");
        romeo.expect("<message from='juliet@localhost/balcony'><body>Ay me!</body></message>");
        juliet.send("<presence><show>away</show></presence>");
        juliet.expect("<presence from='juliet@localhost/balcony'><show>away</show></presence>");
        romeo.expect("<presence from='juliet@localhost/balcony'><show>away</show></presence>");
        romeo.send("<iq type='get' id='v' to='juliet@localhost/balcony'><q xmlns='urn:example:q'/></iq>");
        juliet.expect("<iq type='get' id='v' from='romeo@localhost/orchard'><q xmlns='urn:example:q'/></iq>");
        juliet.send("<iq type='result' id='v' to='romeo@localhost/orchard'/>");
        romeo.expect("<iq type='result' id='v' from='juliet@localhost/balcony'/>");
    }

    /// What needs the database works.
    #[track_caller]
    pub fn works(&mut self) {
        self.write_to_nurse().expect("a message is kept");
        self.add_contact().expect("a contact is kept");
        self.server.try_sign_in("nurse").map(drop).expect("a login");
        self.chat();
    }

    /// The same, as soon as the server has noticed that it can.
    #[track_caller]
    pub fn recovers(&mut self) {
        eventually("a message is kept", || self.write_to_nurse().is_ok());
        eventually("a contact is kept", || self.add_contact().is_ok());
        eventually("somebody can log in", || self.server.try_sign_in("nurse").is_ok());
        self.works();
    }

    /// Nothing that needs the database works, and everybody is told to try again later.
    #[track_caller]
    pub fn fails(&mut self) {
        self.writes_fail();
        let failure = self.server.try_sign_in("nurse").map(drop).expect_err("a login without the database");
        let expected =
            "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><temporary-auth-failure/></failure>";
        assert!(failure.matches(expected), "{failure}");
        self.chat();
    }

    /// The same of what writes to the database.
    #[track_caller]
    pub fn writes_fail(&mut self) {
        for error in [
            self.write_to_nurse().expect_err("a message is kept without the database"),
            self.add_contact().expect_err("a contact is kept without the database"),
        ] {
            is_to_wait(&error);
        }
    }

    /// Benvolio sends a message to nurse. Whether he is told to try again later.
    #[track_caller]
    pub fn is_refused(&mut self) -> bool {
        self.write_to_nurse().inspect_err(is_to_wait).is_err()
    }

    /// Benvolio sends a message to nurse, without looking what becomes of it. [`Scene::answer`] does.
    pub fn send_to_nurse(&mut self) {
        self.used += 1;
        let n = self.used;
        self.benvolio
            .send(format!("<message to='nurse@localhost' type='chat' id='m{n}'><body>{n}</body></message>"));
    }

    /// What becomes of the message sent last.
    #[track_caller]
    pub fn answer(&mut self) -> Result<(), Node> {
        let id = format!("m{}", self.used);
        let came = self.benvolio.drain().into_iter().find(|node| node.attr("id") == Some(&id));
        match came {
            Some(error) => Err(error),
            None => {
                self.kept.push(self.used);
                Ok(())
            }
        }
    }

    #[track_caller]
    fn write_to_nurse(&mut self) -> Result<(), Node> {
        self.send_to_nurse();
        self.answer()
    }

    #[track_caller]
    fn add_contact(&mut self) -> Result<(), Node> {
        self.used += 1;
        let n = self.used;
        self.benvolio.send(format!(
            "<iq type='set' id='c{n}'><query xmlns='jabber:iq:roster'><item jid='friend{n}@localhost'/></query></iq>"
        ));
        let id = format!("c{n}");
        let answer = loop {
            let node = self.benvolio.next_element();
            if node.attr("id") == Some(&id) {
                break node;
            }
        };
        if answer.attr("type") == Some("error") {
            return Err(answer);
        }
        self.contacts.push(n);
        Ok(())
    }

    /// Nurse comes online, and benvolio looks at his contacts: all that was acknowledged is there, once. What
    /// was refused may be there too, if the server could not know what had become of it.
    #[track_caller]
    pub fn nothing_is_lost(mut self) {
        let mut nurse = self.server.login("nurse/house");
        nurse.send("<presence/>");
        nurse.expect("<presence from='nurse@localhost/house'/>");
        let came: Vec<u32> =
            nurse.drain().iter().map(|message| message.body().parse().expect("a number")).collect();
        assert!(came.windows(2).all(|pair| pair[0] < pair[1]), "not in order, or not once: {came:?}");
        let lost: Vec<_> = self.kept.iter().filter(|n| !came.contains(n)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?} of {:?}", self.kept);
        self.benvolio.drain();
        self.benvolio.send("<iq type='get' id='all'><query xmlns='jabber:iq:roster'/></iq>");
        let roster =
            self.benvolio.expect("<iq type='result' id='all'><query xmlns='jabber:iq:roster'/></iq>");
        for n in &self.contacts {
            let item = format!("<item xmlns='jabber:iq:roster' jid='friend{n}@localhost'/>");
            let found = roster.children[0].children.iter().any(|node| node.matches(&item));
            assert!(found, "the contact {n} was acknowledged and is lost: {roster}");
        }
    }

    /// The lines of the server's log about its database, since `from`, a length of the log.
    pub fn complaints(&self, from: usize) -> Vec<String> {
        let log = self.server.log();
        let is_complaint = |line: &&str| {
            (line.contains("WARN") || line.contains("ERROR"))
                && (line.contains("database") || line.contains("storage"))
        };
        log[from..].lines().filter(is_complaint).map(String::from).collect()
    }
}

/// An error stanza that says that it may work later.
#[track_caller]
fn is_to_wait(stanza: &Node) {
    let error = stanza.child("error").unwrap_or_else(|| panic!("no error: {stanza}"));
    let condition = error.child_ns("resource-constraint", "urn:ietf:params:xml:ns:xmpp-stanzas");
    assert!(error.attr("type") == Some("wait") && condition.is_some(), "{stanza}");
}
