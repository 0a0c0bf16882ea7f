//! The ports that clients connect to.

use super::block::block;
use super::kinds::{Block, Entry, Over, Setting, Shown, quote, read_inside, wrap};
use serde::Deserializer;
use serde::de::MapAccess;

block! {
    /// One port.
    pub struct Port {
        /// `'plain'`: the stream starts without encryption and TLS is offered by STARTTLS (RFC 6120,
        /// section 5). `'ssl'` (or `'tls'`): TLS from the first byte (XEP-0368), the
        /// default of the ports 5223 and 443.
        "socket" => socket: Socket = Socket::Plain,
        /// IP addresses to listen on; `'*'` is all of them, IPv4 and IPv6.
        "ifc" => interfaces: Vec<String> = vec!["*".to_owned()],
        /// New connections accepted in a second; more wait their turn. 0 is no limit.
        "new-connections-throttling" => new_connections_throttling: u32 = 200,
    }
    beside {
        /// The TCP port: the name of the block in the file.
        number: u16 = 0,
    }
}

impl Port {
    /// A port with the defaults of that number: 443 and 5223 are direct TLS, others STARTTLS.
    pub fn new(number: u16) -> Self {
        match number {
            443 | 5223 => {
                Self { socket: Socket::Ssl, new_connections_throttling: 50, number, ..Self::default() }
            }
            _ => Self { number, ..Self::default() },
        }
    }
}

/// How a connection on a port starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Socket {
    /// Without encryption; STARTTLS is offered.
    Plain,
    /// With TLS.
    Ssl,
}

impl Setting for Socket {
    const KIND: &'static str = "'plain' or 'ssl'";

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Word {
            Plain,
            Ssl,
            Tls,
        }
        Ok(match serde::Deserialize::deserialize(input)? {
            Word::Plain => Socket::Plain,
            Word::Ssl | Word::Tls => Socket::Ssl,
        })
    }

    fn show(&self) -> Shown {
        let word = match self {
            Socket::Plain => "plain",
            Socket::Ssl => "ssl",
        };
        Shown::Value { kind: Self::KIND, text: quote(word) }
    }
}

/// Client connections: in the file `c2s { connections { ports = [...] 5222 { ... } } }`.
#[derive(Clone, Debug, PartialEq)]
pub struct C2s {
    /// The ports to open, in the order of the file. A block opens its port, listed in `ports` or not.
    pub ports: Vec<Port>,
}

impl Default for C2s {
    fn default() -> Self {
        Self { ports: vec![Port::new(5222), Port::new(5223)] }
    }
}

impl C2s {
    /// Whether clients can come in through one of these ports; none listed is all of them.
    ///
    /// # Errors
    /// A sentence with the ports that are open.
    pub fn check_ports(&self, listed: &[u16]) -> Result<(), String> {
        if listed.is_empty() || self.ports.iter().any(|port| listed.contains(&port.number)) {
            return Ok(());
        }
        let open: Vec<_> = self.ports.iter().map(|port| port.number.to_string()).collect();
        Err(format!("no client could come in, because the ports that are open are {}", open.join(", ")))
    }
}

impl Setting for C2s {
    const KIND: &'static str = "block";

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let Connections { listed, blocks } = read_inside(input, &["connections"])?;
        let mut ports: Vec<Port> = match listed {
            Some(numbers) => numbers.into_iter().map(Port::new).collect(),
            None => Self::default().ports,
        };
        for block in blocks {
            match ports.iter_mut().find(|port| port.number == block.number) {
                Some(port) => *port = block,
                None => ports.push(block),
            }
        }
        Ok(Self { ports })
    }

    fn show(&self) -> Shown {
        let numbers: Vec<String> = self.ports.iter().map(|port| port.number.to_string()).collect();
        let ports = self.ports.iter().map(|port| (port.number.to_string(), port.describe())).collect();
        Shown::Block(wrap(
            "connections",
            vec![
                Entry {
                    key: "ports",
                    doc: vec![
                        " Ports to open. Listing them replaces the default; a block for a port opens it, listed or not.",
                    ],
                    shown: Shown::Value {
                        kind: "list of numbers",
                        text: format!("[ {} ]", numbers.join(", ")),
                    },
                },
                Entry { key: "", doc: vec![], shown: Shown::Named("port", ports) },
            ],
        ))
    }
}

/// The block `connections` as it is written.
#[derive(Default)]
struct Connections {
    listed: Option<Vec<u16>>,
    blocks: Vec<Port>,
}

impl Block for Connections {
    const KEYS: &'static [&'static str] = &["ports"];

    fn entry<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if key == "ports" {
            self.listed = Some(map.next_value()?);
        } else if let Ok(number) = key.parse() {
            self.blocks.push(map.next_value_seed(Over(Port::new(number)))?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn describe(&self) -> Vec<Entry> {
        Vec::new()
    }
}
