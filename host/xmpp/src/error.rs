//! Stanza errors (RFC 6120 section 8.3) and stream errors (RFC 6120 section 4.9).

use crate::escape::escape;
use crate::ns;
use std::fmt;

/// Declares an enum whose variants are XML element names.
macro_rules! conditions {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// All of them, in the order of the RFC.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The name as it stands in XML.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            /// The value of this name, if there is one.
            pub fn from_name(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

conditions! {
    /// What the sender can do about a stanza error (RFC 6120 section 8.3.2).
    ErrorType {
        /// Retry after providing credentials.
        Auth = "auth",
        /// Do not retry: the error cannot be remedied.
        Cancel = "cancel",
        /// Proceed: the condition was only a warning.
        Continue = "continue",
        /// Retry after changing the data sent.
        Modify = "modify",
        /// Retry after waiting: the error is temporary.
        Wait = "wait",
    }
}

conditions! {
    /// The defined conditions of a stanza error (RFC 6120 section 8.3.3).
    Condition {
        /// Malformed content that the schema or the protocol does not allow.
        BadRequest = "bad-request",
        /// An existing resource has the same name or address.
        Conflict = "conflict",
        /// The feature is understood by nobody here.
        FeatureNotImplemented = "feature-not-implemented",
        /// The sender lacks the permissions.
        Forbidden = "forbidden",
        /// The addressee can no longer be found at this address.
        Gone = "gone",
        /// The server met something that it did not expect.
        InternalServerError = "internal-server-error",
        /// The addressed JID or item does not exist.
        ItemNotFound = "item-not-found",
        /// An address in the stanza violates RFC 7622.
        JidMalformed = "jid-malformed",
        /// The criteria of the recipient or server are not met.
        NotAcceptable = "not-acceptable",
        /// Nobody may do this.
        NotAllowed = "not-allowed",
        /// Credentials are needed first.
        NotAuthorized = "not-authorized",
        /// A local policy is violated (in a stanza: size, rate and the like).
        PolicyViolation = "policy-violation",
        /// The recipient is temporarily unavailable.
        RecipientUnavailable = "recipient-unavailable",
        /// The recipient is to be found elsewhere for now.
        Redirect = "redirect",
        /// The sender has to register first.
        RegistrationRequired = "registration-required",
        /// The domain of the recipient does not resolve to a server.
        RemoteServerNotFound = "remote-server-not-found",
        /// The server of the recipient does not answer.
        RemoteServerTimeout = "remote-server-timeout",
        /// The server lacks resources for now.
        ResourceConstraint = "resource-constraint",
        /// The recipient or server does not offer the service.
        ServiceUnavailable = "service-unavailable",
        /// The sender has to be subscribed first.
        SubscriptionRequired = "subscription-required",
        /// None of the others: see the application-specific condition.
        UndefinedCondition = "undefined-condition",
        /// Out of order, or not at this time.
        UnexpectedRequest = "unexpected-request",
    }
}

impl Condition {
    /// The error type that RFC 6120 section 8.3.3 recommends for the condition.
    pub fn default_type(self) -> ErrorType {
        use Condition::*;
        match self {
            BadRequest | JidMalformed | NotAcceptable | PolicyViolation | Redirect => ErrorType::Modify,
            Forbidden | NotAuthorized | RegistrationRequired | SubscriptionRequired => ErrorType::Auth,
            RecipientUnavailable | RemoteServerTimeout | ResourceConstraint | UnexpectedRequest => {
                ErrorType::Wait
            }
            Conflict
            | FeatureNotImplemented
            | Gone
            | InternalServerError
            | ItemNotFound
            | NotAllowed
            | RemoteServerNotFound
            | ServiceUnavailable
            | UndefinedCondition => ErrorType::Cancel,
        }
    }
}

/// An error as it goes back to the sender of a stanza (RFC 6120 section 8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StanzaError {
    /// What the sender can do about it.
    pub ty: ErrorType,
    /// What went wrong.
    pub condition: Condition,
    /// A sentence for a person, in English.
    pub text: Option<String>,
    /// An application-specific condition: one element as XML that stands by itself.
    pub extra: Option<String>,
}

impl StanzaError {
    /// An error of the recommended type.
    pub fn new(condition: Condition) -> StanzaError {
        StanzaError { ty: condition.default_type(), condition, text: None, extra: None }
    }

    /// The same with a sentence for a person.
    pub fn with_text(mut self, text: impl Into<String>) -> StanzaError {
        self.text = Some(text.into());
        self
    }

    /// The same with another type.
    pub fn with_type(mut self, ty: ErrorType) -> StanzaError {
        self.ty = ty;
        self
    }

    /// The same with an application-specific condition: one element as XML that stands by itself.
    pub fn with_extra(mut self, xml: impl Into<String>) -> StanzaError {
        self.extra = Some(xml.into());
        self
    }

    /// The `<error/>` element, without a namespace of its own: it takes that of the stanza around it.
    pub fn to_xml(&self) -> String {
        let mut xml =
            format!("<error type='{}'><{} xmlns='{}'/>", self.ty, self.condition, ns::STANZA_ERRORS);
        if let Some(text) = &self.text {
            xml += &format!("<text xmlns='{}' xml:lang='en'>{}</text>", ns::STANZA_ERRORS, escape(text));
        }
        xml += self.extra.as_deref().unwrap_or_default();
        xml + "</error>"
    }
}

impl From<Condition> for StanzaError {
    fn from(condition: Condition) -> StanzaError {
        StanzaError::new(condition)
    }
}

impl fmt::Display for StanzaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => write!(f, "{}: {text}", self.condition),
            None => self.condition.fmt(f),
        }
    }
}

