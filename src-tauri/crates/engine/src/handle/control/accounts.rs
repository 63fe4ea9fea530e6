//! Who may sign in to a camera. Access is never lost: a new sign-in is stored before the camera is told of it and
//! replaces the old one only when the camera has taken it; what a crash leaves is resolved at the next start.

use hausrecht_model::CameraId;
use hausrecht_onvif::camera::User;
use hausrecht_store::{IntendedSignIn, Tables};
use hausrecht_vault::SecretString;
use zeroize::Zeroizing;

use super::{Control, change, factory};
use crate::{
    Result,
    camera::{
        self,
        link::{Trouble, is_refusal, is_uncertain},
    },
    handle::Handle,
    logbook::Note,
    wire::{CameraUserView, Error, ErrorCode},
};

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
        control.change(note, control.live.camera.set_user(&known, Some(&secret))).await?;
        let noted = move |tables: &Tables<'_>| factory::note_password(tables, camera, &known.name, &password);
        self.inner.db.write(noted).await
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
        control.change(note, control.live.camera.delete_user(&user)).await?;
        self.inner.db.write(move |tables| factory::forget_account(tables, camera, &user)).await
    }
}

impl Control {
    pub(super) fn intended(
        &self,
        user: &str,
        password: &str,
        own_level: Option<String>,
    ) -> Result<IntendedSignIn> {
        let sign_in = camera::seal_sign_in(&self.handle.inner, user, password)?;
        Ok(IntendedSignIn { camera: self.task.id, sign_in, own_level })
    }

    /// Stores a sign-in, with its entry in the log, before the camera is told of it. Whoever calls holds the link.
    pub(super) async fn intend(&self, note: Note, intended: &IntendedSignIn) -> Result<u64> {
        let stored = intended.clone();
        match self.announce_with(note, move |tables| Ok(tables.put_intended_sign_in(&stored)?)).await {
            Ok(announced) => {
                self.task.set_intended(Some(intended.clone()));
                Ok(announced)
            }
            Err(error) => {
                self.task.drop_intended(&self.handle.inner).await?;
                Err(error)
            }
        }
    }

    async fn replace_password(self, user: User, password: Zeroizing<String>) -> Result<()> {
        let (inner, task) = (&self.handle.inner, &self.task);
        let intended = self.intended(&user.name, &password, task.row().own_level)?;
        let secret = SecretString::from(password.as_str());
        // Nobody signs in until it is known which password is right.
        self.stop_move().await;
        let mut state = task.hold_link().await;
        let note = change("account_password").fact("account", user.name.clone()).fact("in_use", true);
        let announced = self.intend(note, &intended).await?;
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
            Err(Trouble::Camera(error)) if task.intended().is_some() && !is_refusal(&error) => {
                let note = self.outcome(announced, "unanswered", error.code());
                inner.log_or_tell(note).await;
                let error = task.take_note(&mut state, error);
                let message = format!(
                    "{}. Whether it has the new password is not known: as soon as it answers, the new one is tried, \
                     then the old one. Do not type a password again",
                    error.message
                );
                return Err(Error::new(error.code, message));
            }
            Err(Trouble::Camera(error)) => {
                self.note_failure(announced, error.code()).await;
                return Err(task.take_note(&mut state, error));
            }
            Err(Trouble::Own(error)) => return Err(error),
        }
        if task.row().sign_in == intended.sign_in {
            let id = task.id;
            let noted = move |tables: &Tables<'_>| factory::note_password(tables, id, &user.name, &password);
            return inner.db.write(noted).await;
        }
        self.note_failure(announced, "camera_kept_the_old_one").await;
        Err(Error::new(
            ErrorCode::CameraUnsuitable,
            "the camera kept the old password, which stays in use: change it in the camera's own settings",
        ))
    }
}
