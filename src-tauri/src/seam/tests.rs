//! The page's bindings are generated from the seam and checked in; this test holds them equal.

use std::path::{Path, PathBuf};

use specta::datatype::Primitive;
use specta_typescript::Typescript;
use specta_util::Remapper;
use tauri_specta::{BuilderConfiguration, LanguageExt};

use super::*;

/// TypeScript in which a float is a number: the engine sends none that is not finite, for which the exporter allows `null`.
struct Finite(Typescript);

impl LanguageExt for Finite {
    type Error = specta_typescript::Error;

    fn export(self, configuration: &BuilderConfiguration, path: &Path) -> Result<(), Self::Error> {
        let number = Remapper::new()
            .rule(Primitive::f32.into(), Primitive::i32.into())
            .rule(Primitive::f64.into(), Primitive::i32.into());
        let mut configuration = configuration.clone();
        configuration.types = number.remap_types(configuration.types);
        self.0.export(&configuration, path)
    }
}

/// `cargo test -p hausrecht-app bindings`; with `UPDATE_BINDINGS=1` it writes the file instead.
#[test]
fn bindings_are_up_to_date() {
    let checked_in = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ui/src/ipc/bindings.ts");
    let folder = tempfile::tempdir().unwrap();
    let generated = folder.path().join("bindings.ts");
    let header = "// Generated from the shell's commands and the engine's wire types by `UPDATE_BINDINGS=1 cargo test -p \
                  hausrecht-app bindings`.\n// Do not edit: a test compares.\n";
    builder().export(Finite(Typescript::default().header(header)), &generated).unwrap();
    let generated = std::fs::read_to_string(generated).unwrap();
    if std::env::var_os("UPDATE_BINDINGS").is_some() {
        std::fs::write(&checked_in, generated).unwrap();
    } else if std::fs::read_to_string(&checked_in).unwrap() != generated {
        panic!("{} differs from the seam: run with UPDATE_BINDINGS=1", checked_in.display());
    }
}
