//! Packages: sealed for one recipient, checked with other people's tools, played where there is no vault; and whatever is wrong
//! with one is said and nothing of it is shown.

mod window;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use hausrecht_engine::wire::{
    CheckedPart, ErrorCode, ExportOrder, ExportState, ExportView, LogQuery, PackageKey, PackageLock,
    PackageSeal, PlayerOrder, Session, TileSource,
};
use hausrecht_model::{CameraId, Clock, UnixMicros};
use hausrecht_tests::{
    camera::SimCam,
    media_file::count,
    programs,
    stage::{OWNER_PASSPHRASE, PATIENCE, Stage, alone},
    until::until,
};
use serde_json::Value;

const RECIPIENT: &str = "Kanzlei Grün & <Söhne>";
const PASSPHRASE: &str = "copper window maple seven drift anchor";

fn order(camera: CameraId, from_us: i64, to_us: i64, folder: &Path) -> ExportOrder {
    ExportOrder {
        cameras: vec![camera],
        from_us: UnixMicros(from_us),
        to_us: UnixMicros(to_us),
        folder: folder.to_str().unwrap().into(),
        recipient: RECIPIENT.into(),
        on_picture: false,
        purpose: "Break-in of Tuesday".into(),
        packed: true,
    }
}

async fn ended(stage: &Stage, id: u32) -> ExportView {
    until("the export to end", PATIENCE, async || {
        let view = stage.engine.exports().unwrap().into_iter().find(|view| view.id == id).unwrap();
        match view.state {
            ExportState::Waiting | ExportState::Running => Err(view),
            ExportState::Done | ExportState::Failed | ExportState::Stopped => Ok(view),
        }
    })
    .await
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn shell(folder: &Path, script: &str) -> Output {
    Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A key as `age-keygen` writes it: its file and its public half.
fn age_key(folder: &Path, name: &str) -> (PathBuf, String) {
    let path = folder.join(name);
    let made = Command::new("age-keygen").arg("-o").arg(&path).output().unwrap();
    assert!(made.status.success(), "{}", said(&made));
    let text = fs::read_to_string(&path).unwrap();
    let public = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    (path, public.to_owned())
}

/// `hausrecht open` without a vault.
fn open(package: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(programs::cli());
    command.args(["--json", "open"]).arg(package).args(args).stdin(Stdio::null());
    command.env_remove("HAUSRECHT_DATA").env("XDG_DATA_HOME", "/nonexistent").output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(output)))
}

