//! The config file of a server under test.

use std::fs;
use std::path::Path;

use super::{DOMAIN, ServerBuilder, plugins_cache, plugins_dir};
use crate::grants::{plugin_block, shipped_path};

impl ServerBuilder {
    /// Its text, for a server whose files are in this folder and whose data is there.
    pub(super) fn config(&self, dir: &Path, data_source: &str, port: u16, tls_port: u16) -> String {
        let plugins_dir = if self.has_own_folder() { dir.join("plugins") } else { plugins_dir() };
        let (cache, dir) = (plugins_cache(), dir.display());
        let (tls_required, settings) = (self.tls_required, &self.settings);
        let (start, plugins) = match self.as_shipped {
            true => (fs::read_to_string(shipped_path()).expect("the shipped config"), String::new()),
            false => (format!("'default-virtual-host' = '{DOMAIN}'"), self.plugin_blocks()),
        };
        format!(
            "\
{start}
'virtual-hosts' {{
    '{DOMAIN}' {{
        'tls-required' = {tls_required}
        register = {register}
        anonymous = {anonymous}
    }}
}}
c2s {{
    connections {{
        ports = [ {port}, {tls_port} ]
        {port} {{
            socket = 'plain'
            ifc = [ '127.0.0.1' ]
        }}
        {tls_port} {{
            socket = 'ssl'
            ifc = [ '127.0.0.1' ]
        }}
    }}
}}
dataSource {{
    default {{
        {data_source}
    }}
}}
certificates = '{dir}/certs'
'data-folder' = '{dir}/data'
'scram-iterations' = 4096
'sess-man' {{
    'plugins-folder' = '{plugins_dir}'
    'plugins-cache-folder' = '{cache}'
{plugins}}}
{settings}",
            register = self.register,
            anonymous = self.anonymous,
            plugins_dir = plugins_dir.display(),
            cache = cache.display(),
        )
    }

    /// The blocks of its plugins, those that are not bundled first.
    fn plugin_blocks(&self) -> String {
        let block = |name: &String| plugin_block(name, self.guests.contains(name));
        let components = self.components.iter().map(|component| format!("{}\n", component.block));
        components.chain(self.plugins.iter().map(block)).collect()
    }
}
