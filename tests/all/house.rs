//! The rules of the tree, held by tests: who may depend on whom, what lives where, and that the documents stay true.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use hausrecht_tests::programs;

/// The edges that ARCHITECTURE.md draws: a crate, and the only crates of the house that it may name.
const EDGES: &[(&str, &[&str])] = &[
    ("hausrecht-model", &[]),
    ("hausrecht-onvif", &["hausrecht-model"]),
    ("hausrecht-media", &["hausrecht-model"]),
    ("hausrecht-vault", &["hausrecht-model"]),
    ("hausrecht-ledger", &["hausrecht-model"]),
    ("hausrecht-store", &["hausrecht-model"]),
    ("hausrecht-simcam", &["hausrecht-model"]),
    (
        "hausrecht-engine",
        &[
            "hausrecht-ledger",
            "hausrecht-media",
            "hausrecht-model",
            "hausrecht-onvif",
            "hausrecht-store",
            "hausrecht-vault",
        ],
    ),
    ("hausrecht-cli", &["hausrecht-engine", "hausrecht-model"]),
    ("hausrecht-app", &["hausrecht-engine", "hausrecht-media", "hausrecht-model"]),
];

/// What a crate's tests take besides; no program gets it: the worker is tried against a whole camera.
const IN_TESTS: &[(&str, &str)] = &[("hausrecht-media", "hausrecht-simcam")];

#[test]
fn crates_depend_on_each_other_only_as_drawn() {
    let metadata = metadata();
    let drawn: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    let house: BTreeSet<&str> = metadata.workspace_packages().iter().map(|p| p.name.as_str()).collect();
    for package in metadata.workspace_packages() {
        if package.name.as_str() == "hausrecht-tests" {
            continue;
        }
        let allowed = drawn
            .get(package.name.as_str())
            .unwrap_or_else(|| panic!("{} is not in ARCHITECTURE.md's drawing", package.name));
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let is_for_tests = dependency.kind == cargo_metadata::DependencyKind::Development;
            if is_for_tests && IN_TESTS.contains(&(package.name.as_str(), name)) {
                continue;
            }
            assert!(
                !house.contains(name) || allowed.contains(name) || name == package.name.as_str(),
                "{} must not depend on {name}",
                package.name
            );
        }
    }
}

#[test]
fn engine_and_shell_take_the_protocol_half_of_media() {
    for package in metadata().workspace_packages() {
        for dependency in &package.dependencies {
            if dependency.name == "hausrecht-media" {
                assert!(
                    !dependency.uses_default_features
                        && !dependency.features.iter().any(|feature| feature == "worker"),
                    "{} would link the decoder",
                    package.name
                );
            }
        }
    }
}

#[test]
fn frameworks_stay_in_their_crates() {
    let allowed: &[(&str, &[&str])] = &[
        ("gstreamer", &["hausrecht-media", "hausrecht-simcam"]),
        ("tauri", &["hausrecht-app"]),
        ("gtk", &["hausrecht-app"]),
        ("rusqlite", &["hausrecht-store"]),
        ("age", &["hausrecht-vault"]),
        ("ed25519-dalek", &["hausrecht-vault", "hausrecht-ledger", "hausrecht-engine"]),
        // Cameras, and witnesses of the log.
        ("reqwest", &["hausrecht-onvif", "hausrecht-engine"]),
    ];
    for package in metadata().workspace_packages() {
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            for (framework, homes) in allowed {
                let is_it = name == *framework
                    || name.strip_prefix(framework).is_some_and(|rest| rest.starts_with('-'));
                assert!(
                    !is_it
                        || homes.contains(&package.name.as_str())
                        || dependency.kind == DependencyKind::Development,
                    "{} depends on {name}, which belongs to {homes:?} alone",
                    package.name
                );
            }
        }
    }
}

