//! `waxwing plugin`: the words of the command line, what they ask of the server, and the question to the
//! operator that may come in between.

use crate::admin;
use crate::command::Request;
use crate::plugin_admin::PluginRequest;
use crate::plugin_make::Make;
use crate::plugin_values::{by_name, limit, own_limits, pair, policy, scope, settings, store};
use crate::plugin_view::Show;
use crate::wire::Answer;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use waxwing_config::Settings;
use waxwing_plugins::{
    Consent, GrantChange, Grants, HttpHost, Interfaces, NeedsConsent, Policy, Reach, SettingChange, Which,
    Wish,
};

/// Plugins.
#[derive(Subcommand)]
pub enum Plugin {
    /// Show all plugins: those of the config file, those that are installed, and files that nobody lists.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of one plugin: what it may do, what it has done, what it needs.
    Info {
        #[command(flatten)]
        which: Named,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Install a plugin. It runs at once and after every restart.
    Install(Box<Install>),
    /// Bring a new version of an installed plugin. If it fails in its first calls, the old one takes over.
    Upgrade(Upgrade),
    /// Go back to the version before the last upgrade.
    Rollback(Named),
    /// Remove an installed plugin. Its data stays unless it is to be erased.
    Remove {
        #[command(flatten)]
        which: Named,
        /// Erase all that it has stored, too.
        #[arg(long)]
        erase_data: bool,
    },
    /// Let an installed plugin run again.
    Enable(Named),
    /// Let an installed plugin rest; it keeps its grants, settings and data.
    Disable(Named),
    /// Read the file of a plugin of the config file again; its grants and settings stay those of the server's start.
    Reload {
        /// The name of the plugin.
        name: String,
    },
    /// Change what an installed plugin may do and use.
    Grant(Box<Grant>),
    /// Change settings of an installed plugin. A key that is there more than once has a list of values.
    Set {
        #[command(flatten)]
        which: Named,
        /// Settings.
        #[arg(value_name = "KEY=VALUE", value_parser = pair, required_unless_present = "unset")]
        values: Vec<(String, String)>,
        /// A setting that is to have its default.
        #[arg(long, value_name = "KEY")]
        unset: Vec<String>,
    },
    /// Write what a plugin is told, what it hears and what it does into a file, for its next calls. Ends with this
    /// command.
    Record(Record),
    /// Let another version run beside a plugin, with nothing coming of it, and compare the two. Without a file, show
    /// how they compare.
    Shadow(Shadow),
    /// What authors of plugins do, which needs no server.
    #[command(flatten)]
    Make(Make),
}

/// What to record.
#[derive(Args)]
pub struct Record {
    #[command(flatten)]
    which: Named,
    /// How many calls.
    #[arg(long, default_value_t = 100)]
    calls: u32,
    /// Replace what people have written by x.
    #[arg(long)]
    redact: bool,
    /// The file. It must not be there yet.
    #[arg(short, long, required_unless_present = "off")]
    output: Option<PathBuf>,
    /// End a recording that goes on.
    #[arg(long)]
    off: bool,
}

/// What runs beside a plugin.
#[derive(Args)]
pub struct Shadow {
    #[command(flatten)]
    which: Named,
    /// The component.
    file: Option<PathBuf>,
    /// Nothing any more.
    #[arg(long, conflicts_with = "file")]
    off: bool,
    /// How they compare, as JSON.
    #[arg(long, conflicts_with_all = ["file", "off"])]
    json: bool,
}

/// One plugin.
#[derive(Args)]
pub struct Named {
    /// The name of the plugin.
    name: String,
    /// The virtual host that it is installed for; '*' for all of them.
    #[arg(long, value_name = "DOMAIN", value_parser = scope)]
    vhost: Option<String>,
}

/// What a plugin may do.
#[derive(Args)]
pub struct Given {
    /// Interfaces of `wit/` that it may import and export, with commas between them.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    allow: Vec<String>,
    /// A store that it may keep, and how much it may hold: `--store notes=10M`; 0 is no limit, '*' any store.
    #[arg(long = "store", value_name = "NAME=SIZE", value_parser = store)]
    stores: Vec<(String, u64)>,
    /// A name that it may own under each of its virtual hosts.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// A host that it may send HTTP requests to, with or without a port.
    #[arg(long, value_name = "HOST")]
    http: Vec<HttpHost>,
    /// What becomes of a stanza whose call fails: pass, bounce, drop or default.
    #[arg(long, value_name = "WHAT", value_parser = policy)]
    on_failure: Option<Policy>,
    /// A limit of its own, such as `memory=32M` or `cpu=20ms`; `default` is the usual one.
    #[arg(long = "limit", value_name = "KEY=VALUE", value_parser = limit)]
    limits: Vec<(String, Option<u64>)>,
}

/// `waxwing plugin install`.
#[derive(Args)]
pub struct Install {
    /// The component.
    file: PathBuf,
    /// A virtual host that it is for; without any it is for all of them.
    #[arg(long = "vhost", value_name = "DOMAIN", value_parser = scope)]
    vhosts: Vec<String>,
    #[command(flatten)]
    given: Given,
    /// A new instance for each call, for a plugin that you do not trust.
    #[arg(long)]
    fresh: bool,
    /// A setting of its own. A key that is there more than once has a list of values.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// Allow all that it asks for, without a question.
    #[arg(long, visible_alias = "allow-all-requested")]
    yes: bool,
}

/// `waxwing plugin upgrade`.
#[derive(Args)]
pub struct Upgrade {
    /// The new component.
    file: PathBuf,
    /// The plugin that it must be, to be sure. The component says itself which it is.
    #[arg(long)]
    name: Option<String>,
    /// The virtual host that it is installed for; '*' for all of them.
    #[arg(long, value_name = "DOMAIN", value_parser = scope)]
    vhost: Option<String>,
    /// Allow what it asks for beyond what it has, without a question.
    #[arg(long, visible_alias = "allow-all-requested")]
    yes: bool,
}

/// `waxwing plugin grant`.
#[derive(Args)]
pub struct Grant {
    #[command(flatten)]
    which: Named,
    #[command(flatten)]
    given: Given,
    /// Interfaces that it may not use any more, with commas between them.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    deny: Vec<String>,
    /// A store that it may not keep any more.
    #[arg(long, value_name = "NAME")]
    no_store: Vec<String>,
    /// A name that it may not own any more.
    #[arg(long, value_name = "NAME")]
    no_service: Vec<String>,
    /// A host that it may not send HTTP requests to any more.
    #[arg(long, value_name = "HOST")]
    no_http: Vec<HttpHost>,
    /// Whether each call gets a new instance.
    #[arg(long, value_name = "BOOL")]
    fresh: Option<bool>,
}

impl From<Named> for Which {
    fn from(named: Named) -> Which {
        Which { name: named.name, scope: named.vhost }
    }
}

impl Given {
    fn grants(&self) -> anyhow::Result<Grants> {
        grants(&self.allow, by_name(&self.stores), &self.services, &self.http).context("--allow")
    }
}

fn grants(
    allow: &[String],
    stores: std::collections::BTreeMap<String, u64>,
    services: &[String],
    http: &[HttpHost],
) -> anyhow::Result<Grants> {
    let names = allow.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    Ok(Grants {
        allow: Interfaces::named(names)?,
        stores,
        services: services.iter().cloned().collect(),
        http: http.iter().cloned().collect(),
    })
}

/// A command as the server takes it, and what goes with it.
struct Order {
    request: PluginRequest,
    component: Vec<u8>,
    /// Agree to whatever it asks for.
    yes: bool,
    show: Show,
}

impl Order {
    fn new(request: PluginRequest) -> Order {
        Order { request, component: Vec::new(), yes: false, show: Show::Text }
    }

