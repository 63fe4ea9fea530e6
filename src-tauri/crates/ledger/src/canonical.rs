//! The one way to write an entry as bytes: RFC 8785 (JSON Canonicalization Scheme), narrowed to what both sides of it
//! agree on everywhere: member names of `a-z 0-9 _`, integers that a double holds exactly.

use serde_json::{Map, Value};

/// The largest integer that every JSON reader keeps exactly, 2^53 - 1.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// How deep values may lie in one another.
const MAX_DEPTH: usize = 8;

/// Why a value has no canonical form here.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CanonicalError {
    #[error("“{0}” is not a member name: 1 to 64 of a-z, 0-9 and _")]
    Name(String),
    #[error("{0} is not an integer of at most 53 bits")]
    Number(String),
    #[error("values lie more than {MAX_DEPTH} deep in one another")]
    Depth,
}

/// Writes `members` in canonical form.
pub(crate) fn write(members: &Map<String, Value>) -> Result<String, CanonicalError> {
    let mut out = String::with_capacity(512);
    write_members(members, &mut out, 0)?;
    Ok(out)
}

/// Whether `name` can be a member's name.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn write_members(members: &Map<String, Value>, out: &mut String, depth: usize) -> Result<(), CanonicalError> {
    // The map's own order depends on a feature of serde_json that any crate of the build may switch on.
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    out.push('{');
    for (nth, (name, value)) in sorted.into_iter().enumerate() {
        if !is_name(name) {
            return Err(CanonicalError::Name(name.clone()));
        }
        if nth > 0 {
            out.push(',');
        }
        write_string(name, out);
        out.push(':');
        write_value(value, out, depth + 1)?;
    }
    out.push('}');
    Ok(())
}

fn write_value(value: &Value, out: &mut String, depth: usize) -> Result<(), CanonicalError> {
    if depth > MAX_DEPTH {
        return Err(CanonicalError::Depth);
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if magnitude.is_none_or(|magnitude| magnitude > MAX_INTEGER) {
                return Err(CanonicalError::Number(number.to_string()));
            }
            out.push_str(&number.to_string());
        }
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (nth, item) in items.iter().enumerate() {
                if nth > 0 {
                    out.push(',');
                }
                write_value(item, out, depth + 1)?;
            }
            out.push(']');
        }
        Value::Object(members) => write_members(members, out, depth)?,
    }
    Ok(())
}

/// serde_json escapes exactly as RFC 8785 asks: `\b \t \n \f \r \" \\`, other control characters as `\u00xx`.
fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a string always serialises"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canonical(value: Value) -> Result<String, CanonicalError> {
        write(value.as_object().unwrap())
    }

    #[test]
    fn members_are_sorted_and_texts_escaped() {
        let text =
            canonical(json!({"b": [1, -2, null], "a": {"d": true, "c": "ü\u{1}\n\"\\/\u{7f}"}})).unwrap();
        assert_eq!(text, "{\"a\":{\"c\":\"ü\\u0001\\n\\\"\\\\/\u{7f}\",\"d\":true},\"b\":[1,-2,null]}");
    }

    #[test]
    fn what_readers_disagree_on_is_refused() {
        assert_eq!(canonical(json!({"Ä": 1})), Err(CanonicalError::Name("Ä".into())));
        assert_eq!(canonical(json!({"": 1})), Err(CanonicalError::Name(String::new())));
        assert!(matches!(canonical(json!({"a": 0.5})), Err(CanonicalError::Number(_))));
        assert!(matches!(canonical(json!({"a": 1_u64 << 53})), Err(CanonicalError::Number(_))));
        assert!(canonical(json!({"a": -((1_i64 << 53) - 1)})).is_ok());
        let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        assert!(canonical(json!({"a": nested(MAX_DEPTH - 1)})).is_ok());
        assert_eq!(canonical(json!({"a": nested(MAX_DEPTH)})), Err(CanonicalError::Depth));
    }
}
