//! Whether a form was filled in as it asks (XEP-0004, section 3.3, and XEP-0122), before its plugin sees it.

use waxwing_plugins::{Field, Form};
use waxwing_xmpp::{Jid, is_xml_char};

/// The fields as filled in: name and values.
pub(super) type Answers = Vec<(String, Vec<String>)>;

/// Take what belongs to the form, addresses and yes-or-no as they are compared. What the form carries hidden or only
/// shows is not for users to change. A field may have so many bytes of values.
///
/// # Errors
/// The form with what is wrong.
pub(super) fn check(form: &Form, given: &Answers, most: usize) -> Result<Answers, Box<Form>> {
    let mut checked = Form { fields: Vec::new(), ..form.clone() };
    let (mut answers, mut sound) = (Answers::new(), true);
    for field in &form.fields {
        let values = given.iter().find(|(var, _)| *var == field.var).map(|(_, values)| values);
        match check_field(field, values, most) {
            Ok(None) => checked.fields.push(field.clone()),
            Ok(Some(values)) => {
                checked.fields.push(Field { values: values.clone(), wrong: None, ..field.clone() });
                answers.push((field.var.clone(), values));
            }
            Err(wrong) => {
                sound = false;
                // What is much too long is not sent back, nor is what was not to be filled in.
                let keeps = is_to_fill_in(field) && values.is_none_or(|values| bytes(values) <= most);
                let values = if keeps { values.cloned().unwrap_or_default() } else { field.values.clone() };
                checked.fields.push(Field { values, wrong: Some(wrong), ..field.clone() });
            }
        }
    }
    if sound { Ok(answers) } else { Err(Box::new(checked)) }
}

/// Whether a field is there to be filled in, rather than to be read or carried along.
fn is_to_fill_in(field: &Field) -> bool {
    !["fixed", "hidden"].contains(&field.ty)
}

pub(super) fn bytes(values: &[String]) -> usize {
    values.iter().map(String::len).sum()
}

/// Whether what was given is what is shown, if in another spelling of an address.
fn is_same(given: &[String], shown: &[String]) -> bool {
    let (given, shown) = (given.join("\n"), shown.join("\n"));
    let (given, shown) = (given.trim(), shown.trim());
    given == shown || Jid::parse(given).is_ok_and(|address| address == shown)
}

fn check_field(
    field: &Field,
    given: Option<&Vec<String>>,
    most: usize,
) -> Result<Option<Vec<String>>, String> {
    if !is_to_fill_in(field) {
        return match given {
            // The command is about something else.
            Some(given) if !is_same(given, &field.values) => {
                Err(format!("This is '{}' and cannot be changed", field.values.join(" ")))
            }
            _ => Ok((field.ty == "hidden").then(|| field.values.clone())),
        };
    }
    if given.is_some_and(|given| bytes(given) > most) {
        return Err(format!("This is too long: {most} bytes at most"));
    }
    let Some(given) = given else {
        return if field.required { Err("This is needed".to_owned()) } else { Ok(None) };
    };
    let lines = field.ty == "text-multi";
    let values: Vec<String> = match lines {
        true => given.clone(),
        false => given.iter().filter(|value| !value.trim().is_empty()).cloned().collect(),
    };
    if values.iter().all(|value| value.trim().is_empty()) {
        return if field.required { Err("This is needed".to_owned()) } else { Ok(Some(Vec::new())) };
    }
    if !field.ty.ends_with("-multi") && values.len() > 1 {
        return Err("There can be only one value".to_owned());
    }
    if !lines && values.iter().any(|value| value.contains(['\n', '\r'])) {
        return Err("This must be one line".to_owned());
    }
    values.into_iter().map(|value| check_value(field, value)).collect::<Result<_, _>>().map(Some)
}

fn check_value(field: &Field, value: String) -> Result<String, String> {
    if let Some(stray) = value.chars().find(|c| !is_xml_char(*c)) {
        return Err(format!("It has the character U+{:04X}, which XMPP cannot carry", u32::from(stray)));
    }
    match field.ty {
        "boolean" => match value.trim().to_ascii_lowercase().as_str() {
            "1" | "true" => Ok("true".to_owned()),
            "0" | "false" => Ok("false".to_owned()),
            _ => Err(format!("'{value}' is neither true nor false")),
        },
        "jid-single" | "jid-multi" => match Jid::parse(value.trim()) {
            Ok(jid) => Ok(jid.to_string()),
            Err(why) => Err(format!("'{value}' is no address: {why}")),
        },
        "list-single" | "list-multi" if !field.choices.iter().any(|(_, choice)| *choice == value) => {
            // It may be another spelling of a domain or an account.
            let address = Jid::parse(&value).map(|jid| jid.to_string()).unwrap_or_default();
            if field.choices.iter().any(|(_, choice)| *choice == address) {
                return Ok(address);
            }
            let choices: Vec<&str> = field.choices.iter().map(|(_, value)| value.as_str()).collect();
            Err(format!("'{value}' is none of: {}", choices.join(", ")))
        }
        _ => match field.range {
            Some((least, most)) => match value.trim().parse::<i64>() {
                Ok(number) if (least..=most).contains(&number) => Ok(number.to_string()),
                _ => Err(format!("'{value}' is no whole number from {least} to {most}")),
            },
            None => Ok(value),
        },
    }
}