    fn read(plugin: Plugin, settings_of_server: &Settings) -> anyhow::Result<Order> {
        let most = settings_of_server.plugins.file_bytes;
        Ok(match plugin {
            Plugin::List { json } => Order { show: Show::json(json), ..Order::new(PluginRequest::List) },
            Plugin::Info { which, json } => {
                Order { show: Show::json(json), ..Order::new(PluginRequest::Info(which.into())) }
            }
            Plugin::Install(install) => {
                let Install { file, vhosts, given, fresh, settings: own, yes } = *install;
                let wish = Wish {
                    vhosts,
                    grants: given.grants()?,
                    reach: Reach::new(),
                    limits: own_limits(&given.limits),
                    policy: given.on_failure.unwrap_or_default(),
                    fresh,
                    settings: settings(&own),
                };
                Order {
                    component: component(&file, most)?,
                    yes,
                    ..Order::new(PluginRequest::Install(Box::new(wish)))
                }
            }
            Plugin::Upgrade(Upgrade { file, name, vhost, yes }) => {
                let request = PluginRequest::Upgrade { name, scope: vhost, agreed: Consent::default() };
                Order { component: component(&file, most)?, yes, ..Order::new(request) }
            }
            Plugin::Rollback(which) => Order::new(PluginRequest::Rollback(which.into())),
            Plugin::Remove { which, erase_data } => {
                Order::new(PluginRequest::Remove { which: which.into(), erase_data })
            }
            Plugin::Enable(which) => Order::new(PluginRequest::Enable(which.into())),
            Plugin::Disable(which) => Order::new(PluginRequest::Disable(which.into())),
            Plugin::Reload { name } => Order::new(PluginRequest::Reload(name)),
            Plugin::Grant(grant) => {
                let Grant { which, given, deny, no_store, no_service, no_http, fresh } = *grant;
                let gone = no_store.into_iter().map(|name| (name, 0)).collect();
                let change = GrantChange {
                    give: given.grants()?,
                    take: grants(&deny, gone, &no_service, &no_http).context("--deny")?,
                    limits: by_name(&given.limits),
                    policy: given.on_failure,
                    fresh,
                };
                anyhow::ensure!(!change.is_empty(), "say what is to change; `--help` shows what can");
                Order::new(PluginRequest::Grant { which: which.into(), change })
            }
            Plugin::Set { which, values, unset } => {
                let change = SettingChange { set: settings(&values), unset: unset.into_iter().collect() };
                Order::new(PluginRequest::Set { which: which.into(), change })
            }
            Plugin::Record(Record { which, calls, redact, output: Some(output), off: false }) => {
                let output = std::path::absolute(output)?;
                Order::new(PluginRequest::Record { which: which.into(), calls, redact, output })
            }
            Plugin::Record(Record { which, .. }) => Order::new(PluginRequest::RecordOff(which.into())),
            Plugin::Shadow(Shadow { which, file: Some(file), .. }) => {
                let request = PluginRequest::Shadow(which.into());
                Order { component: component(&file, most)?, ..Order::new(request) }
            }
            Plugin::Shadow(Shadow { which, off: true, .. }) => {
                Order::new(PluginRequest::ShadowOff(which.into()))
            }
            Plugin::Shadow(Shadow { which, json, .. }) => {
                let show = if json { Show::Json } else { Show::Shadows };
                Order { show, ..Order::new(PluginRequest::Info(which.into())) }
            }
            Plugin::Make(_) => anyhow::bail!("this needs no server"),
        })
    }

