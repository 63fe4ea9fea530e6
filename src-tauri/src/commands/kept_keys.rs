//! The desktop's keyring (Secret Service, Keychain, Credential Manager), for those who chose to be unlocked by it.

use hausrecht_engine::{
    KeptKeys,
    wire::{Error, ErrorCode, Session},
};
use hausrecht_model::PersonId;
use tauri::State;

use super::{Answer, Shell};

/// Under which the keyring files the keys.
const SERVICE: &str = "Hausrecht";

/// Whether whoever is signed in has chosen to be unlocked by the keyring.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn is_kept(shell: State<'_, Shell>) -> Answer<bool> {
    shell.engine.is_kept()
}

/// Gives the keyring the keys of whoever is signed in, against the passphrase.
#[tauri::command]
#[specta::specta]
pub(crate) async fn keep_keys(shell: State<'_, Shell>, passphrase: String) -> Answer<()> {
    let kept = shell.engine.keys_to_keep(passphrase).await?;
    let label = label(&shell, kept.person)?;
    in_keyring(move || {
        let secret = hausrecht_engine::ExposeSecret::expose_secret(&kept.text).to_owned();
        keyring::Entry::new(SERVICE, &label)?.set_password(&secret)
    })
    .await?;
    shell.engine.set_kept(true).await
}

/// Takes the keys of whoever is signed in out of the keyring.
#[tauri::command]
#[specta::specta]
pub(crate) async fn forget_keys(shell: State<'_, Shell>) -> Answer<()> {
    let Session::Open { me, .. } = shell.engine.session() else { return shell.engine.set_kept(false).await };
    let label = label(&shell, me.id)?;
    // From here on nobody is unlocked by it, whatever the keyring does.
    shell.engine.set_kept(false).await?;
    in_keyring(move || match keyring::Entry::new(SERVICE, &label)?.delete_credential() {
        Err(keyring::Error::NoEntry) => Ok(()),
        other => other,
    })
    .await
}

/// Signs a person in with what the keyring keeps; without a name, the only one who chose it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn unlock_by_keyring(shell: State<'_, Shell>, name: String) -> Answer<Session> {
    let person = shell.engine.kept_person(&name).await?;
    let label = label(&shell, person)?;
    let found = in_keyring(move || match keyring::Entry::new(SERVICE, &label)?.get_password() {
        Ok(text) => Ok(Some(text)),
        Err(keyring::Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })
    .await?;
    match found {
        Some(text) => shell.engine.unlock_by_keys(KeptKeys { person, text: text.into() }).await,
        None => {
            shell.engine.forget_kept(person).await?;
            Err(Error::new(ErrorCode::NoKeyring, "the keyring does not have the keys any more"))
        }
    }
}

/// What the entry is called: the log's name, which is this vault's alone, and the person's id.
fn label(shell: &Shell, person: PersonId) -> Answer<String> {
    let key = shell.engine.verifier_key()?;
    Ok(format!("{} {person}", key.split('+').next().unwrap_or_default()))
}

async fn in_keyring<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, keyring::Error> + Send + 'static,
) -> Answer<T> {
    let outcome = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorCode::Internal, error.to_string()))?;
    outcome.map_err(|error| Error::new(ErrorCode::NoKeyring, format!("the keyring: {error}")))
}
