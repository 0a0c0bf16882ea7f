//! The states of a presence subscription and what moves them: RFC 6121, appendix A, with the
//! pre-approval of section 3.4. Nothing here reads or sends; [`Step`] says what to do.

mod flow;

pub(crate) use flow::kept;

use waxwing_storage::RosterItem;
use waxwing_xmpp::Type;

/// What the owner of a roster and one contact may see of each other (appendix A.1).
///
/// "Out" is the owner's request that the contact has not answered, "in" the contact's request
/// that the owner has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    None,
    NonePendingOut,
    NonePendingIn,
    NonePendingOutIn,
    To,
    ToPendingIn,
    From,
    FromPendingOut,
    Both,
}

/// The four subscription stanzas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
}

/// What one subscription stanza does to one roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub state: State,
    /// The new value of the item's `approved` flag.
    pub approved: bool,
    /// Outbound: route the stanza to the contact. Inbound: deliver it to the owner.
    pub pass: bool,
    /// Answer an inbound stanza on the owner's behalf.
    pub reply: Option<Request>,
    /// What clients see of the item has changed: push it.
    pub push: bool,
}

impl Request {
    pub fn from_type(ty: Type) -> Option<Self> {
        match ty {
            Type::Subscribe => Some(Self::Subscribe),
            Type::Subscribed => Some(Self::Subscribed),
            Type::Unsubscribe => Some(Self::Unsubscribe),
            Type::Unsubscribed => Some(Self::Unsubscribed),
            _ => None,
        }
    }

    pub fn as_type(self) -> Type {
        match self {
            Self::Subscribe => Type::Subscribe,
            Self::Subscribed => Type::Subscribed,
            Self::Unsubscribe => Type::Unsubscribe,
            Self::Unsubscribed => Type::Unsubscribed,
        }
    }
}

impl State {
    /// The state that a stored item is in; of no item, [`State::None`].
    pub fn of(item: Option<&RosterItem>) -> Self {
        let Some(item) = item else { return Self::None };
        let pending_in = item.pending_in.is_some();
        match (item.from, item.to) {
            (true, true) => Self::Both,
            (true, false) if item.pending_out => Self::FromPendingOut,
            (true, false) => Self::From,
            (false, true) if pending_in => Self::ToPendingIn,
            (false, true) => Self::To,
            (false, false) => match (item.pending_out, pending_in) {
                (true, true) => Self::NonePendingOutIn,
                (true, false) => Self::NonePendingOut,
                (false, true) => Self::NonePendingIn,
                (false, false) => Self::None,
            },
        }
    }

    /// The contact sees the owner's presence.
    pub fn from(self) -> bool {
        matches!(self, Self::From | Self::FromPendingOut | Self::Both)
    }

    /// The owner sees the contact's presence.
    pub fn to(self) -> bool {
        matches!(self, Self::To | Self::ToPendingIn | Self::Both)
    }

    pub fn pending_out(self) -> bool {
        matches!(self, Self::NonePendingOut | Self::NonePendingOutIn | Self::FromPendingOut)
    }

    pub fn pending_in(self) -> bool {
        matches!(self, Self::NonePendingIn | Self::NonePendingOutIn | Self::ToPendingIn)
    }

    /// The `subscription` attribute of a roster item.
    pub fn as_attr(self) -> &'static str {
        match (self.from(), self.to()) {
            (false, false) => "none",
            (false, true) => "to",
            (true, false) => "from",
            (true, true) => "both",
        }
    }

    fn visible(self) -> (bool, bool, bool) {
        (self.from(), self.to(), self.pending_out())
    }
}

/// The owner sends a subscription stanza (appendix A.2).
pub fn outbound(state: State, approved: bool, request: Request) -> Step {
    use State::*;
    let (next, pass) = match request {
        // A.2.1: always routed, so that the contact's server can set right what differs there.
        Request::Subscribe => match state {
            None => (NonePendingOut, true),
            NonePendingIn => (NonePendingOutIn, true),
            From => (FromPendingOut, true),
            NonePendingOut | NonePendingOutIn | To | ToPendingIn | FromPendingOut | Both => (state, true),
        },
        // A.2.2: always routed, for the same reason.
        Request::Unsubscribe => match state {
            NonePendingOut | To => (None, true),
            NonePendingOutIn | ToPendingIn => (NonePendingIn, true),
            FromPendingOut | Both => (From, true),
            None | NonePendingIn | From => (state, true),
        },
        // A.2.3
        Request::Subscribed => match state {
            NonePendingIn => (From, true),
            NonePendingOutIn => (FromPendingOut, true),
            ToPendingIn => (Both, true),
            None | NonePendingOut | To | From | FromPendingOut | Both => (state, false),
        },
        // A.2.4
        Request::Unsubscribed => match state {
            NonePendingIn | From => (None, true),
            NonePendingOutIn | FromPendingOut => (NonePendingOut, true),
            ToPendingIn | Both => (To, true),
            None | NonePendingOut | To => (state, false),
        },
    };
    let approves = match request {
        // Section 3.4: approval of what was not asked yet is kept until it is asked.
        Request::Subscribed => matches!(state, None | NonePendingOut | To),
        Request::Unsubscribed => false,
        Request::Subscribe | Request::Unsubscribe => approved,
    };
    step(state, approved, next, approves, pass, Option::None)
}

/// A subscription stanza of the contact arrives for the owner (appendix A.3).
pub fn inbound(state: State, approved: bool, request: Request) -> Step {
    use State::*;
    let (next, pass) = match request {
        // Section 3.4: the owner has said yes beforehand and is not asked. Said once: it counts once.
        Request::Subscribe if approved && !state.from() => {
            let next = match state {
                To | ToPendingIn => Both,
                NonePendingOut | NonePendingOutIn => FromPendingOut,
                _ => From,
            };
            return step(state, approved, next, false, false, Some(Request::Subscribed));
        }
        // A.3.1
        Request::Subscribe => match state {
            None => (NonePendingIn, true),
            NonePendingOut => (NonePendingOutIn, true),
            To => (ToPendingIn, true),
            NonePendingIn | NonePendingOutIn | ToPendingIn => (state, false),
            From | FromPendingOut | Both => {
                return step(state, approved, state, approved, false, Some(Request::Subscribed));
            }
        },
        // A.3.2. Nothing is answered: an `unsubscribed` that crosses a new request would refuse it.
        Request::Unsubscribe => match state {
            NonePendingIn | From => (None, true),
            NonePendingOutIn | FromPendingOut => (NonePendingOut, true),
            ToPendingIn | Both => (To, true),
            None | NonePendingOut | To => (state, false),
        },
        // A.3.3
        Request::Subscribed => match state {
            NonePendingOut => (To, true),
            NonePendingOutIn => (ToPendingIn, true),
            FromPendingOut => (Both, true),
            None | NonePendingIn | To | ToPendingIn | From | Both => (state, false),
        },
        // A.3.4
        Request::Unsubscribed => match state {
            NonePendingOut | To => (None, true),
            NonePendingOutIn | ToPendingIn => (NonePendingIn, true),
            FromPendingOut | Both => (From, true),
            None | NonePendingIn | From => (state, false),
        },
    };
    step(state, approved, next, approved, pass, Option::None)
}

fn step(
    old: State,
    was_approved: bool,
    state: State,
    approved: bool,
    pass: bool,
    reply: Option<Request>,
) -> Step {
    let push = old.visible() != state.visible() || was_approved != approved;
    Step { state, approved, pass, reply, push }
}

#[cfg(test)]
mod tests;
