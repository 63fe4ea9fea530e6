//! People, what they may view, and who must agree.

use hausrecht_engine::wire::{
    AddPerson, AskView, ChangeGrant, ChangePerson, GiveGrant, GrantView, PersonView, TakenBack, Template,
    WouldSee,
};
use hausrecht_model::{AskId, ClipId, GrantId, PersonId};
use tauri::State;

use super::{Answer, Shell};

/// Everybody in this vault.
#[tauri::command]
#[specta::specta]
pub(crate) async fn people(shell: State<'_, Shell>) -> Answer<Vec<PersonView>> {
    shell.engine.people().await
}

/// Adds somebody, with a passphrase of their own.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_person(shell: State<'_, Shell>, person: AddPerson) -> Answer<PersonView> {
    shell.engine.add_person(person).await
}

/// Changes name, role, colour, end or language of somebody.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_person(shell: State<'_, Shell>, change: ChangePerson) -> Answer<PersonView> {
    shell.engine.change_person(change).await
}

/// Gives somebody a passphrase without knowing the one before.
#[tauri::command]
#[specta::specta]
pub(crate) async fn give_passphrase(
    shell: State<'_, Shell>,
    person: PersonId,
    passphrase: String,
    accept_weak: bool,
) -> Answer<()> {
    shell.engine.give_passphrase(person, passphrase, accept_weak).await
}

/// Gives oneself another passphrase.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_passphrase(
    shell: State<'_, Shell>,
    known: String,
    wanted: String,
    accept_weak: bool,
) -> Answer<()> {
    shell.engine.change_passphrase(known, wanted, accept_weak).await
}

/// Removes somebody, and takes back all that was granted to them.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_person(shell: State<'_, Shell>, person: PersonId, forget: bool) -> Answer<()> {
    shell.engine.remove_person(person, forget).await
}

/// What somebody would see if they signed in now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn would_see(shell: State<'_, Shell>, person: PersonId) -> Answer<WouldSee> {
    shell.engine.would_see(person).await
}

/// Lets people view something.
#[tauri::command]
#[specta::specta]
pub(crate) async fn grant(shell: State<'_, Shell>, grant: GiveGrant) -> Answer<Vec<GrantView>> {
    shell.engine.grant(grant).await
}

/// Gives other terms to a grant.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_grant(shell: State<'_, Shell>, change: ChangeGrant) -> Answer<GrantView> {
    shell.engine.change_grant(change).await
}

/// Takes a grant back.
#[tauri::command]
#[specta::specta]
pub(crate) async fn take_back(shell: State<'_, Shell>, id: GrantId) -> Answer<TakenBack> {
    shell.engine.take_back(id).await
}

/// Seals clips anew that were never opened through a grant that was taken back.
#[tauri::command]
#[specta::specta]
pub(crate) async fn rekey(shell: State<'_, Shell>, clips: Vec<ClipId>) -> Answer<u32> {
    let done = shell.engine.rekey(clips).await?;
    Ok(u32::try_from(done).unwrap_or(u32::MAX))
}

/// The templates.
#[tauri::command]
#[specta::specta]
pub(crate) async fn templates(shell: State<'_, Shell>) -> Answer<Vec<Template>> {
    shell.engine.templates().await
}

/// Keeps the templates.
#[tauri::command]
#[specta::specta]
pub(crate) async fn keep_templates(
    shell: State<'_, Shell>,
    templates: Vec<Template>,
) -> Answer<Vec<Template>> {
    shell.engine.keep_templates(templates).await
}

/// Asks whoever must agree whether a clip may be opened.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ask(shell: State<'_, Shell>, clip: ClipId) -> Answer<AskView> {
    shell.engine.ask(clip).await
}

/// What was asked in the last days.
#[tauri::command]
#[specta::specta]
pub(crate) async fn asks(shell: State<'_, Shell>) -> Answer<Vec<AskView>> {
    shell.engine.asks().await
}

/// Answers what was asked.
#[tauri::command]
#[specta::specta]
pub(crate) async fn answer_ask(shell: State<'_, Shell>, ask: AskId, agree: bool) -> Answer<()> {
    shell.engine.answer(ask, agree).await
}

/// Agrees at the window of whoever asks, with the passphrase of the one who must agree.
#[tauri::command]
#[specta::specta]
pub(crate) async fn agree_here(shell: State<'_, Shell>, ask: AskId, passphrase: String) -> Answer<()> {
    shell.engine.agree_here(ask, passphrase).await
}
