//! Why a call comes to nothing.

use std::time::Duration;
use waxwing_xmpp::Condition;

/// The most bytes of state that a step may leave for the next.
pub(crate) const STATE: usize = 64 << 10;

/// A plugin has used up its CPU budget.
#[derive(Debug, thiserror::Error)]
#[error("it has computed for more than {} ms", .0.as_millis())]
pub(crate) struct CpuSpent(pub Duration);

/// Why a call came to nothing. None of its effects have happened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("it trapped: {0}")]
    Trap(String),
    #[error(transparent)]
    Cpu(CpuSpent),
    #[error("the call took more than {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("too many calls are waiting for it")]
    Busy,
    #[error("a new instance does not start: {0}")]
    Refused(String),
    #[error("it returned `{0}`, which this stage or stanza does not have")]
    WrongVerdict(&'static str),
    #[error("it returned `{0}` with XML that cannot be sent")]
    BadXml(&'static str),
    #[error("its answer with what it sends has more than {0} bytes")]
    LargeAnswer(usize),
    #[error("its step left more than {} bytes of state", STATE)]
    BigState,
    #[error("the storage did not do as asked: {0}")]
    Storage(#[from] waxwing_storage::Error),
    #[error("its stanzas lead to calls that send more, without end")]
    Chain,
    #[error("it has failed too often lately")]
    Suspended,
}

impl Failure {
    /// Whether it tells something about the plugin itself.
    pub fn is_its_own(&self) -> bool {
        !matches!(self, Failure::Storage(_) | Failure::Suspended | Failure::Busy)
    }

    /// What a sender hears whose stanza comes back because of it. What will pass is of type `wait`.
    pub fn condition(&self) -> Condition {
        match self {
            Failure::Storage(waxwing_storage::Error::Unavailable(_)) | Failure::Busy => {
                Condition::ResourceConstraint
            }
            _ => Condition::InternalServerError,
        }
    }
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        let error = match error.downcast::<CpuSpent>() {
            Ok(spent) => return Failure::Cpu(spent),
            Err(error) => error,
        };
        match error.downcast::<waxwing_storage::Error>() {
            Ok(error) => Failure::Storage(error),
            Err(error) => Failure::Trap(one_line(&error)),
        }
    }
}

/// The innermost reason first, then where it happened.
fn one_line(error: &wasmtime::Error) -> String {
    let place = error.to_string();
    let first = |text: &str| text.lines().take(4).map(str::trim).collect::<Vec<_>>().join("; ");
    match error.root_cause().to_string() {
        cause if cause == place => cause,
        cause => format!("{cause} ({})", first(&place)),
    }
}