/// What is wrong with a form as one text, a line for each field.
pub(super) fn complaints(form: &Form) -> Option<String> {
    let lines: Vec<String> = form
        .fields
        .iter()
        .filter_map(|field| {
            let name = if field.label.is_empty() { field.short_name() } else { &field.label };
            Some(format!("{name}: {}", field.wrong.as_ref()?))
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What a person would send who fills in some fields and leaves the others as they are; a field goes by its name,
/// by its label, or by either as one would type it.
pub(super) fn filled_in(form: &Form, given: &Answers) -> Answers {
    let answer = |field: &Field| {
        // A name may also be that of a field in a form before.
        let values = given.iter().find(|(name, _)| field.ty != "hidden" && is_called(field, name));
        (field.var.clone(), values.map_or(&field.values, |(_, values)| values).clone())
    };
    let is_given = |field: &Field| given.iter().any(|(name, _)| is_called(field, name));
    let fields = form.fields.iter().filter(|field| field.ty != "fixed" || is_given(field));
    fields.map(answer).collect()
}

/// Whether a field goes by this name.
pub(super) fn is_called(field: &Field, name: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    field.var == name || plain(field.short_name()) == plain(name) || plain(&field.label) == plain(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::tests::field;

    fn answers(given: &[(&str, &[&str])]) -> Answers {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        given.iter().map(|(var, values)| ((*var).to_owned(), owned(values))).collect()
    }

    const MOST: usize = 100;

    fn form(fields: Vec<Field>) -> Form {
        Form { fields, ..Form::default() }
    }

    #[test]
    fn what_fits_is_taken_as_it_is_compared() {
        let form = form(vec![
            Field { required: true, ..field("who", "jid-single") },
            field("whom", "jid-multi"),
            Field {
                choices: vec![("B".into(), "b\u{fc}cher.example".into())],
                ..field("where", "list-single")
            },
            field("sure", "boolean"),
            Field { range: Some((0, 9)), ..field("count", "text-single") },
            Field { values: vec!["kept".into()], ..field("marker", "hidden") },
            field("note", "fixed"),
            field("left-out", "text-single"),
            field("lines", "text-multi"),
        ]);
        let given = answers(&[
            ("marker", &["kept"]),
            ("who", &["Juliet@Example.ORG"]),
            ("whom", &["", "a@b.example"]),
            ("where", &["xn--bcher-kva.example"]),
            ("sure", &["1"]),
            ("count", &[" 7"]),
            ("unknown", &["x"]),
            ("lines", &["one", "", "two"]),
        ]);
        let expected = answers(&[
            ("who", &["juliet@example.org"]),
            ("whom", &["a@b.example"]),
            ("where", &["b\u{fc}cher.example"]),
            ("sure", &["true"]),
            ("count", &["7"]),
            ("marker", &["kept"]),
            ("lines", &["one", "", "two"]),
        ]);
        assert_eq!(check(&form, &given, MOST), Ok(expected));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let form = form(vec![
            Field { required: true, label: "Who".into(), ..field("who", "jid-single") },
            Field { required: true, ..field("name", "text-single") },
            Field { choices: vec![("One".into(), "1".into())], ..field("which", "list-single") },
            Field { range: Some((0, 9)), ..field("count", "text-single") },
            field("sure", "boolean"),
            field("single", "text-single"),
            field("line", "text-single"),
            field("long", "text-multi"),
            Field { values: vec!["a.example".into()], ..field("item-list", "hidden") },
            Field { values: vec!["a.example".into()], ..field("Domain name", "fixed") },
            field("lines", "text-multi"),
        ]);
        let long = ["x".repeat(MOST / 2 + 1), "x".repeat(MOST / 2)];
        let given = answers(&[
            ("lines", &["fine", "\u{1b}[1mred"]),
            ("who", &["@"]),
            ("name", &[" "]),
            ("which", &["2"]),
            ("count", &["10"]),
            ("sure", &["perhaps"]),
            ("single", &["a", "b"]),
            ("line", &["a\nb"]),
            ("long", &long.each_ref().map(String::as_str)),
            ("item-list", &["b.example"]),
            ("Domain name", &["b.example"]),
        ]);
        let wrong = check(&form, &given, MOST).unwrap_err();
        let lines = complaints(&wrong).unwrap();
        let lines: Vec<&str> = lines.lines().collect();
        assert!(lines[0].starts_with("Who: '@' is no address"), "{lines:?}");
        assert_eq!(lines[1], "name: This is needed");
        assert_eq!(lines[2], "which: '2' is none of: 1");
        assert_eq!(lines[3], "count: '10' is no whole number from 0 to 9");
        assert_eq!(lines[4], "sure: 'perhaps' is neither true nor false");
        assert_eq!(lines[5], "single: There can be only one value");
        assert_eq!(lines[6], "line: This must be one line");
        assert_eq!(lines[7], "long: This is too long: 100 bytes at most");
        assert_eq!(lines[8], "item-list: This is 'a.example' and cannot be changed");
        assert_eq!(lines[9], "Domain name: This is 'a.example' and cannot be changed");
        assert!(wrong.fields[7].values.is_empty() && wrong.fields[8].values == ["a.example"]);
        assert_eq!(lines[10], "lines: It has the character U+001B, which XMPP cannot carry");
        // What was typed is there to be corrected.
        assert_eq!(wrong.fields[3].values, ["10"]);
    }

    #[test]
    fn the_rest_of_a_form_stays_as_it_is() {
        let form = form(vec![
            Field { values: vec!["true".into()], ..field("Enabled", "boolean") },
            field("Domain name", "text-single"),
            Field { label: "How many".into(), ..field("max", "text-single") },
        ]);
        let given = answers(&[("domain-name", &["a.example"]), ("how-many", &["3"])]);
        let expected = answers(&[("Enabled", &["true"]), ("Domain name", &["a.example"]), ("max", &["3"])]);
        assert_eq!(filled_in(&form, &given), expected);
    }
}
