"""Forms of ad-hoc commands, and answers to them: for plugins with `on_command`."""

from wit_world.exports import commands as _commands

FieldType = _commands.FieldType


def form(title, fields, instructions=""):
    """A form with a title."""
    return _commands.Form(title, instructions, list(fields))


def field(type, name, label, required=False, values=(), choices=(), hint=None):
    """A field of any type: `field(FieldType.TEXT_MULTI, "about", "About")`."""
    return _commands.Field(name, type, label, required, list(values), list(choices), hint)


def text_field(name, label, **more):
    """A line of text."""
    return field(FieldType.TEXT_SINGLE, name, label, **more)


def yes_field(name, label, **more):
    """Yes or no."""
    return field(FieldType.BOOLEAN, name, label, **more)


def list_field(name, label, choices, **more):
    """One of several: value and label of each, `{"kind": "Kind", "cold": "Cold"}`."""
    choices = [_commands.Choice(label, value) for value, label in choices.items()]
    return field(FieldType.LIST_SINGLE, name, label, choices=choices, **more)


def ask(form, state=b"", has_prev=False, has_next=False):
    """A step: a form to fill in. Without more it is the last."""
    return _commands.Reply_Step(_commands.Step(form, state, has_prev, has_next))


def done(note):
    """The command is done; the note is for a person to read."""
    return _commands.Reply_Done(_commands.Outcome(note, None))


def show(form, note=None):
    """The command is done and has a result to show."""
    return _commands.Reply_Done(_commands.Outcome(note, form))


def values(request, name):
    """All values of a field as it was filled in."""
    return next((answer.values for answer in request.answers if answer.var == name), [])


def answer(request, name):
    """The first value of a field; `None` if it was not filled in."""
    return next(iter(values(request, name)), None) or None


def is_yes(request, name):
    """Whether a field was answered with yes."""
    return answer(request, name) in ("1", "true")


# The same as methods: `request.answer("name")`.
_commands.Request.values, _commands.Request.answer, _commands.Request.is_yes = values, answer, is_yes
