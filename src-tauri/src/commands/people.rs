//! People and what they may view.

use hausrecht_engine::wire::{AddPerson, GiveGrant, GrantView, PersonView, TakenBack};
use hausrecht_model::GrantId;
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

/// Lets somebody view something.
#[tauri::command]
#[specta::specta]
pub(crate) async fn grant(shell: State<'_, Shell>, grant: GiveGrant) -> Answer<GrantView> {
    shell.engine.grant(grant).await
}

/// Takes a grant back.
#[tauri::command]
#[specta::specta]
pub(crate) async fn take_back(shell: State<'_, Shell>, id: GrantId) -> Answer<TakenBack> {
    shell.engine.take_back(id).await
}
