//! `+ - * /` on values.

use super::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    pub fn symbol(self) -> char {
        match self {
            Operator::Add => '+',
            Operator::Subtract => '-',
            Operator::Multiply => '*',
            Operator::Divide => '/',
        }
    }
}

/// Whole numbers stay whole, one number with a fraction makes the result one; `+` joins text with
/// anything simple and passes over null.
pub(super) fn apply(operator: Operator, left: Value, right: Value) -> Result<Value, String> {
    use Operator::{Add, Divide, Multiply, Subtract};
    match (left, operator, right) {
        (Value::Null, Add, other) | (other, Add, Value::Null) => Ok(other),
        (Value::Int(a), _, Value::Int(b)) => {
            let result = match operator {
                Add => a.checked_add(b),
                Subtract => a.checked_sub(b),
                Multiply => a.checked_mul(b),
                Divide if b == 0 => return Err("division by zero".to_owned()),
                Divide => a.checked_div(b),
            };
            result.map(Value::Int).ok_or_else(|| "the result is too large a number".to_owned())
        }
        (left, _, right) => match (operator, number(&left), number(&right)) {
            (Add, Some(a), Some(b)) => finite(a + b),
            (Subtract, Some(a), Some(b)) => finite(a - b),
            (Multiply, Some(a), Some(b)) => finite(a * b),
            (Divide, Some(_), Some(0.0)) => Err("division by zero".to_owned()),
            (Divide, Some(a), Some(b)) => finite(a / b),
            (Add, ..) => join(&left, &right),
            _ => Err(format!(
                "'{}' needs numbers, found {} and {}; text with + - * / in it must be quoted",
                operator.symbol(),
                left.found(),
                right.found()
            )),
        },
    }
}

/// The same value below zero.
pub(super) fn negate(value: Value) -> Result<Value, String> {
    match value {
        Value::Int(number) => {
            number.checked_neg().map(Value::Int).ok_or_else(|| "the result is too large a number".to_owned())
        }
        Value::Float(number) => Ok(Value::Float(-number)),
        other => Err(format!(
            "'-' needs a number, found {}; text with + - * / in it must be quoted",
            other.found()
        )),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn finite(number: f64) -> Result<Value, String> {
    match number.is_finite() {
        true => Ok(Value::Float(number)),
        false => Err("the result is too large a number".to_owned()),
    }
}

fn join(left: &Value, right: &Value) -> Result<Value, String> {
    match (left.as_text(), right.as_text()) {
        (Some(left), Some(right)) => Ok(Value::Text(left + &right)),
        _ => Err(format!("'+' cannot join {} and {}", left.found(), right.found())),
    }
}
