"""What makes plugins for the Waxwing XMPP server short in Python. README.md beside this file explains it.

Which interfaces of the host a plugin uses is for its wit/world.wit to say, and for itself to import, e.g.
`from wit_world.imports import storage`.
"""

import contextlib
import dataclasses
import re
import sys
import traceback
from datetime import datetime as _datetime, timedelta as _timedelta

from componentize_py_types import Err
from wit_world import exports as _exports
from wit_world.exports import lifecycle as _lifecycle
from wit_world.imports import types as _types

try:  # The server's log, if wit/world.wit imports `runtime`.
    from wit_world.imports import runtime as _runtime
except ImportError:
    _runtime = None

Condition, Event, Header, Kind, Origin = _types.Condition, _types.Event, _types.Header, _types.Kind, _types.Origin

# Every field of `description` in wit/deps/xmpp-plugin, and what it is where a plugin says nothing.
# A field that the contract gains needs a line here and nothing else.
DESCRIPTION = {
    "name": "",
    "version": "0.0.0",
    "summary": "",
    "features": [],
    "account_features": [],
    "account_identities": [],
    "interests": [],
    "session_events": _lifecycle.SessionEvents(0),
    "only_where": [],
    "marks": [],
    "stream_features": [],
    "serial": _lifecycle.Serial.NONE,
    "services": [],
    "components": [],
    "commands": [],
    "portable": [],
    "any_sender": False,
}

# The interfaces whose hook answers with a verdict, and the method of a plugin that each calls.
STANZA_HOOKS = {
    "Pre": "on_pre",
    "Incoming": "on_incoming",
    "Process": "on_process",
    "Post": "on_post",
    "Filter": "on_filter",
    "Service": "on_service",
}

# The other interfaces, the method that each calls, and the one here that stands between.
OTHER_HOOKS = {
    "Sessions": ("on_session", "_session_hook"),
    "Commands": ("on_command", "_command_hook"),
    "Alarms": ("on_alarm", "_alarm_hook"),
    "Replies": ("on_reply", "_reply_hook"),
}

# What an error of the host's interfaces is on the wire where a plugin does not catch it.
HOST_ERRORS = {
    # storage, account-data, scheduler, router
    "DENIED": ("service-unavailable", None),
    "OVER_QUOTA": ("resource-constraint", "wait"),
    "CONFLICT": ("internal-server-error", "wait"),
    "UNAVAILABLE": ("resource-constraint", "wait"),
    # router
    "MALFORMED": ("internal-server-error", None),
    "TOO_MANY": ("resource-constraint", "wait"),
    # marks
    "NO_SUCH_SESSION": ("recipient-unavailable", None),
    "UNKNOWN_MARK": ("internal-server-error", None),
    # account-admin
    "EXISTS": ("conflict", None),
    "NOT_FOUND": ("item-not-found", None),
    "NOT_ALLOWED": ("not-allowed", None),
    "FULL": ("not-allowed", None),
    "INVALID": ("not-acceptable", None),
}

# The same for errors that are variants: those of vhosts and server-control, of which `Error_Invalid` has a sentence with it.
HOST_VARIANTS = {
    "Error_Denied": ("forbidden", None),
    "Error_Exists": ("conflict", None),
    "Error_NotFound": ("item-not-found", None),
    "Error_Invalid": ("not-acceptable", None),
    "Error_Unavailable": ("resource-constraint", "wait"),
}

# What `at` takes, added with `|`.
SERVER, OWN_ACCOUNT = _lifecycle.Target.SERVER, _lifecycle.Target.OWN_ACCOUNT
OTHER_ACCOUNT, STRANGER = _lifecycle.Target.OTHER_ACCOUNT, _lifecycle.Target.STRANGER
STREAM = _lifecycle.Target.STREAM

# What `session_events` takes, added with `|`.
BOUND, AVAILABLE = _lifecycle.SessionEvents.BOUND, _lifecycle.SessionEvents.AVAILABLE
PRIORITY, UNAVAILABLE = _lifecycle.SessionEvents.PRIORITY, _lifecycle.SessionEvents.UNAVAILABLE
CLOSED = _lifecycle.SessionEvents.CLOSED

# What `serial` takes.
SERIAL_NONE, BY_SENDER, BY_RECIPIENT = _lifecycle.Serial

