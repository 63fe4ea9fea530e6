//! One life: it takes up what the life before left, finds it as the journal says, and does what comes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use hausrecht_engine::{
    Handle,
    wire::{
        ClipQuery, ClipView, EraseOrder, EraseWhat, GiveGrant, GrantScope, LogQuery, Session, Standing, Terms,
    },
};
use hausrecht_media::clip_index::ClipIndex;
use hausrecht_model::{CameraId, ClipId, GrantId, PersonId, Right, UnixMicros};
use hausrecht_tests::{
    stage::{self, MovedClock, OWNER, OWNER_PASSPHRASE, SOON},
    until::until,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::{MEMBER, MEMBERS};

/// What a life does before it ends in order.
const DEEDS: usize = 8;

/// What kind of vault it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Clips that are there.
    Kept,
    /// A camera that is recorded meanwhile.
    Recording,
}

/// What a life is told.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) kind: Kind,
    pub(super) folder: PathBuf,
    pub(super) journal: PathBuf,
    pub(super) camera: CameraId,
    pub(super) seed: u64,
}

const VARIABLES: [&str; 5] = [
    "HAUSRECHT_CRASH_KIND",
    "HAUSRECHT_CRASH_FOLDER",
    "HAUSRECHT_CRASH_JOURNAL",
    "HAUSRECHT_CRASH_CAMERA",
    "HAUSRECHT_CRASH_LOT",
];

impl Order {
    pub(super) fn environment(&self) -> [(&'static str, String); 5] {
        let kind = match self.kind {
            Kind::Kept => "kept",
            Kind::Recording => "recording",
        };
        let [a, b, c, d, e] = VARIABLES;
        [
            (a, kind.to_owned()),
            (b, self.folder.to_str().unwrap().to_owned()),
            (c, self.journal.to_str().unwrap().to_owned()),
            (d, self.camera.to_string()),
            (e, self.seed.to_string()),
        ]
    }

    /// The order of a process that is to live.
    pub(super) fn of_this_process() -> Option<Self> {
        let [kind, folder, journal, camera, seed] = VARIABLES.map(|name| std::env::var(name).ok());
        Some(Self {
            kind: if kind? == "kept" { Kind::Kept } else { Kind::Recording },
            folder: folder?.into(),
            journal: journal?.into(),
            camera: camera?.parse().unwrap(),
            seed: seed?.parse().unwrap(),
        })
    }
}

/// What was tried and what was done, one JSON value a line, beside the vault: what was answered must be found again.
struct Journal {
    path: PathBuf,
    /// Openings that were answered.
    opened: u64,
    /// Clips and persons of grants in force.
    given: BTreeMap<GrantId, ClipId>,
    erased: BTreeSet<ClipId>,
    checkpoint: Option<String>,
    /// What was tried, and not answered.
    open_end: Option<Value>,
}

impl Journal {
    fn read(path: &Path) -> Self {
        let mut journal = Self {
            path: path.to_owned(),
            opened: 0,
            given: BTreeMap::new(),
            erased: BTreeSet::new(),
            checkpoint: None,
            open_end: None,
        };
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            journal.take(&serde_json::from_str(line).unwrap());
        }
        journal
    }

    fn take(&mut self, line: &Value) {
        if let Some(tried) = line.get("try") {
            self.open_end = Some(tried.clone());
            return;
        }
        self.open_end = None;
        let of = |name: &str| line.get(name).and_then(Value::as_str);
        if let Some(total) = line.get("opened").and_then(Value::as_u64) {
            self.opened = total;
        }
        if let (Some(grant), Some(clip)) = (of("granted"), of("clip")) {
            self.given.insert(grant.parse().unwrap(), clip.parse().unwrap());
        }
        if let Some(grant) = of("taken_back") {
            self.given.remove(&grant.parse().unwrap());
        }
        if let Some(clip) = of("erased") {
            let clip = clip.parse().unwrap();
            self.erased.insert(clip);
            self.given.retain(|_, of| *of != clip);
        }
        if let Some(text) = of("checkpoint") {
            self.checkpoint = Some(text.to_owned());
        }
    }

    fn say(&mut self, line: &Value) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
        writeln!(file, "{line}").unwrap();
        self.take(line);
    }

    fn tried(&self, what: &str) -> Option<ClipId> {
        let end = self.open_end.as_ref().filter(|end| end["do"] == what)?;
        end["clip"].as_str().map(|clip| clip.parse().unwrap())
    }
}

/// What the journal's last line says was under way.
pub(super) fn last_try(journal: &Path) -> String {
    match Journal::read(journal).open_end {
        Some(end) => end["do"].as_str().unwrap().to_owned(),
        None => "taking up, checking or stopping".to_owned(),
    }
}

struct Life {
    engine: Handle,
    journal: Journal,
    member: PersonId,
    order: Order,
}

