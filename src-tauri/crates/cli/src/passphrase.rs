//! Asks for secrets: from a file, from standard input, or at the terminal without echo.

use std::{
    io::{BufRead, IsTerminal, Read},
    path::Path,
};

use anyhow::Context;

/// The secret from `file`, or asked for at the terminal. One trailing line end is not part of it.
pub(crate) fn secret(file: Option<&Path>, question: &str) -> anyhow::Result<String> {
    let mut text = match file {
        Some(path) if path.as_os_str() == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?,
        None if std::io::stdin().is_terminal() => rpassword::prompt_password(format!("{question}: "))?,
        None => {
            let mut text = String::new();
            std::io::stdin().lock().read_line(&mut text)?;
            text
        }
    };
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    anyhow::ensure!(!text.is_empty(), "{question}: nothing was given");
    Ok(text)
}