# What `messages`, `presence` and `marked` take.
PRE, INCOMING, PROCESS, POST, FILTER = _lifecycle.Stage
SENDER_SESSION, SENDER_ACCOUNT, RECIPIENT_ACCOUNT = _lifecycle.Party

# What hooks answer. Nothing is NEXT, or DONE for `on_session`.
NEXT, HANDLED, DROP = _types.Verdict_Next(), _types.Verdict_Handled(), _types.Verdict_Drop()
if hasattr(_exports, "Sessions"):
    from wit_world.exports import sessions as _sessions

    DONE, AGAIN = _sessions.Flow
    Bound, Available, Priority = _sessions.Change_Bound, _sessions.Change_Available, _sessions.Change_Priority
    Unavailable, Closed = _sessions.Change_Unavailable, _sessions.Change_Closed
if hasattr(_exports, "Commands"):
    from wit_world.exports import commands as _commands

    # What a request wants.
    EXECUTE, NEXT_STEP, PREVIOUS_STEP, COMPLETE = _commands.Action
if hasattr(_exports, "Replies"):
    from wit_world.exports import replies as _replies

    Success, Failure, Timeout = _replies.Answer_Success, _replies.Answer_Failure, _replies.Answer_Timeout
if hasattr(_exports, "Portable"):
    from wit_world.exports import portable as _portable

    # What `on_export` answers where a list of elements is not all: `Page(elements, next)`.
    Page = _portable.Page


def reply(xml=""):
    """The IQ is answered with this XML inside its result; nothing for none."""
    return _types.Verdict_Reply(xml)


def replace(xml):
    """In stages `pre` and `filter`: carry on with this stanza instead."""
    return _types.Verdict_Replace(xml)


class StanzaError(Exception):
    """Raise it in a hook, and the stanza bounces: `raise StanzaError("not-allowed", "Not on Sundays")`.

    It takes a condition of RFC 6120, section 8.3.3, a sentence for a person, and the type if it is not the usual one.
    """

    def __init__(self, condition, text=None, type=None):
        super().__init__(text or condition)
        kind = None if type is None else _member(_types.ErrorType, type)
        self.error = _types.StanzaError(kind, _member(_types.Condition, condition), text)


def _member(enum, name):
    """`not-allowed` or the member itself."""
    return name if isinstance(name, enum) else enum[name.upper().replace("-", "_")]


