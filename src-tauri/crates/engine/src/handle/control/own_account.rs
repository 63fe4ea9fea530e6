//! An account for Hausrecht alone in a camera: few rights, and a password that nobody knows. The old account stays, and
//! stays in use unless the camera gives the new one pictures too.

use std::time::Duration;

use hausrecht_model::CameraId;
use hausrecht_onvif::camera::{User, UserLevel};
use hausrecht_store::{CameraRow, IntendedSignIn};
use hausrecht_vault::SecretString;
use rand::distr::{Alphanumeric, SampleString};
use zeroize::Zeroizing;

use super::{
    Control, change, factory,
    panel::{level_name, needs_operator},
};
use crate::{
    Result,
    camera::{
        CameraTask,
        link::{Trouble, is_refusal, is_uncertain},
    },
    handle::Handle,
    inner::lock,
    logbook::Note,
    wire::{DeadReason, Error, ErrorCode, PictureState},
};

/// What Hausrecht calls the account that it makes.
const OWN_NAME: &str = "hausrecht";
/// Length of the password that it makes: some cameras take no more, and letters and digits only.
const OWN_PASSWORD_LENGTH: usize = 20;
/// How long a picture may take to come with the new account.
const PICTURE_WITHIN: Duration = Duration::from_secs(30);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A camera as it was before its account changed.
struct Before {
    row: CameraRow,
    worker_pid: Option<u32>,
    was_live: bool,
}

impl Before {
    fn of(task: &CameraTask) -> Self {
        let was_live = lock(&task.status).picture == PictureState::Live;
        Self { row: task.row(), worker_pid: *lock(&task.worker_pid), was_live }
    }
}

impl Handle {
    /// Makes an account for Hausrecht alone, with a password that nobody knows and the least rights that suffice, and
    /// goes on with it. The account in use before stays in the camera as it is.
    ///
    /// # Errors
    /// Only the owner; the account in use may not make others. The old one stays in use then.
    pub async fn make_own_account(&self, camera: CameraId) -> Result<()> {
        let control = self.control(camera).await?;
        if control.task.row().own_level.is_some() {
            return Err(Error::invalid("the account in use is one that Hausrecht made already"));
        }
        let work = tokio::spawn(async move { control.make_own_account().await });
        work.await.map_err(Error::internal)?
    }
}

impl Control {
    async fn make_own_account(self) -> Result<()> {
        let (inner, task, camera) = (&self.handle.inner, &self.task, &self.live.camera);
        let users = self.heard(camera.users().await).await?;
        let features = self.heard(self.live.features().await).await?;
        let level = if needs_operator(&features) { UserLevel::Operator } else { UserLevel::User };
        let is_taken = |name: &str| users.iter().any(|user| user.name.eq_ignore_ascii_case(name));
        let name = std::iter::once(OWN_NAME.to_owned())
            .chain((2..).map(|number| format!("{OWN_NAME}{number}")))
            .find(|name| !is_taken(name))
            .expect("the numbers do not end");
        let password = own_password();
        let intended = self.intended(&name, &password, Some(level_name(level)?))?;
        let user = User { name: name.clone(), level };
        let secret = SecretString::from(password.as_str());

        self.stop_move().await;
        let mut state = task.hold_link().await;
        let note = change("account_made").fact("account", name.clone()).fact("level", level_name(level)?);
        let announced = self.intend(note, &intended).await?;
        match camera.create_user(&user, &secret).await {
            Err(error) if !is_uncertain(&error) => {
                task.forget_intended(inner, self.failure(announced, error.code())).await?;
                return Err(error.into());
            }
            Ok(()) | Err(_) => {}
        }
        match task.reach_and_prove(inner, &intended.sign_in).await {
            Ok(reached) => {
                let before = Before::of(task);
                let note = change("account_in_use").camera(task.id).fact("account", name.clone());
                self.try_out(intended, &before.row, note).await?;
                state.go_on_with(reached);
                drop(state);
                task.restart();
                self.keep_if_it_streams(before, announced, &name).await
            }
            Err(Trouble::Camera(error)) if is_refusal(&error) => {
                // The old account stays in use, and the new one does not stay behind.
                if let Err(error) = camera.delete_user(&name).await {
                    tracing::warn!(camera = %task.id, "the account {name} stays in the camera: {error}");
                }
                task.forget_intended(inner, self.failure(announced, error.code())).await?;
                Err(Error::new(
                    ErrorCode::CameraUnsuitable,
                    "the camera made the account and does not let it in: the old one stays in use",
                ))
            }
            Err(trouble) => {
                // Which account it is will be found out when the camera answers again.
                state.end();
                inner.log_or_tell(self.outcome(announced, "unanswered", "camera_unreachable")).await;
                Err(trouble.into())
            }
        }
    }

