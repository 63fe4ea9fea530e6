//! What can be typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use hausrecht_model::Right;

/// Your cameras, your recordings, your log: Hausrecht without its window.
///
/// Exit codes: 0 all is well; 1 it failed, and standard error says why; 2 the call was wrong; 3 the log or a clip was
/// changed, or something is wrong at an examined camera; 4 the passphrase was wrong.
#[derive(Debug, Parser)]
#[command(name = "hausrecht", version, max_term_width = 100)]
pub(crate) struct Args {
    /// Data folder [default: $XDG_DATA_HOME/hausrecht]
    #[arg(long, global = true, env = "HAUSRECHT_DATA", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Name to sign in with; the owner if left out
    #[arg(long, global = true, env = "HAUSRECHT_NAME", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// File that holds the passphrase, `-` for standard input; asked for at the terminal otherwise
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// JSON instead of a table, one document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on standard error
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set the vault up: owner's name and passphrase; prints the recovery identity
    Init {
        /// Owner's name
        #[arg(long)]
        owner: String,
        /// Take a passphrase that rates lower than 3 of 4
        #[arg(long)]
        accept_weak: bool,
    },
    /// Look for cameras on the network
    Discover,
    /// Cameras: list, add, examine, set up, remove
    #[command(subcommand)]
    Camera(Camera),
    /// Record until Ctrl+C or SIGTERM, without a window
    Run,
    /// List clips, newest first, or import some
    #[command(args_conflicts_with_subcommands = true)]
    Clips {
        #[command(subcommand)]
        command: Option<Clips>,
        /// Only this camera, by name or id
        #[arg(long)]
        camera: Option<String>,
        /// Starting at or after, for example 2026-05-01 or 2026-05-01T14:30; local time
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Starting before
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Check a package that was given to you and take its films out, which needs no vault; or write a clip of your own in plain
    Open(Open),
    /// Copy all that the vault knows but the clips, sealed to the owner, into one file
    Backup {
        /// Where it goes; must exist, and is best on another disk
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
    },
    /// Bring a backup back into a data folder that has no owner
    Restore(Restore),
    /// Be a witness for somebody else's log: remember how far it was, and say so
    Witness(Serve),
    /// Who witnesses this log: list, ask, add, remove
    #[command(subcommand)]
    Witnesses(Witnesses),
    /// Time stamps of the log by an authority (RFC 3161): list, ask, name one, write out
    #[command(subcommand)]
    Stamps(Stamps),
    /// List people and what they may view
    People {
        /// Add a person with this name; their passphrase is asked for
        #[arg(long, value_name = "NAME")]
        add: Option<String>,
        /// What they are here, such as Family
        #[arg(long, value_name = "ROLE", requires = "add")]
        role: Option<String>,
        /// When they may sign in no more
        #[arg(long, value_name = "TIME", requires = "add")]
        until: Option<String>,
        /// File with the new person's passphrase
        #[arg(long, value_name = "FILE", requires = "add")]
        new_passphrase_file: Option<PathBuf>,
        /// Take a passphrase that rates lower than 3 of 4
        #[arg(long, requires = "add")]
        accept_weak: bool,
    },
    /// Let someone view
    Grant(Grant),
    /// Take a grant back
    TakeBack {
        /// Grant, by id
        grant: String,
        /// Seal clips that were never opened through it anew, to fresh keys
        #[arg(long)]
        rekey: bool,
    },
    /// The log: list, verify, checkpoint
    Log {
        #[command(subcommand)]
        command: Option<Log>,
        /// At most this many entries, newest first
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
        /// Only these kinds, for example `opened,grant`
        #[arg(long, value_delimiter = ',')]
        kind: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Camera {
    /// List the cameras
    List {
        /// Ask each camera for its streams and its certificate too
        #[arg(long, short)]
        long: bool,
    },
    /// Show what a camera is and has
    Show {
        /// Camera, by name or id
        camera: String,
    },
    /// Examine the camera at an address and say what works, what is missing and what to do; needs no vault
    Doctor {
        /// `192.168.1.20`, `192.168.1.20:8000` or a URL
        address: String,
        /// The camera's user; without one, only what it tells anybody is examined
        #[arg(long)]
        user: Option<String>,
        /// File that holds the camera's password; asked for at the terminal otherwise
        #[arg(long, value_name = "FILE", requires = "user")]
        password_file: Option<PathBuf>,
        /// Keep what was said for a bug report, without passwords, names, numbers and addresses
        #[arg(long, value_name = "DIR")]
        capture: Option<PathBuf>,
    },
    /// Choose which streams are recorded and shown small, by their tokens in `camera show`
    Streams {
        /// Camera, by name or id
        camera: String,
        /// The stream to record
        #[arg(long, value_name = "TOKEN")]
        main: String,
        /// The stream for small tiles
        #[arg(long, value_name = "TOKEN")]
        sub: Option<String>,
    },
    /// List the accounts of a camera
    Users {
        /// Camera, by name or id
        camera: String,
    },
    /// Give an account of a camera another password, in the camera; the one in use goes on with it
    Password {
        /// Camera, by name or id
        camera: String,
        /// The account
        #[arg(long)]
        user: String,
        /// File that holds the new password; asked for at the terminal otherwise
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
    },
    /// Make an account for Hausrecht alone in a camera, with few rights, and go on with it
    OwnAccount {
        /// Camera, by name or id
        camera: String,
    },
    /// Say whether a camera shows another certificate than before, and accept it
    Certificate {
        /// Camera, by name or id
        camera: String,
        /// Accept this one, as it was printed
        #[arg(long, value_name = "SHA256")]
        accept: Option<String>,
    },
    /// Set a camera's clock to this computer's time
    Clock {
        /// Camera, by name or id
        camera: String,
    },
    /// Restart a camera
    Reboot {
        /// Camera, by name or id
        camera: String,
    },
    /// Add the camera at an address; its password is asked for, and tried once
    Add {
        /// `192.168.1.20`, `192.168.1.20:8000` or a URL
        address: String,
        /// The camera's user
        #[arg(long, default_value = "admin")]
        user: String,
        /// File that holds the camera's password; asked for at the terminal otherwise
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Name to give it
        #[arg(long = "as", value_name = "NAME")]
        label: Option<String>,
    },
    /// Remove a camera: recording stops, its clips stay until their time
    Remove {
        /// Camera, by name or id
        camera: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Clips {
    /// Import files that something else recorded, or all in a folder: MP4, MOV, MKV, AVI, TS; the originals stay as they are
    Import {
        /// Files and folders
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Name under which the clips stand; where a recorder has several cameras, each gets its own
        #[arg(long, value_name = "NAME")]
        source: String,
        /// When the file begins, if it does not say so or wrongly; local time unless it has a zone; for one file
        #[arg(long, value_name = "TIME")]
        start: Option<String>,
        /// Time zone of the recorder's clock, for example Europe/Berlin [default: this computer's]
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<String>,
    },
    /// Export a span as MP4 files, exact to the picture: a copy, and logged as one before any clip is opened
    Export(Export),
    /// Erase clips for good: their keys, then their files; the log keeps that it happened, and why
    Erase {
        /// Clips, by id
        #[arg(required_unless_present = "camera", conflicts_with = "camera")]
        clips: Vec<String>,
        /// Of this camera, by name or id, the clips of a span
        #[arg(long, requires = "from", requires = "to")]
        camera: Option<String>,
        /// Start of the span
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// End of the span
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        /// Why
        #[arg(long)]
        reason: String,
        /// Somebody in the picture demands it (GDPR, Article 17)
        #[arg(long)]
        demanded: bool,
        /// Forget, too, who was given a copy
        #[arg(long)]
        forget_copies: bool,
    },
}

/// What is opened.
#[derive(Debug, clap::Args)]
pub(crate) struct Open {
    /// A package's file, or a clip by id
    pub(crate) what: String,
    /// Of a clip: where to, `-` for standard output; a file must not exist yet. A copy, and logged as one before its first byte
    #[arg(long, short, value_name = "FILE", conflicts_with_all = ["identity", "key", "folder"])]
    pub(crate) output: Option<PathBuf>,
    /// Of a package: the file with your age key, if it was made for one; else the passphrase is asked for
    #[arg(long, short, value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
    /// Of a package: the key of the log that it must come from, as its owner told you otherwise
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Of a package: write the films into this folder, which must exist
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

/// A witness.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where it answers
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8642")]
    pub(crate) listen: String,
    /// Where it remembers; its own folder, of which a copy must never be put back
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// What it is called, without blanks; stays as it was at its first start
    #[arg(long, default_value = "hausrecht-witness")]
    pub(crate) name: String,
    /// Key of a log that it witnesses, as `hausrecht log key` prints it; may be given several times
    #[arg(long, required = true, value_name = "KEY")]
    pub(crate) log: Vec<String>,
}

/// Who witnesses this log.
#[derive(Debug, Subcommand)]
pub(crate) enum Witnesses {
    /// List them, with what they saw last
    List,
    /// Show all of them the log now
    Ask,
    /// Name one, and show it the log at once
    Add {
        /// Its address, for example http://192.168.1.20:8642/
        url: String,
        /// Its key
        key: String,
    },
    /// Show it the log no more
    Remove {
        /// Its address
        url: String,
    },
}

/// What is stamped.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Stamps {
    /// Say which authority is asked, and the newest stamp
    Show,
    /// Let it stamp the log now
    Ask,
    /// Name the authority that is asked once a day, and let it stamp at once; without an address, none
    Authority {
        /// Its address, for example https://tsa.example/tsr
        url: Option<String>,
    },
    /// Write all stamps with their checkpoints, for `openssl ts -verify`
    Export {
        /// Into a folder below this one, which must exist
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
    },
}

/// What is brought back.
#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    /// The backup
    pub(crate) backup: PathBuf,
    /// File with the identity on the recovery sheet, if the passphrase is forgotten; `--passphrase-file` is then the new one
    #[arg(long, value_name = "FILE")]
    pub(crate) sheet: Option<PathBuf>,
    /// File with the share of one of the three people among whom the owner's keys are; given twice, for two of them
    #[arg(long, value_name = "FILE", num_args = 1, conflicts_with = "sheet")]
    pub(crate) share: Vec<PathBuf>,
}

/// What is exported.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// Camera, by name or id; may be given several times
    #[arg(long, required = true)]
    pub(crate) camera: Vec<String>,
    /// The first picture that is wanted, for example 2026-05-01T14:30:05; local time
    #[arg(long, value_name = "TIME")]
    pub(crate) from: String,
    /// Pictures from this time on are not wanted
    #[arg(long, value_name = "TIME")]
    pub(crate) to: String,
    /// Where the files go; must exist
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Who is given the copy; stands in the log
    #[arg(long, default_value = "")]
    pub(crate) recipient: String,
    /// Write the recipient's name on every picture, for which all of them are encoded anew
    #[arg(long, requires = "recipient")]
    pub(crate) name_on_picture: bool,
    /// What for; stands in the log
    #[arg(long, default_value = "")]
    pub(crate) purpose: String,
    /// Make one sealed package for the recipient, with what is needed to check it; its passphrase is asked for
    #[arg(long, requires = "recipient")]
    pub(crate) package: bool,
    /// Seal the package to this age key instead of a passphrase
    #[arg(long, value_name = "AGE1...", requires = "package")]
    pub(crate) to_key: Option<String>,
    /// File with the package's passphrase
    #[arg(long, value_name = "FILE", requires = "package", conflicts_with = "to_key")]
    pub(crate) package_passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Walk the whole tree, every signature and every clip file; needs no passphrase
    Verify,
    /// Print the newest checkpoint, a C2SP signed note; needs no passphrase
    Checkpoint,
    /// Print the key that verifies checkpoints; needs no passphrase
    Key,
    /// Compare the log with an older checkpoint of it, and print the proof; needs no passphrase
    Consistency {
        /// File with the checkpoint, or `-` for standard input
        old: PathBuf,
    },
    /// Print the proof that an entry stands in the log, a C2SP tlog-proof, for which no passphrase is needed; or of all that
    /// happened to a clip
    Prove {
        /// Number of the entry
        #[arg(required_unless_present = "clip")]
        index: Option<u64>,
        /// All that happened to this clip, by id, complete and without showing the rest
        #[arg(long, value_name = "CLIP", conflicts_with = "index")]
        clip: Option<String>,
    },
    /// Check a clip's proof, anywhere: no vault is needed
    Check {
        /// File with the proof, or `-` for standard input
        proof: PathBuf,
        /// Key of the log, as `log key` prints it there
        #[arg(long, value_name = "VKEY")]
        key: String,
        /// The owner's signing key, 64 hexadecimal digits
        #[arg(long, value_name = "HEX")]
        owner_key: Option<String>,
    },
    /// Print one entry with its proof
    Show {
        /// Number of the entry
        index: u64,
    },
}

/// Let someone view a clip, a span of a camera, or a camera from now on.
#[derive(Debug, clap::Args)]
pub(crate) struct Grant {
    /// Person, by name or id
    pub(crate) person: String,
    /// One clip, by id
    #[arg(long, conflicts_with = "camera", required_unless_present = "camera")]
    pub(crate) clip: Option<String>,
    /// A camera, by name or id: live pictures and each new clip; with --from and --to the clips of that span instead
    #[arg(long)]
    pub(crate) camera: Option<String>,
    /// Start of the span
    #[arg(long, value_name = "TIME", requires = "to", requires = "camera")]
    pub(crate) from: Option<String>,
    /// End of the span
    #[arg(long, value_name = "TIME", requires = "from")]
    pub(crate) to: Option<String>,
    /// Until when they may view; until taken back if left out
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// What they may do: of live, playback, ptz, talk, snapshot, copy; viewing if left out
    #[arg(long, value_delimiter = ',', value_parser = right)]
    pub(crate) right: Vec<Right>,
    /// Of a whole camera: also the clips of the last hours, and no older ones
    #[arg(long, value_name = "HOURS", conflicts_with_all = ["clip", "from"])]
    pub(crate) back: Option<u32>,
    /// How many openings it allows
    #[arg(long, value_name = "NUMBER")]
    pub(crate) opens: Option<u32>,
    /// Who must agree to each opening, by name or id
    #[arg(long, value_name = "PERSON")]
    pub(crate) second: Option<String>,
    /// Why
    #[arg(long)]
    pub(crate) reason: String,
}

fn right(name: &str) -> Result<Right, String> {
    Right::ALL.into_iter().find(|right| right.as_str() == name).ok_or_else(|| {
        let all: Vec<_> = Right::ALL.into_iter().map(Right::as_str).collect();
        format!("one of {}", all.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        super::Args::command().debug_assert();
    }
}