class Plugin:
    """A class derived from this one is the plugin.

    Its attributes are the fields of `description`; those that it declares with a type, `greeting: str = "Hello"`, are
    its settings with their defaults, of the types str, int, bool and list. Its methods are the hooks: `on_pre`,
    `on_incoming`, `on_process`, `on_post`, `on_filter`, `on_service`, `on_session`, `on_command`, `on_alarm`, `on_reply`,
    `on_export`, `on_import`.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        reserved = [name for name in cls.__annotations__ if name in DESCRIPTION]
        if reserved:
            raise TypeError(f"{reserved[0]} is no setting: write it without a type")
        # Componentize-py looks for a class for each interface that wit/world.wit exports, in the module of the app.
        app, plugin = sys.modules[cls.__module__], cls()
        app.Lifecycle = _class("Lifecycle", describe=plugin._describe, init=plugin._init)
        for interface, hook in STANZA_HOOKS.items():
            if hasattr(cls, hook):
                _check(interface, hook)
                setattr(app, interface, _class(interface, **{hook: plugin._stanza_hook(hook)}))
        for interface, (hook, between) in OTHER_HOOKS.items():
            if hasattr(cls, hook):
                _check(interface, hook)
                setattr(app, interface, _class(interface, **{hook: getattr(plugin, between)}))
        if hasattr(cls, "on_export"):
            _check("Portable", "on_export")
            hooks = {"on_export": plugin._export_hook, "on_import": plugin._import_hook}
            app.Portable = _class("Portable", **hooks)

    def _describe(self):
        fields = {field: getattr(self, field, usual) for field, usual in DESCRIPTION.items()}
        fields["settings"] = list(self._settings())
        fields["account_identities"] = [_lifecycle.Identity(*_identity(text)) for text in fields["account_identities"]]
        fields["interests"] = [getattr(interest, "record", interest) for interest in fields["interests"]]
        return _lifecycle.Description(**fields)

    def _settings(self):
        """The attribute of each setting, by its key in the config file."""
        return {name.replace("_", "-"): name for name in type(self).__annotations__}

    def _init(self, given):
        settings = self._settings()
        for setting in given:
            if setting.key not in settings:
                known = f": {', '.join(settings)}" if settings else " none"
                raise Err(f"no setting {setting.key}; there are{known}")
            name = settings[setting.key]
            setattr(self, name, _setting(setting.key, setting.value, getattr(self, name)))

    def _stanza_hook(self, hook):
        method = getattr(self, hook)

        def call(*args):
            try:
                return method(*args) or NEXT
            except Exception as exception:
                return _types.Verdict_Reject(_stanza_error(exception))

        return call

    def _session_hook(self, session, change):
        try:
            return self.on_session(session, change) or DONE
        except Exception as exception:
            # There is nobody to bounce to.
            _warn("a session event", exception)
            return DONE

    def _command_hook(self, request):
        try:
            return self.on_command(request)
        except Exception as exception:
            raise Err(_stanza_error(exception))

    def _alarm_hook(self, owner, name, due, data):
        try:
            self.on_alarm(owner, name, due, data)
        except Exception as exception:
            # A call that fails is repeated later.
            log("error", _described(exception))
            raise

    def _reply_hook(self, from_, context, answer, stanza):
        try:
            self.on_reply(from_, context, answer, stanza)
        except Exception as exception:
            _warn("a reply", exception)

    def _export_hook(self, account, kind, after):
        with _telling():
            answer = self.on_export(account, kind, after) or []
            return _portable.Page(answer, None) if isinstance(answer, list) else answer

    def _import_hook(self, account, kind, elements):
        with _telling():
            self.on_import(account, kind, elements)


@contextlib.contextmanager
def _telling():
    """What is raised becomes a sentence for the operator."""
    try:
        yield
    except Exception as exception:
        error = _stanza_error(exception)
        raise Err(error.text or error.condition.name.lower().replace("_", "-"))


def _warn(what, exception):
    error = _stanza_error(exception)
    log("warn", f"{what} came to nothing: {error.condition.name} {error.text or ''}")


def _class(name, **methods):
    return type(name, (), {key: staticmethod(method) for key, method in methods.items()})


def _check(interface, hook):
    if not hasattr(_exports, interface):
        raise TypeError(f"{hook} needs `export xmpp:plugin/{interface.lower()}@0.1.0;` in wit/world.wit")


def _setting(key, value, usual):
    if isinstance(usual, list):
        return value
    text = value[0] if len(value) == 1 else None
    if isinstance(usual, bool):
        if text not in ("true", "false"):
            raise Err(f"{key} must be true or false")
        return text == "true"
    if isinstance(usual, int):
        if text is None or not re.fullmatch(r"-?\d+", text):
            raise Err(f"{key} must be a whole number")
        return int(text)
    if text is None:
        raise Err(f"{key} must be one text")
    return text


def _stanza_error(exception):
    """The error as it goes to the sender. What is not meant for one ends the call with nothing kept."""
    if isinstance(exception, StanzaError):
        return exception.error
    if isinstance(exception, Err):
        return _of_host(exception.value).error
    log("error", _described(exception))
    raise exception


def _of_host(error):
    """What the host has refused, as it goes to the sender."""
    if error is None:
        # An error that says no more, as those of resolver.
        return StanzaError("internal-server-error", type="wait")
    if isinstance(error, str):
        # A sentence for a person, as those of certificates.
        return StanzaError("not-acceptable", error)
    variant = HOST_VARIANTS.get(type(error).__name__)
    if variant is not None:
        condition, kind = variant
        return StanzaError(condition, getattr(error, "value", None), kind)
    condition, kind = HOST_ERRORS.get(getattr(error, "name", ""), ("internal-server-error", None))
    return StanzaError(condition, None, kind)


def _described(exception):
    return "".join(traceback.format_exception(exception))[-1000:]


def log(level, message):
    """A line in the server's log, if wit/world.wit imports `runtime`: `log("warn", "...")`."""
    if _runtime is not None:
        _runtime.log(_member(_runtime.Level, level), message)