/// Lives once, and ends in order unless it is killed.
pub(super) async fn live(order: Order) {
    let written = written(&order);
    let engine =
        stage::start_with(&order.folder, &MovedClock::default(), Duration::from_secs(3)).await.unwrap();
    let journal = Journal::read(&order.journal);
    engine.unlock(OWNER, OWNER_PASSPHRASE.into()).await.unwrap();
    let people = engine.people().await.unwrap();
    let member = people.iter().find(|person| person.face.name == MEMBER).unwrap().face.id;
    let mut life = Life { engine, journal, member, order: order.clone() };
    life.check(&written).await;

    let mut lot = StdRng::seed_from_u64(order.seed);
    for _ in 0..DEEDS {
        life.owner().await;
        life.deed(&mut lot).await;
        if matches!(order.kind, Kind::Recording) {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    life.engine.stop().await;
    // What is killed in between is said to have been in this.
    life.journal.say(&json!({ "ended": true }));
}

/// Of each clip that was being written: where the last fragment but one begins, by its index. Microseconds from its start. Only the last
/// one, half a second, may have waited for its chunk.
fn written(order: &Order) -> BTreeMap<ClipId, u64> {
    let folder = order.folder.join("clips").join(order.camera.to_string());
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let name = entry.file_name().to_str().unwrap().to_owned();
        let Some(clip) = name.strip_suffix(".age.index") else { continue };
        let part = entry.path().with_file_name(format!("{clip}.age.part"));
        let Some(index) = ClipIndex::read(&fs::read(entry.path()).unwrap()) else { continue };
        if let Some(last) = index.fragments.iter().rev().nth(1).filter(|_| part.exists()) {
            found.insert(clip.parse().unwrap(), last.start_us);
        }
    }
    found
}

impl Life {
    async fn sign_in(&self, name: &str, passphrase: &str) {
        self.engine.lock().await;
        let session = self.engine.unlock(name, passphrase.into()).await.unwrap();
        assert!(matches!(session, Session::Open { .. }));
    }

    async fn owner(&self) {
        self.sign_in(OWNER, OWNER_PASSPHRASE).await;
    }

    async fn clips(&self) -> Vec<ClipView> {
        let query = ClipQuery {
            cameras: vec![self.order.camera],
            from_us: UnixMicros(0),
            to_us: UnixMicros(i64::MAX),
            events: Vec::new(),
            limit: 500,
        };
        self.engine.clips(query).await.unwrap()
    }

    async fn opened_in_log(&self) -> u64 {
        let query = LogQuery { limit: 1, kinds: vec!["opened".into()], ..LogQuery::default() };
        self.engine.log_page(query).await.unwrap().matching
    }

    /// What must hold, whatever happened before.
    async fn check(&mut self, written: &BTreeMap<ClipId, u64>) {
        self.engine.wraps_made().await;
        let found = self.engine.verify_log_now().await.unwrap().findings;
        assert!(found.is_empty(), "{found:?}");
        // The log has only grown.
        if let Some(old) = &self.journal.checkpoint {
            assert_eq!(self.engine.log_consistency(old).await.unwrap().standing, Standing::Grown);
        }
        // Each opening that was answered has its entry; one that was not may have it.
        let opened = self.opened_in_log().await;
        let may = u64::from(self.journal.tried("open").is_some());
        assert!(
            (self.journal.opened..=self.journal.opened + may).contains(&opened),
            "{opened} openings in the log"
        );

        let clips = self.clips().await;
        let listed: BTreeSet<ClipId> = clips.iter().map(|clip| clip.id).collect();
        if let Some(clip) = self.journal.tried("erase")
            && !listed.contains(&clip)
        {
            self.journal.say(&json!({ "erased": clip.to_string() }));
        }
        assert!(listed.is_disjoint(&self.journal.erased));
        self.check_files(&listed);
        // A clip that is whole has no index beside it, but for the moment in which it ends.
        until("indexes to go with their clips' end", SOON, async || {
            let strays: Vec<_> = listed.iter().filter(|clip| self.index_of(**clip).exists()).collect();
            if strays.is_empty() { Ok(()) } else { Err(format!("{strays:?}")) }
        })
        .await;

        // What was granted is granted, and nothing else.
        let people = self.engine.people().await.unwrap();
        let member = people.iter().find(|person| person.face.id == self.member).unwrap();
        let granted: BTreeMap<GrantId, ClipId> = member
            .grants
            .iter()
            .filter_map(|grant| match grant.scope {
                GrantScope::Clip { clip } => Some((grant.id, clip)),
                GrantScope::Span { .. } | GrantScope::Camera { .. } => None,
            })
            .collect();
        let (given, end) = (self.journal.given.clone(), self.journal.open_end.clone());
        for grant in given.keys().filter(|grant| !granted.contains_key(grant)) {
            assert!(
                self.journal.tried("take back").is_some(),
                "{grant} is gone; the last thing tried: {end:?}"
            );
            self.journal.say(&json!({ "taken_back": grant.to_string() }));
        }
        for (grant, clip) in granted.iter().filter(|(grant, _)| !given.contains_key(grant)) {
            assert_eq!(
                end.as_ref().map(|end| &end["do"]),
                Some(&json!("grant")),
                "{grant} came from nowhere"
            );
            self.journal.say(&json!({ "granted": grant.to_string(), "clip": clip.to_string() }));
        }

        // No clip loses more than a fragment that was written and one that was being filled.
        for (clip, until_us) in written {
            let row = clips.iter().find(|row| row.id == *clip).unwrap_or_else(|| panic!("{clip} is gone"));
            let lasts = u64::try_from(row.duration_us).unwrap();
            assert!(lasts > *until_us, "{row:?}: a fragment that begins at {until_us} is lost");
        }
        self.journal.say(&json!({ "opened": opened }));
        let checkpoint = self.engine.checkpoint().await.unwrap();
        self.journal.say(&json!({ "checkpoint": checkpoint }));
    }

    fn index_of(&self, clip: ClipId) -> PathBuf {
        let folder = self.order.folder.join("clips").join(self.order.camera.to_string());
        folder.join(format!("{clip}.age.index"))
    }

    /// Each file below `clips/` belongs to a clip that is listed, or is being written.
    fn check_files(&self, listed: &BTreeSet<ClipId>) {
        let folder = self.order.folder.join("clips").join(self.order.camera.to_string());
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            let name = entry.file_name().to_str().unwrap().to_owned();
            let clip: ClipId = name.split('.').next().unwrap().parse().unwrap();
            assert!(!self.journal.erased.contains(&clip), "{name} of an erased clip");
            if matches!(self.order.kind, Kind::Kept) {
                assert!(listed.contains(&clip) && name.ends_with(".age"), "{name} belongs to nothing");
            }
        }
    }

    async fn deed(&mut self, lot: &mut StdRng) {
        let clips: Vec<ClipId> = self.clips().await.into_iter().map(|clip| clip.id).collect();
        let Some(clip) = clips.choose(lot).copied() else { return };
        match lot.random_range(0..20) {
            0..6 => self.open(clip, None).await,
            6..9 => self.open(clip, Some(self.journal.given.values().any(|of| *of == clip))).await,
            9..13 => self.grant(clip).await,
            13..15 => self.take_back(lot).await,
            15..17 => {
                self.journal.say(&json!({ "try": { "do": "checkpoint" } }));
                let text = self.engine.checkpoint().await.unwrap();
                self.journal.say(&json!({ "checkpoint": text }));
            }
            17..19 => {
                self.journal.say(&json!({ "try": { "do": "seal anew", "clip": clip.to_string() } }));
                self.engine.rekey(vec![clip]).await.unwrap();
                self.journal.say(&json!({ "sealed_anew": clip.to_string() }));
            }
            _ if clips.len() > 2 => self.erase(clip).await,
            _ => {}
        }
    }

    /// The owner opens, or the member, who may or may not.
    async fn open(&mut self, clip: ClipId, member_may: Option<bool>) {
        if member_may.is_some() {
            self.sign_in(MEMBER, MEMBERS).await;
        }
        self.journal.say(&json!({ "try": { "do": "open", "clip": clip.to_string() } }));
        let outcome = self.engine.open_clip(clip).await;
        self.engine.close_player();
        assert_eq!(outcome.is_ok(), member_may.unwrap_or(true), "{clip}: {:?}", outcome.err());
        let opened = self.journal.opened + u64::from(outcome.is_ok());
        self.journal.say(&json!({ "opened": opened }));
    }

    async fn grant(&mut self, clip: ClipId) {
        if self.journal.given.values().any(|of| *of == clip) {
            return;
        }
        self.journal.say(&json!({ "try": { "do": "grant", "clip": clip.to_string() } }));
        let give = GiveGrant {
            people: vec![self.member],
            scopes: vec![GrantScope::Clip { clip }],
            terms: Terms { rights: vec![Right::Playback], ..Terms::default() },
            reason: "a neighbour asked".into(),
            template: None,
        };
        let grant = self.engine.grant(give).await.unwrap().remove(0);
        self.journal.say(&json!({ "granted": grant.id.to_string(), "clip": clip.to_string() }));
        self.engine.wraps_made().await;
    }

    async fn take_back(&mut self, lot: &mut StdRng) {
        let given: Vec<(GrantId, ClipId)> =
            self.journal.given.iter().map(|(id, clip)| (*id, *clip)).collect();
        let Some((grant, clip)) = given.choose(lot).copied() else { return };
        self.journal.say(&json!({ "try": { "do": "take back", "clip": clip.to_string() } }));
        self.engine.take_back(grant).await.unwrap();
        self.journal.say(&json!({ "taken_back": grant.to_string() }));
    }

    async fn erase(&mut self, clip: ClipId) {
        self.journal.say(&json!({ "try": { "do": "erase", "clip": clip.to_string() } }));
        let order = EraseOrder {
            what: EraseWhat::Clips { clips: vec![clip] },
            demanded: true,
            forget_copies: false,
            reason: "somebody in the picture asked".into(),
        };
        self.engine.erase(order).await.unwrap();
        self.journal.say(&json!({ "erased": clip.to_string() }));
    }
}
