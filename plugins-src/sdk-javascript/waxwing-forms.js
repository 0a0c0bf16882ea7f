// Forms of ad-hoc commands, and answers to them: for plugins with `onCommand`.

/** A form with a title. */
export const form = (title, fields, instructions = "") => ({ title, instructions, fields });

/**
 * A field: its type is one of `field-type` in wit/deps/xmpp-plugin, `more` is any of `required`, `values`, `choices`
 * and `hint`.
 */
export const field = (type, name, label, more = {}) => ({
  var: name,
  type,
  label,
  required: false,
  values: [],
  choices: [],
  ...more,
});

/** A line of text. */
export const textField = (name, label, more = {}) => field("text-single", name, label, more);

/** Yes or no. */
export const yesField = (name, label, more = {}) => field("boolean", name, label, more);

/** One of several: value and label of each, `{ kind: "Kind", cold: "Cold" }`. */
export const listField = (name, label, choices, more = {}) =>
  field("list-single", name, label, {
    choices: Object.entries(choices).map(([value, label]) => ({ label, value })),
    ...more,
  });

/** A step: a form to fill in. `more` is any of `state`, `hasPrev` and `hasNext`; without them it is the last. */
export const ask = (form, more = {}) => ({
  tag: "step",
  val: { form, state: new Uint8Array(), hasPrev: false, hasNext: false, ...more },
});

/** The command is done; the note is for a person to read. */
export const done = (note) => ({ tag: "done", val: { note } });

/** The command is done and has a result to show. */
export const show = (form, note = undefined) => ({ tag: "done", val: { note, form } });
