//! Who may sign in to a camera. Access is never lost: a new sign-in is stored before the camera is told of it and
//! replaces the old one only when the camera has taken it; what a crash leaves is resolved at the next start.

use hausrecht_model::CameraId;
use hausrecht_onvif::camera::{User, UserLevel};
use hausrecht_store::IntendedSignIn;
use hausrecht_vault::SecretString;
use rand::distr::{Alphanumeric, SampleString};
use zeroize::Zeroizing;

use super::{
    Control, change,
    panel::{level_name, needs_operator},
};
use crate::{
    Result,
    camera::{
        self,
        link::{Trouble, is_refusal, is_uncertain},
    },
    handle::Handle,
    wire::{CameraUserView, Error, ErrorCode},
};

/// What Hausrecht calls the account that it makes.
const OWN_NAME: &str = "hausrecht";
/// Length of the password that it makes: some cameras take no more, and letters and digits only.
const OWN_PASSWORD_LENGTH: usize = 20;
/// No camera takes longer ones.
const PASSWORD_MAX: usize = 64;

impl Handle {
    /// The accounts of a camera.
    ///
    /// # Errors
    /// Only the owner; the camera tells administrators only.
    pub async fn camera_users(&self, camera: CameraId) -> Result<Vec<CameraUserView>> {
        let control = self.control(camera).await?;
        let (in_use, _) = control.task.sign_in(&self.inner)?;
        let users = control.heard(control.live.camera.users().await).await?;
        let views = users.into_iter().map(|user| CameraUserView {
            in_use: user.name == in_use,
            name: user.name,
            level: user.level,
        });
        Ok(views.collect())
    }

    /// Gives an account of a camera another password, in the camera. If it is the one in use, Hausrecht keeps the new
    /// password and signs in with it.
    ///
    /// # Errors
    /// Only the owner; no such account; the camera does not accept the password. The old one works on then.
    pub async fn set_camera_user_password(
        &self,
        camera: CameraId,
        user: String,
        password: String,
    ) -> Result<()> {
        let password = Zeroizing::new(password);
        let count = password.chars().count();
        if count == 0 || count > PASSWORD_MAX || password.chars().any(char::is_control) {
            return Err(Error::invalid(format!("a camera's password has 1 to {PASSWORD_MAX} characters")));
        }
        let control = self.control(camera).await?;
        let users = control.heard(control.live.camera.users().await).await?;
        let known = users.into_iter().find(|known| known.name == user);
        let known = known.ok_or_else(|| Error::not_found("this account of the camera"))?;
        let (in_use, _) = control.task.sign_in(&self.inner)?;
        if known.name == in_use {
            // The work goes on to its end even if nobody waits for it any more.
            let work = tokio::spawn(async move { control.replace_password(known, password).await });
            return work.await.map_err(Error::internal)?;
        }
        let secret = SecretString::from(password.as_str());
        let note = change("account_password").fact("account", known.name.clone());
        control.change(note, control.live.camera.set_user(&known, Some(&secret))).await
    }

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

    /// Deletes an account of a camera.
    ///
    /// # Errors
    /// Only the owner; it is the account in use; the camera keeps it.
    pub async fn delete_camera_user(&self, camera: CameraId, user: String) -> Result<()> {
        let control = self.control(camera).await?;
        let (in_use, _) = control.task.sign_in(&self.inner)?;
        if user == in_use {
            return Err(Error::invalid("Hausrecht signs in with this account: use another one first"));
        }
        let note = change("account_deleted").fact("account", user.clone());
        control.change(note, control.live.camera.delete_user(&user)).await
    }
}

impl Control {
    fn intended(&self, user: &str, password: &str, own_level: Option<String>) -> Result<IntendedSignIn> {
        let sign_in = camera::seal_sign_in(&self.handle.inner, user, password)?;
        Ok(IntendedSignIn { camera: self.task.id, sign_in, own_level })
    }

    async fn replace_password(self, user: User, password: Zeroizing<String>) -> Result<()> {
        let (inner, task) = (&self.handle.inner, &self.task);
        let intended = self.intended(&user.name, &password, task.row().own_level)?;
        let secret = SecretString::from(password.as_str());
        // Nobody signs in until it is known which password is right.
        self.stop_move().await;
        let mut state = task.hold_link().await;
        let (stored, note) = (intended.clone(), change("account_password"));
        let note = note.fact("account", user.name.clone()).fact("in_use", true);
        let announced =
            self.announce_with(note, move |tables| Ok(tables.put_intended_sign_in(&stored)?)).await;
        let announced = match announced {
            Ok(announced) => announced,
            Err(error) => {
                inner.db.write(move |tables| Ok(tables.delete_intended_sign_in(intended.camera)?)).await?;
                return Err(error);
            }
        };
        task.set_intended(Some(intended.clone()));
        task.restart();
        match self.live.camera.set_user(&user, Some(&secret)).await {
            Err(error) if !is_uncertain(&error) => {
                task.forget_intended(inner, self.failure(announced, error.code())).await?;
                return Err(error.into());
            }
            // Without an answer the camera may have obeyed all the same.
            Ok(()) | Err(_) => {}
        }
        state.end();
        match task.resolve(inner, intended.clone()).await {
            Ok(camera) => state.go_on_with(camera),
            Err(Trouble::Camera(error)) => {
                self.note_failure(announced, error.code()).await;
                return Err(task.take_note(&mut state, error));
            }
            Err(Trouble::Own(error)) => return Err(error),
        }
        if task.row().sign_in == intended.sign_in {
            return Ok(());
        }
        self.note_failure(announced, "camera_kept_the_old_one").await;
        Err(Error::new(
            ErrorCode::CameraUnsuitable,
            "the camera kept the old password, which stays in use: change it in the camera's own settings",
        ))
    }

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
        let (stored, note) = (intended.clone(), change("account_made"));
        let note = note.fact("account", name.clone()).fact("level", level_name(level)?);
        let announced =
            self.announce_with(note, move |tables| Ok(tables.put_intended_sign_in(&stored)?)).await;
        let announced = match announced {
            Ok(announced) => announced,
            Err(error) => {
                inner.db.write(move |tables| Ok(tables.delete_intended_sign_in(intended.camera)?)).await?;
                return Err(error);
            }
        };
        task.set_intended(Some(intended.clone()));
        match camera.create_user(&user, &secret).await {
            Err(error) if !is_uncertain(&error) => {
                task.forget_intended(inner, self.failure(announced, error.code())).await?;
                return Err(error.into());
            }
            Ok(()) | Err(_) => {}
        }
        match task.reach_and_prove(inner, &intended.sign_in).await {
            Ok(reached) => {
                let note = change("account_in_use").camera(task.id).fact("account", name);
                task.take_over(inner, intended, note).await?;
                state.go_on_with(reached);
                drop(state);
                task.restart();
                Ok(())
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
                self.note_failure(announced, "camera_unreachable").await;
                Err(trouble.into())
            }
        }
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
