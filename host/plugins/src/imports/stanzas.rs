//! `stanzas`: the content of the stanza of the call.

use crate::bindings::LentStanza;
use crate::bindings::xmpp::plugin::stanzas::{Host, HostStanza};
use crate::run::state::State;
use wasmtime::Result;
use wasmtime::component::Resource;
use waxwing_xmpp::{Element, Stanza};

impl Host for State {}

impl HostStanza for State {
    fn has(&mut self, _: Resource<LentStanza>, path: String) -> Result<bool> {
        Ok(self.stanza()?.has(&path))
    }

    fn child(&mut self, _: Resource<LentStanza>, path: String) -> Result<Option<String>> {
        Ok(self.stanza()?.child_xml(&path))
    }

    fn text(&mut self, _: Resource<LentStanza>, path: String) -> Result<Option<String>> {
        Ok(self.stanza()?.text(&path))
    }

    fn attribute(&mut self, _: Resource<LentStanza>, path: String, name: String) -> Result<Option<String>> {
        Ok(self.stanza()?.attribute(&path, &name))
    }

    fn children(&mut self, _: Resource<LentStanza>, path: String) -> Result<Vec<String>> {
        let stanza = self.stanza()?;
        if path.is_empty() {
            return Ok(stanza.children().map(|child| clark(child.ns(), child.name())).collect());
        }
        let element = stanza.child_xml(&path).and_then(|xml| Element::parse(&xml).ok());
        let children = element.iter().flat_map(Element::children);
        Ok(children.map(|child| clark(child.ns(), child.name())).collect())
    }

    fn to_xml(&mut self, _: Resource<LentStanza>) -> Result<String> {
        Ok(self.stanza()?.to_xml())
    }

    fn drop(&mut self, _: Resource<LentStanza>) -> Result<()> {
        Ok(())
    }
}

fn clark(ns: &str, name: &str) -> String {
    format!("{{{ns}}}{name}")
}

impl State {
    /// The one stanza that a handle can stand for. The runtime checks that handles do not outlive
    /// their call, so there always is one.
    fn stanza(&self) -> Result<&Stanza> {
        let stanza = self.call.as_ref().and_then(|call| call.stanza.as_ref());
        stanza.ok_or_else(|| wasmtime::format_err!("no stanza is lent to this call"))
    }
}