    /// Signs in with the new account from now on; the old one is what a crash goes back to.
    async fn try_out(&self, intended: IntendedSignIn, old: &CameraRow, note: Note) -> Result<()> {
        let id = self.task.id;
        let fallback =
            IntendedSignIn { camera: id, sign_in: old.sign_in.clone(), own_level: old.own_level.clone() };
        let inner = &self.handle.inner;
        // The old account stays in the camera, with the password that it has.
        let (user, password) = self.task.sign_in(inner)?;
        inner
            .change_camera(id, vec![note], None, move |row, tables| {
                factory::note_password(tables, id, &user, &password)?;
                row.sign_in = intended.sign_in;
                row.own_level = intended.own_level;
                Ok(tables.put_intended_sign_in(&fallback)?)
            })
            .await?;
        self.task.set_intended(None);
        Ok(())
    }

    /// Waits for a picture with the new account, and goes back to the old one if the camera refuses it. Where there was
    /// no picture before, there is nothing to compare with.
    async fn keep_if_it_streams(&self, before: Before, announced: u64, name: &str) -> Result<()> {
        let (inner, task) = (&self.handle.inner, &self.task);
        let refused = if before.was_live { self.stream_refused(&before).await } else { None };
        let Some(reason) = refused else { return task.drop_intended(inner).await };
        let mut state = task.hold_link().await;
        let (old, note) = (before.row, self.failure(announced, reason));
        inner
            .change_camera(task.id, vec![note], None, move |row, tables| {
                row.sign_in = old.sign_in;
                row.own_level = old.own_level;
                Ok(tables.delete_intended_sign_in(row.id)?)
            })
            .await?;
        state.end();
        drop(state);
        task.restart();
        // This conversation is the old account's, which may delete what it made.
        if let Err(error) = self.live.camera.delete_user(name).await {
            tracing::warn!(camera = %task.id, "the account {name} stays in the camera: {error}");
        }
        Err(Error::new(
            ErrorCode::CameraUnsuitable,
            "the camera lets the new account in and gives it no pictures: the old account stays in use",
        ))
    }

    /// Why the new account gets no picture; `None` if it does, or if that is not the account's fault.
    async fn stream_refused(&self, before: &Before) -> Option<&'static str> {
        let looking = async {
            let mut looks = tokio::time::interval(LOOK_EVERY);
            loop {
                looks.tick().await;
                let picture = lock(&self.task.status).picture.clone();
                let is_new = *lock(&self.task.worker_pid) != before.worker_pid;
                match picture {
                    PictureState::Live if is_new => return None,
                    PictureState::Dead { reason: DeadReason::WrongPassword, .. } => {
                        return Some("stream_not_authorized");
                    }
                    PictureState::Dead { reason: DeadReason::StreamRefused, .. } => {
                        return Some("stream_refused");
                    }
                    PictureState::Live | PictureState::Starting | PictureState::Dead { .. } => {}
                }
            }
        };
        tokio::time::timeout(PICTURE_WITHIN, looking).await.unwrap_or(None)
    }
}

/// A password with small and capital letters and digits, about 119 bits of chance.
fn own_password() -> Zeroizing<String> {
    loop {
        let password = Zeroizing::new(Alphanumeric.sample_string(&mut rand::rng(), OWN_PASSWORD_LENGTH));
        let has = |kind: fn(&char) -> bool| password.chars().any(|character| kind(&character));
        if has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit) {
            return password;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_passwords_have_twenty_letters_and_digits_of_every_kind() {
        for _ in 0..100 {
            let password = own_password();
            assert_eq!(password.len(), 20);
            assert!(password.chars().all(|character| character.is_ascii_alphanumeric()));
            assert!(password.chars().any(|character| character.is_ascii_digit()));
        }
        assert_ne!(*own_password(), *own_password());
    }
}