/// What the check found wrong, by part.
fn wrong(output: &Output) -> Vec<(String, String)> {
    json(output)["check"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["whole"] == false)
        .map(|finding| {
            (finding["part"].as_str().unwrap().to_owned(), finding["text"].as_str().unwrap().to_owned())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_for_its_recipient_alone_and_is_checked_with_age_sha256sum_and_ffprobe() {
    if !alone("packages::a_package_is_for_its_recipient_alone_and_is_checked_with_age_sha256sum_and_ffprobe")
    {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 2).await;
    let (given, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (key, public) = age_key(theirs.path(), "key.txt");
    let (from_us, to_us) = (clips[0].start_us.0 + 1_470_000, clips[1].start_us.0 + 1_130_000);
    let wish = order(id, from_us, to_us, given.path());

    // Refused before there is an entry.
    let seal = |recipient: &str| Some(PackageSeal::Key { recipient: recipient.into() });
    let easy = Some(PackageSeal::Passphrase { passphrase: "summer2026".into() });
    let nobody = ExportOrder { recipient: "  ".into(), ..wish.clone() };
    for (wish, seal) in [
        (&wish, None),
        (&wish, seal("age1nonsense")),
        (&wish, easy),
        (&nobody, seal(&public)),
        (&ExportOrder { packed: false, ..wish.clone() }, seal(&public)),
    ] {
        let refused = stage.engine.start_export(wish.clone(), seal).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Invalid, "{refused}");
    }
    let copies =
        LogQuery { limit: 5, kinds: vec!["copy_made".into(), "disclosed".into()], ..LogQuery::default() };
    assert_eq!(stage.engine.log_page(copies.clone()).await.unwrap().matching, 0);

    let job = stage.engine.start_export(wish.clone(), seal(&public)).await.unwrap();
    let view = ended(&stage, job).await;
    assert_eq!(view.state, ExportState::Done, "{view:?}");
    let name = view.package.clone().unwrap();
    assert_eq!(names(given.path()), std::slice::from_ref(&name));
    let package = given.path().join(&name);
    // Neither a picture nor a name lies open in it.
    let bytes = fs::read(&package).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1"));
    for hidden in [&b"ftyp"[..], "Grün".as_bytes(), b"manifest"] {
        assert!(!bytes.windows(hidden.len()).any(|window| window == hidden));
    }

    // By hand, with the programs that the page names.
    let script = format!("age -d -i {} '{}' | tar -x", key.display(), package.display());
    let unpacked = shell(theirs.path(), &script);
    assert!(unpacked.status.success(), "{}", said(&unpacked));
    let inside = theirs.path().join("hausrecht-package");
    let sums = shell(&inside, "sha256sum -c SHA256SUMS");
    assert!(sums.status.success(), "{}", said(&sums));
    assert_eq!(said(&sums).matches(": OK").count(), 4, "{}", said(&sums));
    let proof = shell(
        &inside,
        "python3 log/proof.py \"$(cat log/key.txt)\" log/given.proof log/given.json; for n in log/recorded/*.json; do \
         python3 log/proof.py \"$(cat log/key.txt)\" \"${n%.json}.proof\" \"$n\"; done",
    );
    assert!(proof.status.success(), "{}", said(&proof));
    assert_eq!(said(&proof).matches("stands in the log").count(), 3, "{}", said(&proof));
    let sum = shell(&inside, "sha256sum manifest.json");
    let sum = said(&sum).split(' ').next().unwrap().to_owned();
    assert!(fs::read_to_string(inside.join("log/given.json")).unwrap().contains(&sum));
    let [film] = &view.files[..] else { panic!("{view:?}") };
    let path = inside.join("films").join(&film.name);
    let counted = count(&fs::read(&path).unwrap());
    assert_eq!((counted.frames, counted.sound), (film.pictures, false));
    let probed = Command::new("ffmpeg")
        .args(["-v", "warning", "-xerror", "-i"])
        .arg(&path)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    assert_eq!(said(&probed), "");
    let page = fs::read_to_string(inside.join("READ-ME.html")).unwrap();
    assert!(page.contains("Kanzlei Grün &amp; &lt;Söhne&gt;") && !page.contains("<Söhne>"));

    // By `hausrecht open`, with neither vault nor network.
    let identity = key.to_str().unwrap();
    let opened = open(&package, &["--identity", identity]);
    assert_eq!(opened.status.code(), Some(0), "{}", said(&opened));
    let told = json(&opened);
    assert_eq!((&told["check"]["whole"], &told["check"]["key_compared"]), (&true.into(), &false.into()));
    assert_eq!(told["package"]["recipient"], RECIPIENT);
    let log_key = stage.engine.verifier_key().unwrap();
    let folder = theirs.path().join("films");
    fs::create_dir(&folder).unwrap();
    let args = ["--identity", identity, "--key", &log_key, "--folder", folder.to_str().unwrap()];
    let told = json(&open(&package, &args));
    assert_eq!((&told["check"]["whole"], &told["check"]["key_compared"]), (&true.into(), &true.into()));
    assert_eq!(fs::read(folder.join(&film.name)).unwrap(), fs::read(&path).unwrap());
    let other = Stage::owned().await;
    let foreign = other.engine.verifier_key().unwrap();
    let told = open(&package, &["--identity", identity, "--key", &foreign]);
    assert_eq!(told.status.code(), Some(3));
    assert_eq!(wrong(&told)[0].0, "log_key");

    // The log: what was ordered, each clip, and that it was given; the recipient is for the owner's eyes.
    let rows = stage.engine.log_page(copies).await.unwrap().rows;
    let kinds: Vec<_> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, ["disclosed", "copy_made", "copy_made", "copy_made"]);
    assert_eq!(rows[0].refers_to, Some(rows[3].index));
    let fact = |name: &str| {
        rows[0].facts.iter().find(|fact| fact.name == name).map(|fact| (fact.value.as_str(), fact.personal))
    };
    assert_eq!(fact("recipient"), Some((RECIPIENT, true)));
    assert_eq!(fact("manifest_sha256"), Some((sum.as_str(), false)));
    println!("{} bytes, {} pictures", bytes.len(), film.pictures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_played_where_there_is_no_vault() {
    if !alone("packages::a_package_is_played_where_there_is_no_vault") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 2).await;
    let given = tempfile::tempdir().unwrap();
    let wish = order(id, clips[0].start_us.0, clips[1].start_us.0 + 1_000_000, given.path());
    let seal = PackageSeal::Passphrase { passphrase: PASSPHRASE.into() };
    assert!(!format!("{seal:?}").contains("copper"));
    let job = stage.engine.start_export(wish, Some(seal)).await.unwrap();
    let view = ended(&stage, job).await;
    assert_eq!(view.state, ExportState::Done, "{view:?}");
    assert!(!format!("{view:?}").contains("copper"), "a passphrase in what is shown");
    let package = given.path().join(view.package.unwrap());

    let reader = Stage::empty().await;
    assert!(matches!(reader.engine.session(), Session::Empty));
    assert_eq!(hausrecht_engine::package_lock(package.clone()).await.unwrap(), PackageLock::Passphrase);
    let key = |text: &str| PackageKey::Passphrase { passphrase: text.into() };
    let refused = reader.engine.open_package(package.clone(), key("copper window")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::WrongPassphrase, "{refused}");
    assert_eq!(reader.engine.play_package(0).await.unwrap_err().code, ErrorCode::NotFound);
    let opened = reader.engine.open_package(package.clone(), key(PASSPHRASE)).await.unwrap();
    assert_eq!((opened.films.len(), opened.clips), (1, 2));
    let check = reader.engine.check_package(None).await.unwrap();
    assert!(check.whole, "{check:?}");
    assert_eq!(check.findings.last().unwrap().part, CheckedPart::Clips);

    let mut events = reader.engine.subscribe();
    reader.engine.play_package(0).await.unwrap();
    let view = reader.engine.view(&TileSource::Player, 480, 270).unwrap();
    let state = reader
        .player_says(&mut events, "pictures of the package", |state| {
            state.position_us > 800_000 && state.has_picture
        })
        .await;
    assert!((state.duration_us - opened.films[0].duration_us).abs() < 200_000, "{state:?} {opened:?}");
    reader.engine.player(&PlayerOrder::Pause).unwrap();
    reader.engine.player(&PlayerOrder::Seek { to_us: 100_000 }).unwrap();
    reader
        .player_says(&mut events, "the place that was sought", |state| {
            !state.playing && state.position_us < 300_000
        })
        .await;
    // What a clip of the vault allows is not allowed here without being signed in.
    assert_eq!(reader.engine.cameras().unwrap_err().code, ErrorCode::Locked);
    drop(view);
    reader.engine.close_package();
    assert_eq!(reader.engine.view(&TileSource::Player, 480, 270).unwrap_err().code, ErrorCode::Locked);
    assert_eq!(reader.engine.player(&PlayerOrder::Play).unwrap_err().code, ErrorCode::Locked);
    assert_eq!(reader.engine.check_package(None).await.unwrap_err().code, ErrorCode::NotFound);

    // One that is stopped, or whose owner locks, leaves nothing; and the log does not say that it was given.
    let empty = tempfile::tempdir().unwrap();
    let slow =
        ExportOrder { on_picture: true, ..order(id, clips[0].start_us.0, stage.clock.now().0, empty.path()) };
    let seal = || Some(PackageSeal::Passphrase { passphrase: PASSPHRASE.into() });
    let job = stage.engine.start_export(slow.clone(), seal()).await.unwrap();
    stage.engine.stop_export(job).unwrap();
    assert_eq!(ended(&stage, job).await.state, ExportState::Stopped);
    assert_eq!(names(empty.path()), Vec::<String>::new());
    let job = stage.engine.start_export(slow, seal()).await.unwrap();
    stage.engine.lock().await;
    stage.sign_in_owner().await;
    assert_eq!(ended(&stage, job).await.state, ExportState::Failed);
    assert_eq!(names(empty.path()), Vec::<String>::new());
    let given = LogQuery { limit: 5, kinds: vec!["disclosed".into()], ..LogQuery::default() };
    assert_eq!(stage.engine.log_page(given).await.unwrap().matching, 1);
}

/// Path and bytes of what is in an archive.
type Files = Vec<(String, Vec<u8>)>;

/// Where an archive is made anew with something wrong.
struct Bench {
    folder: tempfile::TempDir,
    key: PathBuf,
    public: String,
    /// Everything in the package that is whole.
    files: Files,
}

impl Bench {
    /// Packs `files` and gives what `hausrecht open` says.
    fn opened(&self, files: &[(String, Vec<u8>)]) -> Output {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            // Names that the crate would refuse to write.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            tar.append(&header, &bytes[..]).unwrap();
        }
        self.opened_archive(&tar.into_inner().unwrap())
    }

    fn opened_archive(&self, archive: &[u8]) -> Output {
        let path = self.folder.path().join("made.hausrecht");
        let mut age = Command::new("age")
            .args(["-r", &self.public, "-o"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        age.stdin.take().unwrap().write_all(archive).unwrap();
        assert!(age.wait().unwrap().success());
        self.open(&path)
    }

    fn open(&self, path: &Path) -> Output {
        let into = self.folder.path().join("into");
        let _ = fs::remove_dir_all(&into);
        fs::create_dir(&into).unwrap();
        let opened =
            open(path, &["--identity", self.key.to_str().unwrap(), "--folder", into.to_str().unwrap()]);
        if !opened.status.success() {
            assert_eq!(
                names(&into),
                Vec::<String>::new(),
                "something was taken out of a package that is wrong"
            );
        }
        opened
    }

    /// The same files, with one changed.
    fn with(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Files {
        let mut files = self.files.clone();
        let (_, bytes) = files.iter_mut().find(|(path, _)| path.contains(name)).unwrap();
        change(bytes);
        files
    }

    fn without(&self, name: &str) -> Files {
        self.files.iter().filter(|(path, _)| !path.contains(name)).cloned().collect()
    }

    fn and(&self, name: &str, bytes: &[u8]) -> Files {
        let mut files = self.files.clone();
        files.push((name.to_owned(), bytes.to_owned()));
        files
    }
}

fn replaced(bytes: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(std::mem::take(bytes)).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    *bytes = text.replace(from, to).into_bytes();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_package_is_said_and_nothing_is_taken_out_of_it() {
    if !alone("packages::whatever_is_wrong_with_a_package_is_said_and_nothing_is_taken_out_of_it") {
        return;
    }
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 2).await;
    let folder = tempfile::tempdir().unwrap();
    let (key, public) = age_key(folder.path(), "key.txt");
    let (from_us, to_us) = (clips[0].start_us.0, clips[1].start_us.0);
    // Two packages of the same log, so that papers of one can stand in the other.
    let mut packages = Vec::new();
    for to_us in [to_us, to_us - 1_000_000] {
        let seal = Some(PackageSeal::Key { recipient: public.clone() });
        let job = stage.engine.start_export(order(id, from_us, to_us, folder.path()), seal).await.unwrap();
        packages.push(folder.path().join(ended(&stage, job).await.package.unwrap()));
    }
    let unpack = |package: &Path| {
        let plain = Command::new("age").arg("-d").arg("-i").arg(&key).arg(package).output().unwrap();
        assert!(plain.status.success());
        let mut archive = tar::Archive::new(&plain.stdout[..]);
        let files = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
        });
        files.collect::<Vec<_>>()
    };
    let (files, other) = (unpack(&packages[0]), unpack(&packages[1]));
    let bench = Bench { files, folder, key, public };
    let of_other = |name: &str| other.iter().find(|(path, _)| path.contains(name)).unwrap().1.clone();
    let film = &bench.files.iter().find(|(path, _)| path.contains("/films/")).unwrap().0.clone();
    let whole = bench.opened(&bench.files);
    assert_eq!(whole.status.code(), Some(0), "{}", said(&whole));

    // What the check finds: said part by part, and no film taken out.
    let last = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    let disclosed = |name: &str| bench.with(name, |bytes| *bytes = of_other(name));
    let both = bench
        .files
        .iter()
        .map(|(path, bytes)| {
            (
                path.clone(),
                if path.contains("log/given") || path.contains("checkpoint") {
                    of_other(path)
                } else {
                    bytes.clone()
                },
            )
        })
        .collect::<Vec<_>>();
    let stranger = Stage::owned().await;
    let strangers_key = stranger.engine.verifier_key().unwrap();
    let own_key = stage.engine.verifier_key().unwrap();
    let strange_key: Vec<_> = bench
        .with("log/key.txt", |bytes| replaced(bytes, &own_key, &strangers_key))
        .into_iter()
        .map(|(path, mut bytes)| {
            if path.ends_with("manifest.json") {
                replaced(&mut bytes, &own_key, &strangers_key);
            }
            (path, bytes)
        })
        .collect();
    let cases: Vec<(&str, Files, &str, &str)> = vec![
        ("a changed film", bench.with(film, last), "films", "is not the film"),
        ("a film that is missing", bench.without("/films/"), "films", "is missing"),
        ("a changed page", bench.with("READ-ME", last), "papers", "is not the file"),
        ("a page that is missing", bench.without("READ-ME"), "papers", "is missing"),
        ("a file more", bench.and("hausrecht-package/films/more.mp4", b"x"), "papers", "knows nothing of it"),
        (
            "another purpose",
            bench.with("manifest.json", |b| replaced(b, "Tuesday", "Monday!")),
            "given",
            "another package",
        ),
        ("the entry of another package", both, "given", "another package"),
        ("a proof of another entry", disclosed("log/given.proof"), "given", "another checkpoint"),
        (
            "a changed entry",
            bench.with("log/given.json", |b| replaced(b, "\"films\":1", "\"films\":2")),
            "given",
            "",
        ),
        ("no entry", bench.without("log/given.json"), "given", "is missing"),
        ("a changed checkpoint", bench.with("log/checkpoint", last), "given", "another checkpoint"),
        ("a clip without its proof", bench.without("log/recorded"), "clips", "is missing"),
        ("a valid signature by the wrong key", strange_key, "given", "signed"),
        (
            "two keys",
            bench.with("log/key.txt", |b| replaced(b, &own_key, &strangers_key)),
            "log_key",
            "another key",
        ),
    ];
    for (what, files, part, text) in cases {
        let opened = bench.opened(&files);
        assert_eq!(opened.status.code(), Some(3), "{what}: {}", said(&opened));
        let found = wrong(&opened);
        assert!(
            found.iter().any(|(found, told)| found == part && told.contains(text)),
            "{what}: expected {part} “{text}”, found {found:?}"
        );
    }

    // What is no package of Hausrecht at all: an error that says so, and nothing shown.
    let many: Vec<_> = (0..11_000).map(|n| (format!("hausrecht-package/{n}"), Vec::new())).collect();
    let refused: Vec<(&str, Files, &str)> = vec![
        ("a path that climbs", bench.and("hausrecht-package/../../up", b"x"), "leads elsewhere"),
        ("a path from the root", bench.and("/etc/cron.d/x", b"x"), "leads elsewhere"),
        ("a path with a drive", bench.and("hausrecht-package/C:/x", b"x"), "leads elsewhere"),
        ("a file outside its folder", bench.and("beside", b"x"), "leads elsewhere"),
        ("something twice", bench.and(film, b"x"), "is in it twice"),
        ("more files than anything needs", many, "more files"),
        ("no manifest", bench.without("manifest.json"), "manifest.json is missing"),
        (
            "a manifest that is none",
            bench.with("manifest.json", |b| b.truncate(99)),
            "manifest cannot be read",
        ),
        (
            "a later format",
            bench.with("manifest.json", |b| replaced(b, "package-v1", "package-v2")),
            "use a newer one",
        ),
        ("nothing", Vec::new(), "manifest.json is missing"),
    ];
    for (what, files, text) in refused {
        let opened = bench.opened(&files);
        assert_eq!(opened.status.code(), Some(1), "{what}: {}", said(&opened));
        assert!(said(&opened).contains(text), "{what}: {}", said(&opened));
    }
    let mut link = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_path("hausrecht-package/films/a.mp4").unwrap();
    header.set_link_name("/etc/passwd").unwrap();
    header.set_size(0);
    header.set_cksum();
    link.append(&header, &[][..]).unwrap();
    let opened = bench.opened_archive(&link.into_inner().unwrap());
    assert!(said(&opened).contains("no plain file"), "{}", said(&opened));
    let mut long = tar::Header::new_ustar();
    long.set_path("hausrecht-package/manifest.json").unwrap();
    long.set_size(1 << 40);
    long.set_cksum();
    let opened = bench.opened_archive(long.as_bytes());
    assert!(said(&opened).contains("longer than the package"), "{}", said(&opened));

    // The sealed file itself.
    let sealed = fs::read(&packages[0]).unwrap();
    let damaged = bench.folder.path().join("damaged.hausrecht");
    for (what, bytes, code, text) in [
        ("cut in the middle", sealed[..sealed.len() / 2].to_vec(), 3, "not whole"),
        ("cut by a byte", sealed[..sealed.len() - 1].to_vec(), 3, "not whole"),
        ("cut in its header", sealed[..60].to_vec(), 1, "is no package"),
        ("something else", b"%PDF-1.7".to_vec(), 1, "is no package"),
        ("empty", Vec::new(), 1, "is no package"),
    ] {
        fs::write(&damaged, bytes).unwrap();
        let opened = bench.open(&damaged);
        assert_eq!(opened.status.code(), Some(code), "{what}: {}", said(&opened));
        assert!(said(&opened).contains(text), "{what}: {}", said(&opened));
    }
    // A changed byte in the middle of the film: the film is named, the rest can still be checked.
    let mut changed = sealed.clone();
    changed[200_000] ^= 1;
    fs::write(&damaged, changed).unwrap();
    let opened = bench.open(&damaged);
    assert_eq!(opened.status.code(), Some(3), "{}", said(&opened));
    assert!(
        wrong(&opened).iter().any(|(part, text)| part == "films" && text.contains("was changed")),
        "{}",
        said(&opened)
    );
    // Another key, and a key where a passphrase is needed.
    let (stranger_key, _) = age_key(bench.folder.path(), "stranger.txt");
    let opened = open(&packages[0], &["--identity", stranger_key.to_str().unwrap()]);
    assert!(said(&opened).contains("for another key"), "{}", said(&opened));
    fs::write(bench.folder.path().join("words"), OWNER_PASSPHRASE).unwrap();
    let seal = Some(PackageSeal::Passphrase { passphrase: PASSPHRASE.into() });
    let job = stage.engine.start_export(order(id, from_us, to_us, bench.folder.path()), seal).await.unwrap();
    let by_words = bench.folder.path().join(ended(&stage, job).await.package.unwrap());
    let opened = bench.open(&by_words);
    assert!(said(&opened).contains("by a passphrase, not by a key"), "{}", said(&opened));
    let words = bench.folder.path().join("words");
    let opened = open(&by_words, &["--passphrase-file", words.to_str().unwrap()]);
    assert_eq!(opened.status.code(), Some(4), "{}", said(&opened));
    // A passphrase that would take all memory.
    let text = fs::read(&by_words).unwrap();
    let header = String::from_utf8_lossy(&text[..200]).into_owned();
    let log_n = header.lines().nth(1).unwrap().rsplit(' ').next().unwrap().to_owned();
    let at = header.lines().next().unwrap().len() + 1 + header.lines().nth(1).unwrap().len() - log_n.len();
    let mut greedy = text[..at].to_vec();
    greedy.extend(b"30");
    greedy.extend(&text[at + log_n.len()..]);
    fs::write(&damaged, greedy).unwrap();
    fs::write(&words, PASSPHRASE).unwrap();
    let opened = open(&damaged, &["--passphrase-file", words.to_str().unwrap()]);
    assert_eq!(opened.status.code(), Some(1), "{}", said(&opened));
    assert!(said(&opened).contains("do not open it"), "{}", said(&opened));
}