    /// The same with what the operator has agreed to.
    fn agree(self, agreed: Consent) -> Order {
        let request = match self.request {
            PluginRequest::Install(wish) => {
                let grants = wish.grants.plus(&agreed.grants);
                PluginRequest::Install(Box::new(Wish { grants, reach: agreed.reach, ..*wish }))
            }
            PluginRequest::Upgrade { name, scope, .. } => PluginRequest::Upgrade { name, scope, agreed },
            other => other,
        };
        Order { request, ..self }
    }
}

fn component(file: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let size = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    anyhow::ensure!(
        size <= most as u64,
        "{} has {size} bytes; `plugin-file-bytes` allows {most}",
        file.display()
    );
    // What says nothing of its size, as a device does, may have no end.
    let mut bytes = Vec::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("cannot read {}", file.display()))?;
    anyhow::ensure!(
        bytes.len() <= most,
        "{} is larger than `plugin-file-bytes` allows: {most}",
        file.display()
    );
    Ok(bytes)
}

/// Run a command, wherever the server is, and print what it answers.
pub async fn run(settings: Settings, plugin: Plugin) -> anyhow::Result<()> {
    let order = Order::read(plugin, &settings)?;
    let settings = Arc::new(settings);
    let (order, answer) = send(&settings, order).await?;
    let answer = match answer {
        Answer::NeedsConsent(question) => {
            println!("{}", describe(&question));
            if !order.yes {
                agree()?;
            }
            let order = order.agree(Consent { grants: question.missing, reach: question.reach });
            match send(&settings, order).await?.1 {
                Answer::NeedsConsent(_) => {
                    anyhow::bail!("it now asks for something else; nothing has changed")
                }
                answer => answer,
            }
        }
        Answer::Plugins(views) => return order.show.print(&views),
        answer => answer,
    };
    match answer {
        Answer::Ok(text) => println!("{text}"),
        Answer::Plugins(_)
        | Answer::Ctl(_)
        | Answer::Exported(_)
        | Answer::Imported(_)
        | Answer::Storage(_) => {
            anyhow::bail!("that is no answer to this command")
        }
        Answer::Error(why) => anyhow::bail!(why),
        Answer::NeedsConsent(_) => {}
    }
    Ok(())
}

async fn send(settings: &Arc<Settings>, order: Order) -> anyhow::Result<(Order, Answer)> {
    let Order { request, component, yes, show } = order;
    let (request, component) = (Request::Plugin(request), component);
    let answer = admin::ask(settings, &request, &component).await?;
    let Request::Plugin(request) = request else { anyhow::bail!("this is no command about plugins") };
    Ok((Order { request, component, yes, show }, answer))
}