class Interest:
    """Stanzas that a plugin wants to see: made by `iq`, `iq_get`, `iq_set`, `iqs`, `messages`, `presence`."""

    def __init__(self, record):
        self.record = record

    def _but(self, **fields):
        return Interest(dataclasses.replace(self.record, **fields))

    def at(self, targets):
        """In stage `process`: what it must be addressed to, any of e.g. `SERVER | OWN_ACCOUNT`."""
        return self._but(targets=targets)

    def with_payload(self, payload):
        """A child that it must have, as `{namespace}name`."""
        return self._but(payload=payload)

    def marked(self, mark, party):
        """Only if the party (SENDER_SESSION, SENDER_ACCOUNT, RECIPIENT_ACCOUNT) has this mark."""
        return self._but(marked=_lifecycle.Marked(mark, party))

    def order(self, order):
        """The place among plugins that want the same stanza: lower runs first, 0 is usual."""
        return self._but(order=order)


def _interest(stage, kind, types, payload=None):
    return Interest(_lifecycle.Interest(stage, kind, list(types), payload, _lifecycle.Target(0), None, 0))


def iq(payload):
    """IQ requests with this payload, `{namespace}name`. Say whose with `at`."""
    return _interest(PROCESS, Kind.IQ, ["get", "set"], payload)


def iq_get(payload):
    """IQ requests of type `get` with this payload."""
    return _interest(PROCESS, Kind.IQ, ["get"], payload)


def iq_set(payload):
    """IQ requests of type `set` with this payload."""
    return _interest(PROCESS, Kind.IQ, ["set"], payload)


def iqs(stage, types=()):
    """IQs of these types on their way in this stage, whatever they are addressed to; none means any."""
    return _interest(stage, Kind.IQ, types)


def messages(stage, types=()):
    """Messages of these types in this stage; none means any. A message without a type is a `normal` one."""
    return _interest(stage, Kind.MESSAGE, types)


def presence(stage, types=()):
    """Presence of these types in this stage, the empty string for available; none means any."""
    return _interest(stage, Kind.PRESENCE, types)


def before_login(xml, setting=None):
    """A child of `<stream:features/>`, perhaps only where a setting of the virtual host is true."""
    return _lifecycle.StreamFeature(xml, _lifecycle.Phase.BEFORE_LOGIN, setting)


def after_login(xml, setting=None):
    """The same, for those who have logged in."""
    return _lifecycle.StreamFeature(xml, _lifecycle.Phase.AFTER_LOGIN, setting)


def service(name, identity, label, features=()):
    """A name of the plugin's own: `bot` is `bot.example.org` under the virtual host `example.org`.

    The identity is a registered category and type of service discovery (XEP-0030), `component/bot`, the label what a
    person reads.
    """
    return _lifecycle.Service(name, *_identity(identity), label, list(features))


def _identity(text):
    """Category and type of `pubsub/pep`."""
    category, _, kind = text.partition("/")
    return category, kind or "generic"


def command(node, label, everybody=False, *, access=None, component=None, group=None):
    """An ad-hoc command (XEP-0050) for the administrators of the server, or for everybody.

    The access is one of `access` in the contract, "vhost-admin"; the component is what lists it; the group is where
    tools that show many commands put it.
    """
    access = _member(_lifecycle.Access, access or ("local-user" if everybody else "admin"))
    return _lifecycle.Command(node, label, access, component, group)


def component(name, label):
    """A place that lists commands: `component("vhost-man", "VHost Manager")` is `vhost-man@` each virtual host."""
    return _lifecycle.Component(name, label)


def ask(form, state=b"", has_prev=False, has_next=False):
    """What a command answers: a form to fill in. With a state for a later step, if there are several."""
    return _commands.Reply_Step(_commands.Step(form, state, has_prev, has_next))


def done(note=None, form=None, severity="info"):
    """The command is done, with a note for a person to read, a form that shows a result, or both.

    The severity "error" is for one that could not be done.
    """
    return _commands.Reply_Done(_commands.Outcome(note, _member(_commands.Severity, severity), form))


def form(title, *fields, instructions="", table=None, element=None):
    """A form: `form("Dice", text_field("sides", "Sides"))`. A table is what `table` makes."""
    return _commands.Form(title, instructions, list(fields), table, element)


def table(columns, rows):
    """Rows below each other: `table([("jid", "Address")], [["juliet@example.org"]])`."""
    return _commands.Table(list(columns), list(rows))


