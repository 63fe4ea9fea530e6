//! A model of log and grants: in any order of granting, taking back, letting time pass, opening, erasing, stopping and coming back from a backup,
//! nobody opens without a grant in force, nothing is opened without its entry, no entry changes, and what is erased stays gone.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use hausrecht_engine::{
    restore,
    wire::{AddPerson, EraseOrder, EraseWhat, GiveGrant, GrantScope, LogQuery, RestoreKey, Standing, Terms},
};
use hausrecht_model::{ClipId, GrantId, PersonId, Right, UnixMicros};
use hausrecht_tests::{
    camera::SimCam,
    disk::copy_all,
    stage::{MovedClock, OWNER, OWNER_PASSPHRASE, Stage, alone},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

const PEOPLE: [&str; 2] = ["Jonas", "Mira"];
const PASSPHRASE: &str = "copper window maple seven drift anchor";
const CLIPS: usize = 3;
/// How many lives are tried, unless `HAUSRECHT_MODEL_CASES` says otherwise, each of up to so many steps.
const CASES: u32 = 12;
const STEPS: usize = 30;

#[derive(Clone, Debug)]
enum Step {
    Grant {
        person: usize,
        clip: usize,
        minutes: Option<u64>,
        opens: Option<u32>,
    },
    TakeBack {
        nth: usize,
    },
    Pass {
        minutes: u64,
    },
    /// The owner, or one of the people.
    Open {
        who: Option<usize>,
        clip: usize,
    },
    /// Somebody to whom a clip was granted at any time, that clip.
    Try {
        nth: usize,
    },
    Erase {
        clip: usize,
    },
    Restart,
    Backup,
    Restore,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (person, clip) = (0..PEOPLE.len(), 0..CLIPS);
    let step = prop_oneof![
        4 => (person.clone(), clip.clone(), prop::option::of(1..90_u64), prop::option::of(1..3_u32))
            .prop_map(|(person, clip, minutes, opens)| Step::Grant { person, clip, minutes, opens }),
        2 => (0..6_usize).prop_map(|nth| Step::TakeBack { nth }),
        2 => (1..60_u64).prop_map(|minutes| Step::Pass { minutes }),
        2 => (prop::option::of(person), clip.clone()).prop_map(|(who, clip)| Step::Open { who, clip }),
        10 => (0..6_usize).prop_map(|nth| Step::Try { nth }),
        1 => clip.prop_map(|clip| Step::Erase { clip }),
        1 => Just(Step::Restart),
        1 => Just(Step::Backup),
        1 => Just(Step::Restore),
    ];
    prop::collection::vec(step, 1..STEPS)
}

/// A grant as the model knows it.
#[derive(Clone, Debug)]
struct Given {
    id: GrantId,
    person: usize,
    clip: usize,
    until_us: Option<UnixMicros>,
    left: Option<u32>,
}

/// What a backup will bring back.
#[derive(Clone, Debug)]
struct Kept {
    path: std::path::PathBuf,
    given: Vec<Given>,
    known: [bool; CLIPS],
    opened: u64,
}

struct Life {
    stage: Stage,
    people: Vec<PersonId>,
    clips: Vec<ClipId>,
    given: Vec<Given>,
    /// Person and clip of every grant that ever was.
    ever: Vec<(usize, usize)>,
    /// Clips that the database has.
    known: [bool; CLIPS],
    /// Clips whose bytes are gone.
    gone: [bool; CLIPS],
    opened: u64,
    kept: Option<Kept>,
    away: tempfile::TempDir,
    checkpoint: String,
}

impl Life {
    async fn owner(&self) {
        self.stage.sign_in(OWNER, OWNER_PASSPHRASE).await;
    }

    async fn opened_in_log(&self) -> u64 {
        self.owner().await;
        let query = LogQuery { limit: 1, kinds: vec!["opened".into()], ..LogQuery::default() };
        self.stage.engine.log_page(query).await.unwrap().matching
    }

    /// The grants through which `person` may open `clip` now.
    fn in_force(&self, person: usize, clip: usize) -> Vec<usize> {
        let now = self.stage.engine.now();
        let holds = |given: &Given| {
            given.person == person
                && given.clip == clip
                && given.until_us.is_none_or(|until| now < until)
                && given.left != Some(0)
        };
        (0..self.given.len()).filter(|index| holds(&self.given[*index])).collect()
    }

    async fn step(self, step: &Step) -> Result<Self, TestCaseError> {
        let mut life = self;
        match step.clone() {
            Step::Grant { person, clip, minutes, opens } => {
                // Of two grants of the same the openings are counted on either; the model keeps to one.
                if !life.known[clip] || !life.in_force(person, clip).is_empty() {
                    return Ok(life);
                }
                life.owner().await;
                let until_us =
                    minutes.map(|minutes| life.stage.engine.now().plus(Duration::from_secs(60 * minutes)));
                let terms = Terms { rights: vec![Right::Playback], until_us, opens, ..Terms::default() };
                let give = GiveGrant {
                    people: vec![life.people[person]],
                    scopes: vec![GrantScope::Clip { clip: life.clips[clip] }],
                    terms,
                    reason: "the model".into(),
                    template: None,
                };
                let grant = life.stage.engine.grant(give).await.unwrap().remove(0);
                life.stage.engine.wraps_made().await;
                life.ever.push((person, clip));
                life.given.push(Given { id: grant.id, person, clip, until_us, left: opens });
            }
            Step::TakeBack { nth } => {
                if !life.given.is_empty() {
                    life.owner().await;
                    let given = life.given.remove(nth % life.given.len());
                    // One that has ended or is used up is over already.
                    let _ = life.stage.engine.take_back(given.id).await;
                }
            }
            Step::Pass { minutes } => life.stage.clock.pass(Duration::from_secs(60 * minutes)),
            Step::Open { who, clip } => life.open(who, clip).await?,
            Step::Try { nth } => {
                if !life.ever.is_empty() {
                    let (person, clip) = life.ever[nth % life.ever.len()];
                    life.open(Some(person), clip).await?;
                }
            }
            Step::Erase { clip } => {
                life.owner().await;
                let order = EraseOrder {
                    what: EraseWhat::Clips { clips: vec![life.clips[clip]] },
                    demanded: true,
                    forget_copies: false,
                    reason: "the model".into(),
                };
                let erased = life.stage.engine.erase(order).await;
                prop_assert_eq!(erased.is_ok(), life.known[clip], "{:?}", erased);
                (life.known[clip], life.gone[clip]) = (false, true);
                life.given.retain(|given| given.clip != clip);
            }
            Step::Restart => life.stage = life.stage.restart().await,
            Step::Backup => {
                life.owner().await;
                let made = life.stage.engine.make_backup(life.away.path().to_owned()).await.unwrap();
                life.kept = Some(Kept {
                    path: made.path.into(),
                    given: life.given.clone(),
                    known: life.known,
                    opened: life.opened,
                });
            }
            Step::Restore => {
                let Some(kept) = life.kept.clone() else { return Ok(life) };
                let (folder, clock) = life.stage.close().await;
                let fresh = tempfile::tempdir().unwrap();
                let key = RestoreKey::Passphrase { passphrase: OWNER_PASSPHRASE.into() };
                restore(&kept.path, fresh.path(), key, 10).unwrap();
                copy_all(&folder.path().join("clips"), &fresh.path().join("clips"));
                life.stage = Stage::over(fresh, clock).await;
                (life.given, life.known, life.opened) = (kept.given, kept.known, kept.opened);
                // Another log: what was seen of the one before is not of this one.
                life.checkpoint = life.stage.engine.checkpoint().await.unwrap();
            }
        }
        life.look().await?;
        Ok(life)
    }

    async fn open(&mut self, who: Option<usize>, clip: usize) -> Result<(), TestCaseError> {
        let through = who.map(|person| self.in_force(person, clip));
        let may =
            self.known[clip] && !self.gone[clip] && through.as_ref().is_none_or(|grants| !grants.is_empty());
        match who {
            None => self.owner().await,
            Some(person) => self.stage.sign_in(PEOPLE[person], PASSPHRASE).await,
        }
        let outcome = self.stage.engine.open_clip(self.clips[clip]).await;
        prop_assert_eq!(outcome.is_ok(), may, "{:?} of {:?}: {:?}", who, self.given, outcome.err());
        self.stage.engine.close_player();
        if may {
            self.opened += 1;
            if let Some([only]) = through.as_deref()
                && let Some(left) = &mut self.given[*only].left
            {
                *left -= 1;
            }
        }
        Ok(())
    }

    /// What must hold after every step.
    async fn look(&mut self) -> Result<(), TestCaseError> {
        // Exactly one entry for each opening, and none for what was refused.
        prop_assert_eq!(self.opened_in_log().await, self.opened);
        // The log is the one that it was.
        let grown = self.stage.engine.log_consistency(&self.checkpoint).await.unwrap();
        prop_assert_eq!(grown.standing, Standing::Grown);
        self.checkpoint = grown.checkpoint;
        for (clip, gone) in self.clips.iter().zip(self.gone) {
            prop_assert!(!gone || !is_anywhere(&self.stage.folder.path().join("clips"), *clip));
        }
        Ok(())
    }

    async fn end(self) -> Result<(), TestCaseError> {
        self.owner().await;
        self.stage.engine.wraps_made().await;
        let found = self.stage.engine.verify_log_now().await.unwrap().findings;
        // Of what was erased after a backup, that backup brings the row back, and nothing the bytes.
        let lost = |clip: &Option<ClipId>| {
            clip.is_some_and(|clip| self.clips.iter().zip(self.gone).any(|(id, gone)| gone && *id == clip))
        };
        let found: Vec<_> = found.into_iter().filter(|finding| !lost(&finding.clip)).collect();
        prop_assert!(found.is_empty(), "{:?}", found);
        self.stage.close().await;
        Ok(())
    }
}

fn is_anywhere(folder: &Path, clip: ClipId) -> bool {
    fs::read_dir(folder).unwrap().map(Result::unwrap).any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            is_anywhere(&path, clip)
        } else {
            path.to_string_lossy().contains(&clip.to_string())
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn in_any_order_nobody_opens_without_a_grant_and_nothing_without_an_entry() {
    if !alone("trust_model::in_any_order_nobody_opens_without_a_grant_and_nothing_without_an_entry") {
        return;
    }
    // One vault with clips and people, of which every life begins as a copy.
    let camera = SimCam::start(&[]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.wait_for_clips(id, CLIPS).await;
    let mut people = Vec::new();
    for name in PEOPLE {
        let new = AddPerson { name: name.into(), passphrase: PASSPHRASE.into(), ..AddPerson::default() };
        people.push(stage.engine.add_person(new).await.unwrap().face.id);
    }
    stage.engine.remove_camera(id).await.unwrap();
    drop(camera);
    let clips: Vec<_> = stage.clips(id).await.into_iter().rev().take(CLIPS).map(|clip| clip.id).collect();
    let (template, _) = stage.close().await;

    let tried = std::cell::Cell::new(BTreeMap::<&str, u32>::new());
    let cases =
        std::env::var("HAUSRECHT_MODEL_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&steps(), |steps| {
            tokio::runtime::Handle::current().block_on(async {
                let folder = tempfile::tempdir().unwrap();
                copy_all(template.path(), folder.path());
                let clock = MovedClock::default();
                let stage = Stage::over(folder, clock).await;
                let checkpoint = stage.engine.checkpoint().await.unwrap();
                let mut life = Life {
                    stage,
                    people: people.clone(),
                    clips: clips.clone(),
                    given: Vec::new(),
                    ever: Vec::new(),
                    known: [true; CLIPS],
                    gone: [false; CLIPS],
                    opened: 0,
                    kept: None,
                    away: tempfile::tempdir().unwrap(),
                    checkpoint,
                };
                for step in &steps {
                    let mut counted = tried.take();
                    *counted.entry(name(step)).or_default() += 1;
                    tried.set(counted);
                    life = life.step(step).await?;
                }
                life.end().await
            })
        })
    });
    println!("{:?}", tried.take());
    outcome.unwrap();
}

fn name(step: &Step) -> &'static str {
    match step {
        Step::Grant { .. } => "grant",
        Step::TakeBack { .. } => "take back",
        Step::Pass { .. } => "time passes",
        Step::Open { .. } => "open",
        Step::Try { .. } => "open what was granted",
        Step::Erase { .. } => "erase",
        Step::Restart => "restart",
        Step::Backup => "backup",
        Step::Restore => "restore",
    }
}
