//! From a server to a file: virtual host by virtual host, account by account.

use super::file::Output;
use super::report::Exported;
use super::{PIE, PortableError, Progress, keys, roster, user, vhosts};
use crate::server::Server;
use std::path::Path;
use waxwing_plugins::PortableKind;
use waxwing_storage::Account;
use waxwing_xmpp::sasl::Hash;
use waxwing_xmpp::{Element, Jid, escape, ns};

/// Accounts read at a time.
const PAGE: u32 = 256;
/// Pages of one element of one account. A plugin that gives out more goes round in circles.
const PAGES: usize = 100_000;

impl Server {
    /// Write the accounts of these virtual hosts, or of all if none is named, into a new file. What other users do
    /// meanwhile is in it or not.
    ///
    /// # Errors
    /// See [`PortableError`]. Then there is no file.
    pub async fn export(
        &self,
        file: &Path,
        domains: &[String],
        progress: &Progress,
    ) -> Result<Exported, PortableError> {
        let mut vhosts = self.vhosts();
        if !domains.is_empty() {
            if let Some(unknown) = domains.iter().find(|domain| self.vhost(domain).is_none()) {
                return Err(PortableError::NoVhost(unknown.clone()));
            }
            vhosts.retain(|vhost| domains.iter().any(|domain| domain == vhost.domain()));
        }
        let mut total = 0;
        for vhost in &vhosts {
            total += self.storage.count_accounts(vhost.domain()).await?;
        }
        progress.expect(total);
        let mut report = Exported::default();
        let mut out = Output::create(file).await?;
        out.text().push_str("<?xml version='1.0' encoding='UTF-8'?>\n<server-data xmlns='");
        out.text().push_str(PIE);
        out.text().push_str("'>\n");
        for vhost in &vhosts {
            out.text().push_str(&format!("<host jid='{}'>\n", escape(vhost.domain())));
            if let Some(settings) = vhosts::element(&vhost.settings()) {
                line(&mut out, &settings);
            }
            self.export_accounts(vhost.domain(), &mut out, &mut report, progress).await?;
            out.text().push_str("</host>\n");
        }
        out.text().push_str("</server-data>\n");
        out.finish().await?;
        tracing::info!(file = %file.display(), accounts = report.accounts, "exported");
        Ok(report)
    }

    async fn export_accounts(
        &self,
        domain: &str,
        out: &mut Output,
        report: &mut Exported,
        progress: &Progress,
    ) -> Result<(), PortableError> {
        let mut kinds = self.engine.get().map(|engine| engine.portable(domain)).unwrap_or_default();
        // The order of the plugins is the operator's.
        kinds.sort_by(|(one, _), (other, _)| (&one.ns, &one.name).cmp(&(&other.ns, &other.name)));
        let mut after: Option<Jid> = None;
        loop {
            let page = self.storage.accounts(domain, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.jid.clone());
            for summary in page {
                // It may have been removed meanwhile, and half an import is nothing to be moved.
                if let Some(account) = self.storage.account(&summary.jid).await?
                    && !self.is_unfinished(&summary.jid).await?
                {
                    self.export_account(&account, &kinds, out, report).await?;
                }
                progress.step();
            }
        }
    }

    async fn export_account(
        &self,
        account: &Account,
        kinds: &[(PortableKind, String)],
        out: &mut Output,
        report: &mut Exported,
    ) -> Result<(), PortableError> {
        let name = account.jid.local().unwrap_or_default();
        out.text().push_str(&format!("<user name='{}'>\n", escape(name)));
        line(out, &user::element(account));
        for (hash, keys) in [(Hash::Sha1, &account.sha1), (Hash::Sha256, &account.sha256)] {
            if let Some(keys) = keys {
                line(out, &keys::element(hash, keys));
            }
        }
        let roster = self.storage.roster(&account.jid).await?;
        roster::elements(&roster).iter().for_each(|element| line(out, element));
        report.roster_items += roster.items.iter().filter(|item| !item.hidden).count() as u64;
        for (kind, plugin) in kinds {
            match self.export_kind(&account.jid, kind, out).await? {
                Ok(0) => {}
                Ok(count) => *report.elements.entry(plugin.clone()).or_default() += count,
                Err(why) => report.problems.add(format!("{}: {why}", account.jid)),
            }
        }
        out.text().push_str("</user>\n");
        report.accounts += 1;
        out.flush().await
    }

    /// What a plugin keeps, inside of one element. How many elements that were, or what went wrong.
    async fn export_kind(
        &self,
        account: &Jid,
        kind: &PortableKind,
        out: &mut Output,
    ) -> Result<Result<u64, String>, PortableError> {
        let mut count = 0;
        let done = self.export_pages(account, kind, out, &mut count).await?;
        if count > 0 && kind.children {
            out.text().push_str(&format!("</{}>\n", kind.name));
        }
        Ok(done.map(|()| count))
    }

    async fn export_pages(
        &self,
        account: &Jid,
        kind: &PortableKind,
        out: &mut Output,
        count: &mut u64,
    ) -> Result<Result<(), String>, PortableError> {
        let Some(engine) = self.engine.get() else { return Ok(Ok(())) };
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let page = match engine.export(account, kind, after.as_deref()).await {
                Ok(page) => page,
                Err(why) => return Ok(Err(why.to_string())),
            };
            for xml in &page.elements {
                // The engine has checked what it gives.
                let Ok(element) = Element::parse_in(xml, ns::CLIENT) else { continue };
                let is_it = *count == 0 && element.is(&kind.name, &kind.ns);
                if !kind.children && !is_it {
                    return Ok(Err(format!("the plugin gives out <{}> for {kind}", element.name())));
                }
                if *count == 0 && kind.children {
                    out.text().push_str(&format!("<{} xmlns='{}'>\n", kind.name, escape(&kind.ns)));
                }
                *count += 1;
                element.write(out.text(), if kind.children { &kind.ns } else { PIE });
                out.text().push('\n');
                out.flush().await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(Ok(()));
            }
        }
        Ok(Err(format!("the plugin gives out {kind} without end")))
    }

    /// Whether an import of this account has not come to its end.
    pub(super) async fn is_unfinished(&self, account: &Jid) -> Result<bool, PortableError> {
        let (store, key) = user::UNFINISHED;
        Ok(self.storage.table_get(store, account.as_str(), key).await?.is_some())
    }
}

/// An element on a line of its own.
fn line(out: &mut Output, element: &Element) {
    element.write(out.text(), PIE);
    out.text().push('\n');
}
