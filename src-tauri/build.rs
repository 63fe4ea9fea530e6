//! Lets Tauri read its configuration and write down which commands each window may call.

fn main() {
    tauri_build::build();
}
