//! The program of the desktop window. Everything is in the library, so that tests reach it.

// Without this a console opens beside the window on Windows.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    hausrecht_app::run()
}