def field(kind, var, label, value=None, *, values=(), required=False, hint=None, wrong=None, choices=(), range=None):
    """A field of a form, of a type of `field-type`: `field("text-multi", "address", "Address")`.

    The value or values are what is filled in already. The hint is a longer explanation, wrong is what is wrong with the
    value sent before. Choices are label and value of each, the range is the least and the greatest whole number.
    """
    values = list(values) if value is None else [str(value)]
    choices = [_commands.Choice(*choice) for choice in choices]
    kind = _member(_commands.FieldType, kind)
    return _commands.Field(var, kind, label, required, values, choices, range, hint, wrong)


def text_field(var, label, value=None, **options):
    """A line of text."""
    return field("text-single", var, label, value, **options)


def yes_field(var, label, value=None, **options):
    """Yes or no."""
    return field("boolean", var, label, None if value is None else str(value).lower(), **options)


def list_field(var, label, choices, value=None, **options):
    """One of several: `[("Kind", "kind"), ("Cold", "cold")]` are label and value of each."""
    return field("list-single", var, label, value, choices=choices, **options)


def _all(request, var):
    return next((answer.values for answer in request.answers if answer.var == var), [])


def _answer(request, var):
    return next(iter(_all(request, var)), None) or None


if hasattr(_exports, "Commands"):
    # What every request of a command can besides its fields.
    # The first value of a field as it was filled in; None if it was not.
    _commands.Request.answer = _answer
    # All values of a field.
    _commands.Request.all = _all
    # Whether a field was answered with yes.
    _commands.Request.is_yes = lambda request, var: _answer(request, var) in ("1", "true")


def bare(jid):
    """The account of an address: everything before the first slash."""
    return jid.partition("/")[0]


def local(jid):
    """The name of an address within its domain, if it has one."""
    name, at, _ = bare(jid).partition("@")
    return name if at else None


def domain(jid):
    """The domain of an address."""
    return bare(jid).rpartition("@")[2]


def resource(jid):
    """Everything after the first slash of an address, if it has one."""
    _, slash, name = jid.partition("/")
    return name if slash else None


# What every event can besides its fields `header`, `vhost`, `origin` and `received`.
# The full JID of the sender; empty on a stream that has not logged in.
Event.sender = property(lambda event: event.header.from_)
Event.sender_bare = property(lambda event: bare(event.header.from_))
# The addressee, or the sender's own account if there is none.
Event.to = property(lambda event: event.header.to or event.sender_bare)
# The account that the stanza is for.
Event.account = property(lambda event: bare(event.to))
# The `type` attribute, empty if there is none.
Event.type = property(lambda event: event.header.type or "")
# The type of a message: `normal` if it has none, or one that RFC 6121 does not know.
Event.message_type = property(
    lambda event: event.type if event.type in ("chat", "error", "groupchat", "headline") else "normal"
)


class raw(str):
    """XML that `xml` takes as it is."""


_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;"})


def escape(text):
    """Text made safe for the inside of an element or of an attribute in either quotes."""
    return str(text).translate(_ENTITIES)


def _to_xml(value):
    if isinstance(value, (list, tuple)):
        return "".join(map(_to_xml, value))
    return value if isinstance(value, raw) else escape("" if value is None else value)


def xml(template, *args, **kwargs):
    """Writes XML: `xml("<body>{}</body>", text)`. What is put in is escaped, unless it is `raw` or comes from here."""
    values = {key: _to_xml(value) for key, value in kwargs.items()}
    return raw(template.format(*map(_to_xml, args), **values))


def with_child(stanza, child):
    """A stanza as XML with one more child at its end: `with_child(stanza.to_xml(), "<x/>")`."""
    match = re.match(r"""<([^\s/>]+)(?:[^'">]|'[^']*'|"[^"]*")*>""", stanza)
    if match[0].endswith("/>"):
        return f"{match[0][:-2]}>{child}</{match[1]}>"
    end = stanza.rindex("</")
    return stanza[:end] + child + stanza[end:]


def datetime(timestamp):
    """A timestamp of the host, in milliseconds, as XEP-0082 writes it."""
    moment = _datetime(1970, 1, 1) + _timedelta(milliseconds=timestamp)
    return moment.isoformat(timespec="milliseconds") + "Z"