/// What a component asks for, in words.
fn describe(question: &NeedsConsent) -> String {
    let NeedsConsent { name, version, summary, replaces, granted, asks, reach, .. } = question;
    let mut text = match replaces {
        None => format!(
            "{name} {version}: {}\n",
            if summary.is_empty() { "it does not say what it does" } else { summary }
        ),
        Some(from) => {
            format!("{name} {version}, in the place of {from}, asks for more than that.\n")
        }
    };
    let reach: Vec<String> = reach.iter().cloned().collect();
    let list = |text: &mut String, what: &str, sentences: &[String]| {
        if !sentences.is_empty() {
            text.push_str(&format!("{what}\n"));
            sentences.iter().for_each(|sentence| text.push_str(&format!("  - {sentence}\n")));
        }
    };
    if replaces.is_none() {
        list(&mut text, "You allow it to:", granted);
        list(&mut text, "It asks to:", asks);
        list(&mut text, "With that it would:", &reach);
    } else {
        list(&mut text, "It also asks to:", asks);
        list(&mut text, "With what it may it would also:", &reach);
    }
    text.trim_end().to_owned()
}

/// Ask on a terminal; without one, or without a yes, nothing is done.
fn agree() -> anyhow::Result<()> {
    let stdin = std::io::stdin();
    anyhow::ensure!(
        stdin.is_terminal(),
        "nothing has changed: there is no terminal to ask on; to allow this, add --yes"
    );
    print!("Allow this? [y/N] ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    anyhow::ensure!(matches!(line.trim(), "y" | "Y" | "yes"), "nothing has changed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use waxwing_plugins::EVERYWHERE;

    #[derive(Parser)]
    struct Words {
        #[command(subcommand)]
        plugin: Plugin,
    }

    fn order(words: &[&str]) -> anyhow::Result<Order> {
        let words = Words::try_parse_from([&["plugin"], words].concat())?;
        Order::read(words.plugin, &Settings::parse("", "config.tdsl", &Default::default())?)
    }

    #[test]
    fn words_become_a_request() {
        let words = "grant bot --vhost a.example --allow router,storage --store notes=1M --no-http B.example \
                     --deny marks --limit memory=default --limit cpu=9ms --on-failure drop --fresh false";
        let order = order(&words.split_whitespace().collect::<Vec<_>>()).unwrap();
        let PluginRequest::Grant { which, change } = order.request else { panic!("another request") };
        assert_eq!(which, Which { name: "bot".into(), scope: Some("a.example".into()) });
        assert_eq!(change.give.allow, Interfaces::named(["router", "storage"]).unwrap());
        assert_eq!(change.give.stores.get("notes"), Some(&(1 << 20)));
        assert!(change.take.http.contains(&"b.example".parse().unwrap()));
        assert_eq!(change.take.allow, Interfaces::named(["marks"]).unwrap());
        assert_eq!(change.limits.get("memory"), Some(&None));
        assert_eq!(change.limits.get("cpu"), Some(&Some(9)));
        assert_eq!((change.policy, change.fresh), (Some(Policy::Drop), Some(false)));
    }

    #[test]
    fn mistakes_are_named() {
        let said = |words: &[&str]| format!("{:#}", order(words).err().unwrap());
        assert!(said(&["grant", "bot", "--allow", "rooter"]).contains("rooter"));
        assert!(said(&["grant", "bot"]).contains("--help"));
        assert!(said(&["install", "/nowhere/bot.wasm"]).contains("/nowhere/bot.wasm"));
        assert!(said(&["set", "bot"]).contains("KEY=VALUE"));
        assert!(said(&["set", "bot", "colour"]).contains("KEY=VALUE"));
    }

    #[test]
    fn a_yes_grants_what_was_asked_for() {
        let grants = Grants { allow: Interfaces::named(["storage"]).unwrap(), ..Grants::default() };
        let more = Consent { grants, reach: Reach::from(["be shown messages".to_owned()]) };
        let install = Box::new(Wish { fresh: true, ..Wish::default() });
        match Order::new(PluginRequest::Install(install)).agree(more.clone()).request {
            PluginRequest::Install(wish) => {
                assert!(wish.fresh);
                assert_eq!((&wish.grants, &wish.reach), (&more.grants, &more.reach));
            }
            other => panic!("{other:?}"),
        }
        let upgrade =
            PluginRequest::Upgrade { name: None, scope: Some(EVERYWHERE.into()), agreed: Consent::default() };
        match Order::new(upgrade).agree(more.clone()).request {
            PluginRequest::Upgrade { agreed, .. } => assert_eq!(agreed, more),
            other => panic!("{other:?}"),
        }
    }
}