/// The keys are in these two programs, so the decoder must not be: they may not even load GStreamer themselves.
#[test]
fn programs_that_hold_keys_do_not_link_gstreamer() {
    for program in [programs::app(), programs::cli()] {
        let out = Command::new("readelf").arg("--dynamic").arg(&program).output().expect("readelf runs");
        assert!(out.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&out.stderr));
        let needed = String::from_utf8_lossy(&out.stdout);
        assert!(!needed.contains("libgst"), "{} links GStreamer:\n{needed}", program.display());
    }
}

#[test]
fn gstreamer_is_named_only_by_the_worker_and_the_simulated_camera() {
    for (path, text) in rust_sources() {
        let in_media = path.starts_with("src-tauri/crates/media");
        let in_its_library = path.starts_with("src-tauri/crates/media/src")
            && !path.starts_with("src-tauri/crates/media/src/bin");
        if (in_media && !in_its_library)
            || path.starts_with("src-tauri/crates/simcam")
            || path.ends_with("house.rs")
        {
            continue;
        }
        for (number, line) in code_lines(&text) {
            assert!(
                !line.contains("gstreamer::") && !line.contains("gstreamer_app") && !line.contains("use gst"),
                "{}:{number} uses GStreamer outside the worker",
                path.display()
            );
        }
    }
}

#[test]
fn sql_lives_in_store() {
    let statements =
        ["SELECT ", "INSERT INTO ", "INSERT OR ", "DELETE FROM ", "CREATE TABLE ", "ALTER TABLE ", "PRAGMA "];
    for (path, text) in rust_sources() {
        if path.starts_with("src-tauri/crates/store") || path.ends_with("house.rs") {
            continue;
        }
        for (number, line) in code_lines(&text) {
            let sql = statements.iter().find(|statement| line.contains(*statement));
            assert!(sql.is_none(), "{}:{number} holds SQL: {line}", path.display());
        }
    }
}

#[test]
fn model_does_no_input_or_output() {
    assert_absent(
        "src-tauri/crates/model",
        &["std::fs", "std::net", "std::process", "std::io", "std::env", "tokio", "println!"],
    );
}

#[test]
fn vault_knows_no_cameras() {
    assert_absent("src-tauri/crates/vault/src", &["CameraId", "hausrecht_onvif"]);
}

#[test]
fn ledger_has_no_delete() {
    assert_absent("src-tauri/crates/ledger/src", &["fn delete", "fn remove", "fn truncate", "fn drop_entry"]);
}

