//! What waits for an account, as the account's own clients see it (XEP-0013).

use crate::client::Client;

const NS: &str = "http://jabber.org/protocol/offline";
const INFO: &str = "http://jabber.org/protocol/disco#info";

impl Client {
    /// How many messages wait for its account. From now on none comes to this session unasked.
    #[track_caller]
    pub fn offline_messages(&mut self) -> u32 {
        self.send(format!("<iq type='get' id='offline'><query xmlns='{INFO}' node='{NS}'/></iq>"));
        let answer = self.expect(format!(
            "<iq type='result' id='offline'><query xmlns='{INFO}' node='{NS}'><feature var='{NS}'/>\
             <x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>{NS}</value></field>\
             <field var='number_of_messages'><value>*</value></field></x></query></iq>"
        ));
        let form = answer.child("query").and_then(|query| query.child("x")).expect("a form");
        let is_number = |field: &&crate::Node| field.attr("var") == Some("number_of_messages");
        let field = form.children.iter().find(is_number).expect("the number");
        field.child("value").and_then(|value| value.text.parse().ok()).expect("a whole number")
    }
}
