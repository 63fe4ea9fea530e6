//! Time stamps: an authority attests when the log was how long (RFC 3161). The authority here is `openssl ts`, which also checks them.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use hausrecht_engine::wire::{ErrorCode, LogQuery};
use hausrecht_tests::{
    desktop::Desktop,
    stage::{OWNER, OWNER_PASSPHRASE, PATIENCE, Stage, alone},
    until::until,
};

/// What the authority does with a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    Stamps,
    /// Stamps something else.
    Other,
    /// Sends an answer of before.
    Replays,
    Refuses,
    Talks,
    Fails,
}

struct Authority {
    url: String,
    manner: Arc<Mutex<Manner>>,
    folder: tempfile::TempDir,
}

fn openssl(folder: &Path, args: &[&str]) -> std::process::Output {
    Command::new("openssl").args(args).current_dir(folder).output().unwrap()
}

impl Authority {
    /// Certificates and an HTTP server that goes with the test.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("tsa.cnf"),
            "[ext]\nextendedKeyUsage = critical, timeStamping\n[tsa]\ndefault_tsa = t\n[t]\nserial = ./serial\n\
             default_policy = 1.2.3.4.1\ndigests = sha256\nsigner_digest = sha256\n[req]\ndistinguished_name = dn\n[dn]\n",
        )
        .unwrap();
        let steps: [&[&str]; 4] = [
            &[
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=CA", "-keyout",
                "ca.key", "-out", "ca.pem",
            ],
            &[
                "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=TSA", "-config", "tsa.cnf",
                "-keyout", "tsa.key", "-out", "tsa.csr",
            ],
            &[
                "x509",
                "-req",
                "-in",
                "tsa.csr",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-days",
                "30",
                "-extfile",
                "tsa.cnf",
                "-extensions",
                "ext",
                "-out",
                "tsa.pem",
            ],
            &["ts", "-query", "-data", "tsa.cnf", "-sha256", "-cert", "-out", "other.tsq"],
        ];
        for step in steps {
            let done = openssl(folder.path(), step);
            assert!(done.status.success(), "{step:?}: {}", String::from_utf8_lossy(&done.stderr));
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/tsr", listener.local_addr().unwrap());
        let manner = Arc::new(Mutex::new(Manner::Stamps));
        let (of_server, path) = (Arc::clone(&manner), folder.path().to_owned());
        std::thread::spawn(move || {
            let mut last = Vec::new();
            for stream in listener.incoming().flatten() {
                // A question that breaks off is the asker's loss.
                let _ = answer(stream, *of_server.lock().unwrap(), &path, &mut last);
            }
        });
        Self { url, manner, folder }
    }

    fn set(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

fn answer(mut stream: TcpStream, manner: Manner, folder: &Path, last: &mut Vec<u8>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut length, mut is_query) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        is_query |= line == "content-type: application/timestamp-query";
        if line.is_empty() {
            break;
        }
    }
    assert!(is_query);
    let mut query = vec![0; length];
    reader.read_exact(&mut query)?;
    fs::write(folder.join("query.tsq"), &query)?;
    let stamp = |query: &str| {
        let args = [
            "ts",
            "-reply",
            "-config",
            "tsa.cnf",
            "-queryfile",
            query,
            "-signer",
            "tsa.pem",
            "-inkey",
            "tsa.key",
            "-out",
            "reply.tsr",
        ];
        let done = openssl(folder, &args);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        fs::read(folder.join("reply.tsr"))
    };
    let (status, body) = match manner {
        Manner::Stamps => ("200 OK", stamp("query.tsq")?),
        Manner::Other => ("200 OK", stamp("other.tsq")?),
        Manner::Replays => ("200 OK", last.clone()),
        // PKIStatusInfo with the status `rejection`, and no token.
        Manner::Refuses => ("200 OK", vec![0x30, 5, 0x30, 3, 2, 1, 2]),
        Manner::Talks => ("200 OK", b"<html>Welcome to our hotel's network</html>".to_vec()),
        Manner::Fails => ("503 Service Unavailable", Vec::new()),
    };
    if manner == Manner::Stamps {
        last.clone_from(&body);
    }
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_attests_the_time_of_the_log_and_openssl_checks_it() {
    if !alone("stamps::an_authority_attests_the_time_of_the_log_and_openssl_checks_it") {
        return;
    }
    let authority = Authority::start();
    let stage = Stage::owned().await;
    let engine = &stage.engine;
    for wrong in ["", "tsa", "ftp://tsa.example/", "http://a:b@tsa.example/"] {
        let error = engine.set_time_authority(Some(wrong.into())).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Invalid, "{error}");
    }
    assert_eq!(engine.stamp_now().await.unwrap_err().code, ErrorCode::NotFound);

    let first = engine.set_time_authority(Some(authority.url.clone())).await.unwrap();
    assert!(first.problem.is_none() && first.count == 1, "{first:?}");
    let newest = first.newest.unwrap();
    assert!((engine.now().0 - newest.time_us.0).abs() < 120_000_000, "{newest:?}");
    // The next one covers the entry about this one.
    let second = engine.stamp_now().await.unwrap();
    assert!(second.count == 2 && second.newest.as_ref().unwrap().size > newest.size, "{second:?}");

    // Whatever else comes is said, is no stamp, and is not the end: the next day brings one again.
    for (manner, why) in [
        (Manner::Other, "something else"),
        (Manner::Replays, "something else"),
        (Manner::Refuses, "refuses"),
        (Manner::Talks, "no time stamp"),
        (Manner::Fails, "503"),
    ] {
        authority.set(manner);
        let now = engine.stamp_now().await.unwrap();
        let problem = now.problem.unwrap_or_default();
        assert!(problem.contains(why) && now.count == 2, "{manner:?}: {problem}");
    }
    let errors = LogQuery { limit: 10, kinds: vec!["error".into()], ..LogQuery::default() };
    assert_eq!(engine.log_page(errors).await.unwrap().rows.len(), 1, "once, until it stamps again");
    authority.set(Manner::Stamps);
    // Hours in which the vault locks itself, which an authority does not mind.
    stage.clock.pass(Duration::from_secs(3 * 3_600));
    stage.sign_in_owner().await;
    until("the hour to be over", PATIENCE, async || {
        let now = engine.time_stamps().await.unwrap();
        if now.count == 3 && now.problem.is_none() { Ok(()) } else { Err(now) }
    })
    .await;

    // Strangers check them.
    let away = tempfile::tempdir().unwrap();
    let exported = engine.export_stamps(away.path()).await.unwrap();
    assert_eq!(exported.count, 3);
    let stamps: Vec<_> = fs::read_dir(&exported.folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "tsr"))
        .collect();
    let ca = authority.folder.path().join("ca.pem");
    let verified = |stamp: &Path, note: &Path| {
        let args = [
            "ts",
            "-verify",
            "-in",
            stamp.to_str().unwrap(),
            "-data",
            note.to_str().unwrap(),
            "-CAfile",
            ca.to_str().unwrap(),
        ];
        openssl(away.path(), &args).status.success()
    };
    for stamp in &stamps {
        let note = stamp.with_extension("txt");
        assert!(verified(stamp, &note), "{}", stamp.display());
        fs::write(&note, fs::read_to_string(&note).unwrap().replacen("hausrecht", "hausrech", 1)).unwrap();
        assert!(!verified(stamp, &note));
    }

    // A stamp that was exchanged, or is of another checkpoint, is found with all else.
    assert!(engine.verify_log_now().await.unwrap().findings.is_empty());
    let (folder, clock) = stage.close().await;
    let mut store = hausrecht_store::Store::open(&folder.path().join("hausrecht.db")).unwrap();
    store
        .write(|tables| {
            let mut stamps = tables.stamps(10)?;
            let other = stamps[1].token.clone();
            stamps[0].token = other;
            tables.put_stamp(&stamps[0])
        })
        .unwrap();
    drop(store);
    let stage = Stage::over(folder, clock).await;
    stage.sign_in_owner().await;
    let found = stage.engine.verify_log_now().await.unwrap().findings;
    assert!(found.len() == 1 && found[0].code == "stamp", "{found:?}");
    let none = stage.engine.set_time_authority(None).await.unwrap();
    assert!(none.authority.is_none() && none.count == 3, "{none:?}");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_is_named_in_the_window() {
    if !alone("stamps::an_authority_is_named_in_the_window") {
        return;
    }
    let authority = Authority::start();
    let (folder, _) = Stage::owned().await.close().await;
    let desktop = Desktop::start_over("stamps", folder.path()).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    desktop.click("nav-settings").await;
    desktop.find("authority-none").await;
    desktop.click("authority-open").await;
    desktop.fill("authority-url", "my clock").await;
    desktop.click("authority-submit").await;
    desktop.find_by("[data-testid='authority-dialog'] [data-testid='failure']").await;
    desktop.keep("01-wrong").await;
    desktop.fill("authority-url", &authority.url).await;
    desktop.click("authority-submit").await;
    desktop.wait_until_gone("authority-dialog").await;
    desktop.wait_for_text("stamp-newest", PATIENCE, |text| text.contains("entries")).await;
    authority.set(Manner::Fails);
    desktop.click("stamp-now").await;
    desktop.find("stamp-problem").await;
    desktop.keep("02-problem").await;
    authority.set(Manner::Stamps);
    desktop.click("stamp-now").await;
    desktop.wait_until_gone("stamp-problem").await;
    desktop.keep("03-stamped").await;
    desktop.click("nav-log").await;
    until("the entries", PATIENCE, async || {
        let said = "return document.body.innerText.includes('attested the time of the log')";
        if desktop.page.execute(said, Vec::new()).await.unwrap() == true { Ok(()) } else { Err("not there") }
    })
    .await;
    desktop.keep("04-log").await;
    desktop.click("nav-settings").await;
    desktop.click("authority-stop").await;
    desktop.find("authority-none").await;
    desktop.close().await;
}