impl std::error::Error for StanzaError {}

conditions! {
    /// The defined conditions of a stream error (RFC 6120 section 4.9.3).
    StreamCondition {
        /// XML that cannot be processed.
        BadFormat = "bad-format",
        /// A namespace prefix that is unsupported, or none where one is needed.
        BadNamespacePrefix = "bad-namespace-prefix",
        /// Another stream has taken the place of this one.
        Conflict = "conflict",
        /// The peer has not said anything for too long.
        ConnectionTimeout = "connection-timeout",
        /// The domain is no longer hosted here.
        HostGone = "host-gone",
        /// The domain is not hosted here.
        HostUnknown = "host-unknown",
        /// A stanza between servers lacks `to` or `from`.
        ImproperAddressing = "improper-addressing",
        /// The server met something that it did not expect.
        InternalServerError = "internal-server-error",
        /// The `from` of a stanza is not what the stream was authorised for.
        InvalidFrom = "invalid-from",
        /// The namespace of the stream or of its content is not supported.
        InvalidNamespace = "invalid-namespace",
        /// The XML is not valid according to its schema.
        InvalidXml = "invalid-xml",
        /// Stanzas before authentication.
        NotAuthorized = "not-authorized",
        /// The XML is not well-formed or not namespace-well-formed.
        NotWellFormed = "not-well-formed",
        /// A local policy is violated: size, rate and the like.
        PolicyViolation = "policy-violation",
        /// The remote server that is needed cannot be reached.
        RemoteConnectionFailed = "remote-connection-failed",
        /// The server is about to restart or must clear the stream.
        Reset = "reset",
        /// The server lacks resources for the stream.
        ResourceConstraint = "resource-constraint",
        /// A comment, processing instruction, DTD or entity reference (RFC 6120 section 11.1).
        RestrictedXml = "restricted-xml",
        /// The peer is to connect elsewhere.
        SeeOtherHost = "see-other-host",
        /// The server is being shut down.
        SystemShutdown = "system-shutdown",
        /// None of the others.
        UndefinedCondition = "undefined-condition",
        /// The stream is not in UTF-8.
        UnsupportedEncoding = "unsupported-encoding",
        /// A stream feature that is mandatory here is not supported by the peer.
        UnsupportedFeature = "unsupported-feature",
        /// A first-level child of the stream that is not supported.
        UnsupportedStanzaType = "unsupported-stanza-type",
        /// The version of the stream is not supported.
        UnsupportedVersion = "unsupported-version",
    }
}

/// An error after which a stream is closed (RFC 6120 section 4.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamError {
    /// What went wrong.
    pub condition: StreamCondition,
    /// A sentence for a person, in English.
    pub text: Option<String>,
    /// An application-specific condition (RFC 6120 section 4.9.4): one element as XML that stands by itself.
    pub extra: Option<String>,
}

impl StreamError {
    /// An error without a text.
    pub fn new(condition: StreamCondition) -> StreamError {
        StreamError { condition, text: None, extra: None }
    }

    /// The same with a sentence for a person.
    pub fn with_text(mut self, text: impl Into<String>) -> StreamError {
        self.text = Some(text.into());
        self
    }

    /// The same with an application-specific condition: one element as XML that stands by itself.
    pub fn with_extra(mut self, xml: impl Into<String>) -> StreamError {
        self.extra = Some(xml.into());
        self
    }

    /// The `<stream:error/>` element for a stream whose header declares the prefix `stream`.
    pub fn to_xml(&self) -> String {
        let mut xml = format!("<stream:error><{} xmlns='{}'/>", self.condition, ns::STREAM_ERRORS);
        if let Some(text) = &self.text {
            xml += &format!("<text xmlns='{}' xml:lang='en'>{}</text>", ns::STREAM_ERRORS, escape(text));
        }
        xml += self.extra.as_deref().unwrap_or_default();
        xml + "</stream:error>"
    }
}

impl From<StreamCondition> for StreamError {
    fn from(condition: StreamCondition) -> StreamError {
        StreamError::new(condition)
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => write!(f, "{}: {text}", self.condition),
            None => self.condition.fmt(f),
        }
    }
}

impl std::error::Error for StreamError {}
