//! A start that failed: said in a dialog where there is a desktop, and always on standard error.

use std::process::ExitCode;

use hausrecht_engine::StartError;

/// Exit code when another program holds the data folder; any other failed start is 1, wrong arguments 2.
const IN_USE: u8 = 3;

/// Says why the engine does not start and what can be done.
pub(crate) fn report_start(error: &StartError, dialog: bool) -> ExitCode {
    let code = if matches!(error, StartError::InUse { .. }) { IN_USE } else { 1 };
    report("Hausrecht cannot start", &sentences(error), dialog);
    ExitCode::from(code)
}

/// The failure and its causes, outermost first.
fn sentences(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push('\n');
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// Says `what` went wrong.
#[expect(
    clippy::print_stderr,
    reason = "whoever started the program from a terminal or a service reads it there"
)]
pub(crate) fn report(title: &str, what: &str, dialog: bool) {
    eprintln!("hausrecht-app: {title}: {what}");
    if dialog {
        show(title, what);
    }
}

#[cfg(target_os = "linux")]
fn show(title: &str, what: &str) {
    use gtk::prelude::*;
    if gtk::init().is_err() {
        return;
    }
    let dialog = gtk::MessageDialog::new(
        None::<&gtk::Window>,
        gtk::DialogFlags::MODAL,
        gtk::MessageType::Error,
        gtk::ButtonsType::Close,
        title,
    );
    dialog.set_title("Hausrecht");
    dialog.set_secondary_text(Some(what));
    dialog.run();
}

#[cfg(not(target_os = "linux"))]
fn show(_title: &str, _what: &str) {}
