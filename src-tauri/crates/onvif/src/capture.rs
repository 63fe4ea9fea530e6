//! Recording what a camera was asked and what it answered, so that it can be attached to a bug report and become a test.
//! Nothing that identifies a person, a camera or a network, and no secret, is written: see [`Recorder`].

mod scrub;

use std::{
    fmt, fs, io,
    path::Path,
    sync::{Mutex, PoisonError},
};

use url::Url;

use self::scrub::Scrubber;
use crate::{Credentials, Error};

/// More exchanges than an examination makes; what comes after is not kept.
const EXCHANGES_MAX: usize = 1000;
/// More than this, in bytes, is not kept in all.
const SIZE_MAX: usize = 32 << 20;

/// One request and its answer, as they were sent. They are full of secrets.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// Where it was sent.
    pub url: &'a Url,
    /// The ONVIF operation, or `snapshot`.
    pub operation: &'a str,
    /// The envelope; empty for a still picture.
    pub request: &'a str,
    /// The HTTP status and the body, or why there is none.
    pub answer: Result<(u16, &'a [u8]), &'a Error>,
}

/// Sees every exchange with a camera. It is called between two requests, so it must not block.
pub trait Capture: fmt::Debug + Send + Sync {
    /// Takes note of an exchange.
    fn seen(&self, exchange: &Exchange<'_>);
}

/// Keeps exchanges in memory and writes them as one file each, scrubbed: passwords, user names, digests, nonces, serial
/// numbers, hardware addresses, IP addresses, host names and UUIDs are replaced by fixed placeholders of the same shape.
/// Scrubbing comes last, because what must be scrubbed from the first answer may only be learned from the last one.
#[derive(Debug)]
pub struct Recorder {
    scrubber: Scrubber,
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    operation: String,
    host: String,
    path: String,
    request: String,
    answer: Result<(u16, String), String>,
}

impl Kept {
    fn size(&self) -> usize {
        let answer = match &self.answer {
            Ok((_, body)) => body.len(),
            Err(reason) => reason.len(),
        };
        self.request.len() + answer
    }
}

impl Recorder {
    /// Keeps nothing yet. The credentials are those that the camera is signed in to with.
    pub fn new(credentials: Option<&Credentials>) -> Self {
        Self { scrubber: Scrubber::new(credentials), kept: Mutex::default() }
    }

    /// The exchanges so far, scrubbed: file names and contents, in the order in which they happened.
    pub fn scrubbed(&self) -> Vec<(String, String)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scrubber = self.scrubber.clone();
        for exchange in kept.iter() {
            scrubber.learn_host(&exchange.host);
            scrubber.learn(&exchange.request);
            if let Ok((_, body)) = &exchange.answer {
                scrubber.learn(body);
            }
        }
        let files = kept.iter().enumerate().map(|(index, exchange)| {
            let Kept { operation, path, request, answer, .. } = exchange;
            let (outcome, body) = match answer {
                Ok((status, body)) => (format!("HTTP {status}"), body.as_str()),
                Err(reason) => ("none".to_owned(), reason.as_str()),
            };
            let content = format!("--- request {path}\n{request}\n--- answer {outcome}\n{body}\n");
            let name: String = operation.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
            (format!("{:03}-{name}.txt", index + 1), scrubber.scrub(&content))
        });
        files.collect()
    }

    /// Writes the exchanges into a directory, made if it is not there, and returns how many.
    ///
    /// # Errors
    /// What the system says; the files that were written before stay.
    pub fn write_to(&self, directory: &Path) -> io::Result<usize> {
        fs::create_dir_all(directory)?;
        let files = self.scrubbed();
        for (name, content) in &files {
            fs::write(directory.join(name), content)?;
        }
        Ok(files.len())
    }
}

impl Capture for Recorder {
    fn seen(&self, exchange: &Exchange<'_>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match exchange.answer {
            Ok((status, body)) if exchange.request.is_empty() => {
                // A picture shows what nobody wants in a bug report.
                Ok((status, format!("({} bytes of a picture, left out)", body.len())))
            }
            Ok((status, body)) => Ok((status, String::from_utf8_lossy(body).into_owned())),
            Err(error) => Err(error.to_string()),
        };
        let url = exchange.url;
        let new = Kept {
            operation: exchange.operation.to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            path: url[url::Position::BeforePath..].to_owned(),
            request: exchange.request.to_owned(),
            answer,
        };
        let size: usize = kept.iter().map(Kept::size).sum();
        if kept.len() < EXCHANGES_MAX && size + new.size() <= SIZE_MAX {
            kept.push(new);
        }
    }
}
