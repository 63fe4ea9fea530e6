//! The pictures of a span, whatever happens to the sessions that they come by: a lost one is opened anew where it was, one that
//! ends before the span does is asked once more, and who pauses for long gives it back.

use std::{sync::mpsc, time::Duration};

use anyhow::Context;
use hausrecht_media::FaultCode;

use super::{
    Failure, Input,
    connection::Account,
    reader::{FromCard, Picture, Reader},
    sieve::{Sieve, Verdict},
};
use crate::source::Address;

/// How often in a row a session is opened anew that brings nothing.
const MAX_TRIES: u32 = 4;
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// How long pictures may come that are not wanted.
const UNWANTED_LIMIT: Duration = Duration::from_secs(30);
/// How long is waited for a session to be given back before another is asked for. Some cameras have few.
const GOODBYE: Duration = Duration::from_millis(400);

/// See the module.
#[derive(Debug)]
pub(super) struct Feed {
    address: Address,
    account: Account,
    inputs: mpsc::Sender<Input>,
    until_us: i64,
    sieve: Sieve,
    reader: Option<Reader>,
    attempt: u32,
    /// Whether this session has brought a picture that was wanted.
    fresh: bool,
    tries: u32,
    reopen_at: Option<Duration>,
    ended: bool,
    unwanted_since: Option<Duration>,
}

impl Feed {
    /// Reads nothing yet.
    pub(super) fn new(
        address: Address,
        account: Account,
        until_us: i64,
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        Self {
            address,
            account,
            inputs,
            until_us,
            sieve: Sieve::new(0, 0, until_us),
            reader: None,
            attempt: 0,
            fresh: false,
            tries: 0,
            reopen_at: None,
            ended: false,
            unwanted_since: None,
        }
    }

    /// Asks for `asked_us` and gives what was taken from `first_us` on, from its first key frame.
    pub(super) fn go(&mut self, asked_us: i64, first_us: i64) -> Result<(), Failure> {
        self.sieve = Sieve::new(asked_us, first_us, self.until_us);
        self.tries = 0;
        self.open()
    }

    /// Gives the session back until [`Self::resume`].
    pub(super) fn suspend(&mut self) {
        self.attempt += 1;
        self.reopen_at = None;
        if let Some(reader) = self.reader.take() {
            reader.end(GOODBYE);
        }
    }

    /// Goes on where it was suspended or lost.
    pub(super) fn resume(&mut self) -> Result<(), Failure> {
        if self.reader.is_some() || self.ended || self.reopen_at.is_some() {
            return Ok(());
        }
        self.sieve.resume();
        self.open()
    }

    fn open(&mut self) -> Result<(), Failure> {
        self.suspend();
        self.fresh = false;
        self.ended = false;
        self.unwanted_since = None;
        let (attempt, inputs) = (self.attempt, self.inputs.clone());
        let tell = move |what| {
            // A worker that has ended needs no picture.
            let _ = inputs.send(Input::Card { attempt, what });
        };
        let asked_us = self.sieve.resume_us();
        let reader = Reader::start(&self.address, self.account.clone(), asked_us, self.until_us, tell)
            .context("starting to read the card")
            .map_err(|error| (FaultCode::Internal, format!("{error:#}")))?;
        self.reader = Some(reader);
        Ok(())
    }

    /// Whether there is nothing more in the span.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Takes what a reader told. Gives a picture if it is wanted, and whether it begins anew after a gap; its weight must be
    /// given to [`Self::done`].
    pub(super) fn take(
        &mut self,
        attempt: u32,
        what: FromCard,
        now: Duration,
    ) -> Result<Option<(Picture, bool)>, Failure> {
        if attempt != self.attempt || self.reader.is_none() {
            return Ok(None);
        }
        let picture = match what {
            FromCard::Picture(picture) => picture,
            FromCard::Ended if self.fresh => {
                // It may have ended at a gap, or before it had sent everything.
                self.sieve.resume();
                self.open()?;
                return Ok(None);
            }
            FromCard::Ended => {
                self.end();
                return Ok(None);
            }
            FromCard::Failed(failure) => return self.failed(failure, now).map(|()| None),
        };
        let after_gap = match self.sieve.judge(picture.at_us, picture.key, picture.discontinuous) {
            Verdict::Take => false,
            Verdict::TakeAfterGap => true,
            Verdict::Skip => {
                self.done(picture.weight());
                let since = *self.unwanted_since.get_or_insert(now);
                if now.saturating_sub(since) > UNWANTED_LIMIT {
                    return Err((
                        FaultCode::NoKeyFrame,
                        "the camera sends nothing that was asked for".into(),
                    ));
                }
                return Ok(None);
            }
            Verdict::End => {
                self.end();
                return Ok(None);
            }
            Verdict::Elsewhere => {
                let text = "the camera does not begin at the time that was asked for";
                return Err((FaultCode::Refused, text.into()));
            }
        };
        self.unwanted_since = None;
        self.fresh = true;
        self.tries = 0;
        Ok(Some((picture, after_gap)))
    }

    /// Lets the camera send on for a picture that is done with.
    pub(super) fn done(&self, weight: usize) {
        if let Some(reader) = &self.reader {
            reader.taken(weight);
        }
    }

    /// When something is to be done without anything coming.
    pub(super) fn due(&self) -> Option<Duration> {
        self.reopen_at
    }

    /// Opens the session anew if it is time.
    pub(super) fn tick(&mut self, now: Duration) -> Result<(), Failure> {
        if self.reopen_at.is_some_and(|at| now >= at) {
            self.reopen_at = None;
            self.sieve.resume();
            self.open()?;
        }
        Ok(())
    }

    fn end(&mut self) {
        self.suspend();
        self.ended = true;
    }

    /// What had worked is tried again, and once what has not been answered: some cameras stop short at a replay while they are
    /// still busy with the one before. A refusal is not.
    fn failed(&mut self, (code, text): Failure, now: Duration) -> Result<(), Failure> {
        let passing = matches!(code, FaultCode::Lost | FaultCode::Timeout | FaultCode::Refused);
        let unanswered = code == FaultCode::Timeout && self.tries == 0;
        if !passing || !(self.sieve.begun() || unanswered) {
            return Err((code, text));
        }
        self.tries += 1;
        if self.tries > MAX_TRIES {
            return Err((FaultCode::Lost, text));
        }
        tracing::info!("the card is asked again: {text}");
        self.suspend();
        self.reopen_at = Some(now + FIRST_DELAY * 2_u32.pow(self.tries - 1));
        Ok(())
    }
}
