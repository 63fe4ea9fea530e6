//! Witnesses: a second computer remembers how far the log was, and finds what was cut off or written anew; it cosigns nothing that does not
//! continue what it cosigned before.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use hausrecht_engine::{Witness, wire::WitnessTrouble};
use hausrecht_model::clock::SystemClock;
use hausrecht_tests::{
    disk::copy_all,
    process::{Owned, first_lines},
    programs,
    stage::{OWNER, OWNER_PASSPHRASE, Stage, alone},
};

/// A witness in a process of its own.
struct Served {
    url: String,
    key: String,
    _process: Owned,
}

fn serve(folder: &Path, listen: &str, logs: &[&str]) -> Served {
    let mut command = Command::new(programs::cli());
    command
        .args(["--json", "witness", "--listen", listen, "--name", "nas.example/w"])
        .arg("--folder")
        .arg(folder);
    for log in logs {
        command.args(["--log", log]);
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let said = first_lines(&mut child, 4, Duration::from_secs(20)).join("\n");
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    let address: SocketAddr = told["address"].as_str().unwrap().parse().unwrap();
    Served {
        url: format!("http://{address}/"),
        key: told["key"].as_str().unwrap().into(),
        _process: Owned(child),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_sees_a_log_grow_and_finds_what_was_cut_off_or_written_anew() {
    if !alone("witnesses::a_witness_sees_a_log_grow_and_finds_what_was_cut_off_or_written_anew") {
        return;
    }
    let stage = Stage::owned().await;
    let key = stage.engine.verifier_key().unwrap();
    let memory = tempfile::tempdir().unwrap();
    let witness = serve(memory.path(), "127.0.0.1:0", &[&key]);

    // What is no witness is refused before it is kept.
    for (url, key) in [
        ("nas", witness.key.as_str()),
        ("ftp://nas/", &witness.key),
        (&witness.url, &key),
        (&witness.url, ""),
    ] {
        stage.engine.add_witness(url.into(), key.into()).await.unwrap_err();
    }
    assert_eq!(stage.engine.witnesses().await.unwrap(), []);

    let seen = stage.engine.add_witness(witness.url.clone(), witness.key.clone()).await.unwrap().remove(0);
    assert_eq!((seen.name.as_str(), &seen.problem), ("nas.example/w", &None));
    assert!(seen.size > 0 && seen.seen_us.is_some());
    // It grows, and is seen to.
    let grown = stage.engine.ask_witnesses().await.unwrap().remove(0);
    assert!(grown.size > seen.size && grown.problem.is_none(), "{grown:?}");
    // One that does not answer, and one that knows another log.
    let silent = stage.engine.add_witness("http://127.0.0.1:9/".into(), witness.key.clone()).await.unwrap();
    let trouble = |views: &[hausrecht_engine::wire::WitnessView], url: &str| {
        views.iter().find(|view| view.url == url).unwrap().problem.as_ref().map(|problem| problem.trouble)
    };
    assert_eq!(trouble(&silent, "http://127.0.0.1:9/"), Some(WitnessTrouble::Silent));
    let stranger = Stage::owned().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let other = serve(elsewhere.path(), "127.0.0.1:0", &[&stranger.engine.verifier_key().unwrap()]);
    let refused = stage.engine.add_witness(other.url.clone(), other.key.clone()).await.unwrap();
    assert_eq!(trouble(&refused, &other.url), Some(WitnessTrouble::Refused));
    // Somebody else at the address, with another key.
    let wrong = stage.engine.add_witness(witness.url.clone(), other.key.clone()).await.unwrap();
    assert_eq!(trouble(&wrong, &witness.url), Some(WitnessTrouble::Refused));
    stage.engine.remove_witness(other.url.clone()).await.unwrap();
    stage.engine.remove_witness("http://127.0.0.1:9/".into()).await.unwrap();
    let back = stage.engine.add_witness(witness.url.clone(), witness.key.clone()).await.unwrap();
    assert_eq!(trouble(&back, &witness.url), None);

    // A copy of the data folder of now; the log goes on and is seen; then the copy is put back: cut.
    let (folder, clock) = stage.close().await;
    let copy = tempfile::tempdir().unwrap();
    copy_all(folder.path(), copy.path());
    let stage = Stage::over(folder, clock.clone()).await;
    stage.sign_in(OWNER, OWNER_PASSPHRASE).await;
    for _ in 0..5 {
        stage.engine.lock().await;
        stage.sign_in(OWNER, OWNER_PASSPHRASE).await;
    }
    let last = stage.engine.ask_witnesses().await.unwrap().remove(0);
    assert!(last.problem.is_none() && last.size > grown.size, "{last:?}");
    stage.close().await;
    let stage = Stage::over(copy, clock).await;
    stage.sign_in(OWNER, OWNER_PASSPHRASE).await;
    let mut told = stage.engine.subscribe();
    let cut = stage.engine.ask_witnesses().await.unwrap();
    assert_eq!(trouble(&cut, &witness.url), Some(WitnessTrouble::Cut), "{cut:?}");
    let notice = async {
        loop {
            if let hausrecht_engine::wire::Event::Notice(notice) = told.recv().await.unwrap() {
                break notice;
            }
        }
    };
    assert_eq!(notice.await.kind, hausrecht_engine::wire::NoticeKind::WitnessDiffers);
    // Grown past what the witness saw, it has other entries there: written anew.
    while stage.engine.checkpoint().await.unwrap().lines().nth(1).unwrap().parse::<u64>().unwrap()
        <= last.size
    {
        stage.engine.lock().await;
        stage.sign_in(OWNER, OWNER_PASSPHRASE).await;
    }
    let fork = stage.engine.ask_witnesses().await.unwrap();
    assert_eq!(trouble(&fork, &witness.url), Some(WitnessTrouble::Fork), "{fork:?}");
    // And the log itself says so, once for each.
    let query =
        hausrecht_engine::wire::LogQuery { limit: 10, kinds: vec!["error".into()], ..Default::default() };
    let errors = stage.engine.log_page(query).await.unwrap();
    assert_eq!(errors.matching, 2, "{:?}", errors.rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_cosigns_nothing_that_does_not_continue_what_it_cosigned() {
    let stage = Stage::owned().await;
    let (key, first) = (stage.engine.verifier_key().unwrap(), stage.engine.checkpoint().await.unwrap());
    let size = |note: &str| note.lines().nth(1).unwrap().parse::<u64>().unwrap();
    stage.engine.lock().await;
    stage.sign_in(OWNER, OWNER_PASSPHRASE).await;
    let second = stage.engine.checkpoint().await.unwrap();
    let proof = stage.engine.log_consistency(&first).await.unwrap().proof.join("\n");
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        Witness::open(folder.path(), "w", std::slice::from_ref(&key), Arc::new(SystemClock::new())).unwrap()
    };
    let witness = open();
    let ask = |witness: &Witness, old: u64, proof: &str, note: &str| {
        let proof = if proof.is_empty() { String::new() } else { format!("{proof}\n") };
        witness.add_checkpoint(&format!("old {old}\n{proof}\n{note}"))
    };
    let (a, b) = (size(&first), size(&second));

    // Malformed, of another log, signed by nobody, from the future.
    for body in
        ["", "old\n\nx", "old 01\n\nx", "old -1\n\nx", "old 0\nAAAA\n\nx", &format!("old 0 \n\n{first}")]
    {
        assert_eq!(witness.add_checkpoint(body).status, 400, "{body}");
    }
    let many = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(64);
    assert_eq!(witness.add_checkpoint(&format!("old 0\n{many}\n{first}")).status, 400);
    let stranger = Stage::owned().await;
    assert_eq!(ask(&witness, 0, "", &stranger.engine.checkpoint().await.unwrap()).status, 404);
    assert_eq!(
        ask(&witness, 0, "", &first.replace(&format!("\n{a}\n"), &format!("\n{}\n", a + 1))).status,
        403
    );
    assert_eq!(ask(&witness, a + 1, "", &first).status, 400);
    // The first one is taken as it is; then each continues.
    assert_eq!(ask(&witness, 0, &proof, &first).status, 422, "a proof where there is none");
    let seen = ask(&witness, 0, "", &first);
    assert_eq!((seen.status, seen.body.starts_with("\u{2014} w ")), (200, true));
    let conflict = ask(&witness, 0, "", &second);
    assert_eq!(
        (conflict.status, conflict.content_type, conflict.body),
        (409, "text/x.tlog.size", format!("{a}\n"))
    );
    assert_eq!(ask(&witness, a, "", &second).status, 422);
    let forged = format!("{}{}", if proof.starts_with('A') { 'B' } else { 'A' }, &proof[1..]);
    assert_eq!(ask(&witness, a, &forged, &second).status, 422);
    // It remembers beyond its own end.
    let witness = open();
    assert_eq!(ask(&witness, a, "", &first).status, 200, "the same once more");
    assert_eq!(ask(&witness, a, &proof, &second).status, 200);
    assert_eq!(ask(&witness, a, "", &first).status, 409);
    // Damaged, it says so and signs nothing.
    for entry in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if !entry.ends_with("witness-key.json") {
            fs::write(entry, "{}").unwrap();
        }
    }
    assert_eq!(ask(&witness, b, "", &second).status, 500);
    fs::write(folder.path().join("witness-key.json"), "{}").unwrap();
    let error = Witness::open(folder.path(), "w", std::slice::from_ref(&key), Arc::new(SystemClock::new()))
        .unwrap_err();
    assert!(error.message.contains("another witness"), "{error}");
    // Neither is it a vault, nor takes it what is no key.
    Witness::open(stage.folder.path(), "w", &[key], Arc::new(SystemClock::new())).unwrap_err();
    Witness::open(tempfile::tempdir().unwrap().path(), "w", &["x".into()], Arc::new(SystemClock::new()))
        .unwrap_err();
}