#[test]
fn wall_clock_is_read_in_one_place() {
    for (path, text) in rust_sources() {
        if path.ends_with("model/src/clock.rs") || path.ends_with("house.rs") {
            continue;
        }
        for (number, line) in code_lines(&text) {
            for read in ["SystemTime::now", "Timestamp::now", "Zoned::now", "Utc::now"] {
                assert!(
                    !line.contains(read),
                    "{}:{number} reads the clock; it is passed in (model::clock)",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn page_reaches_its_host_only_through_ipc() {
    for (path, text) in files_under("ui", &["ts", "svelte", "js"]) {
        if path.starts_with("ui/src/ipc") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            assert!(
                !line.contains("@tauri-apps"),
                "{}:{} reaches around ui/src/ipc",
                path.display(),
                number + 1
            );
        }
    }
}

/// The window loads nothing from the network: its rules allow only itself, its host, and the loopback frames.
#[test]
fn page_may_load_nothing_from_the_network() {
    let text = read("src-tauri/tauri.conf.json");
    let conf: serde_json::Value = serde_json::from_str(&text).expect("tauri.conf.json is JSON");
    let csp = conf["app"]["security"]["csp"].to_string();
    assert!(csp.contains("default-src"), "no content security policy: {csp}");
    for word in csp.split(|c: char| c.is_whitespace() || "\";,".contains(c)) {
        let scheme = word.starts_with("http:") || word.starts_with("https:") || word.starts_with("ws");
        let local =
            word.contains("://localhost") || word.contains("://127.0.0.1") || word.contains("ipc.localhost");
        assert!(!scheme || local, "the page could load from {word}");
        assert!(word != "*" && word != "'unsafe-eval'", "the policy has a hole: {word}");
    }
}

#[test]
fn while_developing_all_name_the_same_address_of_the_page() {
    let settings: serde_json::Value =
        serde_json::from_str(&read("src-tauri/tauri.conf.json")).expect("the shell's settings are JSON");
    let url = settings["build"]["devUrl"].as_str().expect("the shell knows where the page is served");
    let (host, port) =
        url.strip_prefix("http://").and_then(|rest| rest.split_once(':')).expect("host and port");
    assert!(read("ui/vite.config.ts").contains(&format!("port: {port}, strictPort: true, host: '{host}'")));
    assert!(read("Makefile").contains(&format!("connect({port}, '{host}'")));
    assert!(read("src-tauri/src/presenter/canvas.rs").contains(&format!("origin == \"{url}\"")));
    assert!(read("src-tauri/src/window.rs").contains(&format!("host_str() == Some(\"{host}\")")));
}

#[test]
fn messages_are_whole_in_both_languages() {
    let english = messages("en");
    let german = messages("de");
    assert!(english.len() > 100, "only {} messages: is this the right place?", english.len());
    let keys =
        |messages: &BTreeMap<String, BTreeSet<String>>| messages.keys().cloned().collect::<BTreeSet<_>>();
    let only_english: Vec<_> = keys(&english).difference(&keys(&german)).cloned().collect();
    let only_german: Vec<_> = keys(&german).difference(&keys(&english)).cloned().collect();
    assert!(only_english.is_empty(), "not in German: {only_english:?}");
    assert!(only_german.is_empty(), "not in English: {only_german:?}");
    for (key, parameters) in &english {
        assert_eq!(parameters, &german[key], "parameters of {key} differ");
    }
}

#[test]
fn paths_in_the_documents_exist() {
    for document in ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = read(document);
        let mut checked = 0;
        for path in paths_in(&text) {
            // A format's description is named without its folder where every crate's own is meant.
            let found = path == "FORMAT.md"
                || root().join(&path).exists()
                || root().join("src-tauri").join(&path).exists()
                || root().join("src-tauri/crates").join(&path).exists();
            assert!(found, "{document} names {path}, which is not there");
            checked += 1;
        }
        assert!(checked > 0, "{document} names no path: are they still in backticks?");
    }
}

#[test]
fn the_top_level_is_five_rooms_and_the_papers() {
    let expected: BTreeSet<&str> = [
        "ARCHITECTURE.md",
        "BENCHMARKS.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "Makefile",
        "README.md",
        "SECURITY.md",
        "assets",
        "clippy.toml",
        "deny.toml",
        "fuzz",
        "rustfmt.toml",
        "src-tauri",
        "tests",
        "ui",
    ]
    .into();
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output().expect("git runs");
    let listed = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    let found: BTreeSet<&str> = listed
        .lines()
        .filter_map(|path| path.split('/').next())
        .filter(|name| !name.starts_with('.'))
        .collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(extra.is_empty(), "new at the top level: {extra:?}");
}

#[test]
fn every_licence_is_allowed() {
    let deny = read("deny.toml");
    let list =
        deny.split("allow = [").nth(1).and_then(|rest| rest.split(']').next()).expect("deny.toml allows");
    let allowed: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
    let fits = |term: &str| allowed.contains(term.trim());
    for package in metadata().packages {
        let Some(licence) = &package.license else {
            assert!(package.license_file.is_some(), "{} names no licence", package.name);
            continue;
        };
        let licence = licence.replace('/', " OR ");
        let one_fits =
            licence.replace(['(', ')'], " ").split(" AND ").all(|part| part.split(" OR ").any(fits));
        let alternative_fits =
            licence.replace(['(', ')'], " ").split(" OR ").any(|part| part.split(" AND ").all(fits));
        assert!(one_fits || alternative_fits, "{} is under {licence}", package.name);
    }
}

/// The page is part of the same program, under the same terms.
#[test]
fn the_page_has_the_licence_of_the_house() {
    let package: serde_json::Value =
        serde_json::from_str(&read("ui/package.json")).expect("package.json is JSON");
    assert_eq!(package["license"], "MIT OR Apache-2.0");
}

/// Where this was built is nobody's business, and nobody else could build from there.
#[test]
fn lock_files_name_no_private_registry() {
    assert!(!read("ui/package-lock.json").contains("\"resolved\": \"http"), "run npm with ui/.npmrc");
    for line in read("Cargo.lock").lines().filter(|line| line.starts_with("source = ")) {
        assert_eq!(line, "source = \"registry+https://github.com/rust-lang/crates.io-index\"");
    }
}

fn root() -> PathBuf {
    programs::root()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The workspace for this kind of computer: of crates for others, a build has fetched nothing.
fn metadata() -> Metadata {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options([
            "--locked".to_owned(),
            "--offline".to_owned(),
            "--filter-platform".to_owned(),
            platform,
        ])
        .exec()
        .expect("cargo metadata reads the workspace")
}

/// All files below `folder` with one of `endings`, paths from the root; what is fetched or generated is left out.
fn files_under(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(dir) = open.pop() {
        let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        for entry in entries {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !["node_modules", "dist", "generated", "target", "gen"].contains(&name)
                    && !name.starts_with('.')
                {
                    open.push(path);
                }
            } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.contains(&e)) {
                let text =
                    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let from_root = path.strip_prefix(root()).expect("found below the root").to_owned();
                found.push((from_root, text));
            }
        }
    }
    assert!(!found.is_empty(), "nothing below {folder}");
    found
}

fn rust_sources() -> Vec<(PathBuf, String)> {
    let mut sources = files_under("src-tauri", &["rs"]);
    sources.extend(files_under("tests", &["rs"]));
    sources
}

/// Lines that are not comments, numbered from one.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn assert_absent(folder: &str, words: &[&str]) {
    for (path, text) in files_under(folder, &["rs"]) {
        for (number, line) in code_lines(&text) {
            for word in words {
                assert!(!line.contains(word), "{}:{number} has {word}: {line}", path.display());
            }
        }
    }
}

/// Each message of a language with the names of its parameters.
fn messages(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = read(&format!("ui/messages/{language}.json"));
    let all: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).expect("messages are JSON");
    all.into_iter()
        .filter(|(key, _)| !key.starts_with('$'))
        .map(|(key, value)| {
            let mut parameters = BTreeSet::new();
            collect_parameters(&value, &mut parameters);
            (key, parameters)
        })
        .collect()
}

fn collect_parameters(value: &serde_json::Value, parameters: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::String(text) => {
            let names = text.split('{').skip(1).filter_map(|rest| rest.split('}').next());
            parameters.extend(names.map(|name| name.trim().to_owned()));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| collect_parameters(value, parameters)),
        serde_json::Value::Object(map) => {
            map.values().for_each(|value| collect_parameters(value, parameters))
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

/// What stands in backticks and looks like a path of this tree: has a slash or a known ending, no spaces or wildcards.
fn paths_in(text: &str) -> BTreeSet<String> {
    let prose: String = text.split("```").step_by(2).collect();
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            let known_ending =
                [".md", ".rs", ".toml", ".sh", ".json", ".svelte", ".ts"].iter().any(|e| word.ends_with(e));
            (word.contains('/') || known_ending)
                && !word.contains(|c: char| c.is_whitespace() || "*<>(){}$~:=@…".contains(c))
                && !word.starts_with(['/', '-'])
                && !word.starts_with("target/")
        })
        .map(|word| word.trim_end_matches('/').to_owned())
        .collect()
}
