//! Data forms (XEP-0004): written for a user to fill in, and read as filled in.

use super::protocol::bad_payload;
use std::fmt::Write;
use waxwing_plugins::{Field, Form, Table};
use waxwing_xmpp::{Element, StanzaError, escape, ns};

/// A form as XML: of type `form` to be filled in, of type `result` to be read.
pub(super) fn form_xml(form: &Form, ty: &str) -> String {
    let mut xml = format!("<x xmlns='{}' type='{ty}'>", ns::DATA_FORMS);
    let texts = [("title", &form.title), ("instructions", &form.instructions)];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        // Writing to a string cannot fail.
        let _ = write!(xml, "<{name}>{}</{name}>", escape(text));
    }
    for field in &form.fields {
        write_field(&mut xml, field, ty == "form");
    }
    if let Some(table) = &form.table {
        // A form type says which names there are, and knows none for this (XEP-0068, section 3.4).
        let has_type = form.fields.iter().any(|field| field.var == "FORM_TYPE");
        write_table(&mut xml, table, if has_type { "{urn:waxwing:commands:0}rows" } else { "rows" });
    }
    // Clients that only know forms pass over it.
    xml += form.element.as_deref().unwrap_or_default();
    xml + "</x>"
}

/// Rows as lines of text. XEP-0004, section 3.4, has tables, but clients that many use do not: Gajim 1.7 waits for
/// ever, and Psi shows nothing.
fn write_table(xml: &mut String, table: &Table, var: &str) {
    const BETWEEN: &str = " | ";
    let labels: Vec<&str> = table.columns.iter().map(|(_, label)| label.as_str()).collect();
    // Writing to a string cannot fail.
    let _ = write!(xml, "<field type='text-multi' var='{var}' label='{}'>", escape(&labels.join(BETWEEN)));
    for row in &table.rows {
        let _ = write!(xml, "<value>{}</value>", escape(&row.join(BETWEEN)));
    }
    *xml += "</field>";
}

fn write_field(xml: &mut String, field: &Field, to_fill_in: bool) {
    // Writing to a string cannot fail.
    let _ = write!(xml, "<field type='{}'", field.ty);
    for (name, text) in [("var", &field.var), ("label", &field.label)] {
        if !text.is_empty() {
            let _ = write!(xml, " {name}='{}'", escape(text));
        }
    }
    *xml += ">";
    if to_fill_in {
        let told: Vec<&str> = field.wrong.iter().chain(&field.hint).map(String::as_str).collect();
        if !told.is_empty() {
            let _ = write!(xml, "<desc>{}</desc>", escape(&told.join(". ")));
        }
        if field.required {
            *xml += "<required/>";
        }
    }
    for value in &field.values {
        // Each line is a value of its own (section 3.3).
        let lines: Vec<&str> =
            if field.ty == "text-multi" { value.split('\n').collect() } else { vec![value] };
        for line in lines {
            let _ = write!(xml, "<value>{}</value>", escape(line));
        }
    }
    if let Some((least, most)) = field.range.filter(|_| to_fill_in) {
        let _ = write!(
            xml,
            "<validate xmlns='{}' datatype='xs:integer'><range min='{least}' max='{most}'/></validate>",
            ns::DATA_VALIDATE
        );
    }
    for (label, value) in field.choices.iter().filter(|_| to_fill_in) {
        let label = match label.as_str() {
            "" => String::new(),
            label => format!(" label='{}'", escape(label)),
        };
        let _ = write!(xml, "<option{label}><value>{}</value></option>", escape(value));
    }
    *xml += "</field>";
}

/// The fields of the form inside a `<command/>`, each with its values; none if there is no form.
///
/// # Errors
/// `bad-payload` for more than one form, one that is not of type `submit`, a field without a name, and two with the
/// same.
pub(super) fn answers(command: &Element) -> Result<Vec<(String, Vec<String>)>, StanzaError> {
    let mut forms = command.children().filter(|child| child.is("x", ns::DATA_FORMS));
    let Some(form) = forms.next() else { return Ok(Vec::new()) };
    if form.attr("type") != Some("submit") || forms.next().is_some() {
        return Err(bad_payload());
    }
    let mut answers: Vec<(String, Vec<String>)> = Vec::new();
    for field in form.children().filter(|child| child.is("field", ns::DATA_FORMS)) {
        let values = field.children().filter(|child| child.is("value", ns::DATA_FORMS));
        match field.attr("var") {
            Some(var) if answers.iter().any(|(known, _)| known == var) => {
                return Err(bad_payload().with_text(format!("the field '{var}' is there twice")));
            }
            Some(var) => answers.push((var.to_owned(), values.map(Element::text).collect())),
            // It has nothing to fill in.
            None if field.attr("type") == Some("fixed") => {}
            None => return Err(bad_payload()),
        }
    }
    Ok(answers)
}
