//! Passwords that makers give to all their cameras. An account that has one stays a danger when another account is in use,
//! so it is remembered by its name until its password is changed.

use hausrecht_model::CameraId;
use hausrecht_store::Tables;

use crate::Result;

/// Passwords that makers ship, or that people set while they try a camera out; in lower case.
const FACTORY_PASSWORDS: [&str; 27] = [
    "",
    "0000",
    "00000000",
    "1111",
    "111111",
    "11111111",
    "1234",
    "12345",
    "123456",
    "12345678",
    "123456789",
    "4321",
    "666666",
    "888888",
    "9999",
    "admin",
    "admin123",
    "admin1234",
    "administrator",
    "camera",
    "default",
    "ikwd",
    "pass",
    "password",
    "root",
    "system",
    "user",
];

/// Whether makers give this password to all their cameras, or the name serves as password.
pub(crate) fn is_factory_password(user: &str, password: &str) -> bool {
    let password = password.to_lowercase();
    password == user.to_lowercase() || FACTORY_PASSWORDS.contains(&password.as_str())
}

fn key(camera: CameraId) -> String {
    format!("factory_accounts/{camera}")
}

/// The accounts of a camera that have a maker's password, as far as is known here.
pub(crate) fn accounts(tables: &Tables<'_>, camera: CameraId) -> Result<Vec<String>> {
    let kept = tables.meta(&key(camera))?;
    Ok(kept.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
}

/// Takes note of an account's password: remembers the account if it is a maker's, and forgets it otherwise. The password
/// itself is not kept.
pub(crate) fn note_password(tables: &Tables<'_>, camera: CameraId, user: &str, password: &str) -> Result<()> {
    set(tables, camera, user, is_factory_password(user, password))
}

/// Forgets an account that is gone.
pub(crate) fn forget_account(tables: &Tables<'_>, camera: CameraId, user: &str) -> Result<()> {
    set(tables, camera, user, false)
}

fn set(tables: &Tables<'_>, camera: CameraId, user: &str, is_factory: bool) -> Result<()> {
    let mut accounts = accounts(tables, camera)?;
    let is_known = accounts.iter().any(|known| known == user);
    if is_known == is_factory {
        return Ok(());
    }
    accounts.retain(|known| known != user);
    if is_factory {
        accounts.push(user.to_owned());
    }
    Ok(tables.set_meta(&key(camera), &serde_json::to_string(&accounts)?)?)
}

/// Forgets all accounts of a camera that is removed.
pub(crate) fn forget_camera(tables: &Tables<'_>, camera: CameraId) -> Result<()> {
    Ok(tables.delete_meta(&key(camera))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_makers_are_suspected_and_others_are_not() {
        for (user, password) in [("admin", ""), ("root", "ADMIN"), ("Otto", "otto"), ("admin", "888888")] {
            assert!(is_factory_password(user, password), "{user} {password}");
        }
        assert!(!is_factory_password("admin", "kLm4Zq81pRw0"));
    }

    #[test]
    fn an_account_is_suspected_until_its_password_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = hausrecht_store::Store::open(&folder.path().join("hausrecht.db")).unwrap();
        let camera: CameraId = "00000000000000c0".parse().unwrap();
        store
            .write(|tables| {
                note_password(tables, camera, "admin", "admin")?;
                note_password(tables, camera, "guest", "guest")?;
                note_password(tables, camera, "hausrecht", "kLm4Zq81pRw0")?;
                assert_eq!(accounts(tables, camera)?, ["admin", "guest"]);
                note_password(tables, camera, "admin", "kLm4Zq81pRw0")?;
                forget_account(tables, camera, "guest")?;
                assert!(accounts(tables, camera)?.is_empty());
                note_password(tables, camera, "admin", "1234")?;
                forget_camera(tables, camera)?;
                assert!(accounts(tables, camera)?.is_empty());
                Ok::<_, crate::wire::Error>(())
            })
            .unwrap();
    }
}
