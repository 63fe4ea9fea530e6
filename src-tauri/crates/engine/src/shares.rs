//! The owner's keys among three people, of whom two are needed: made here, put into every backup, joined when one is brought back.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use hausrecht_ledger::Kind;
use hausrecht_model::UnixMicros;
use hausrecht_vault::{ExposeSecret, OwnerKeys, Recipient, SHARES, SecretString, open_with, seal_to, share};
use serde::{Deserialize, Serialize};

use crate::{
    Handle, Result,
    handle::{OWNER_FILE, blocking, qr_svg},
    logbook::Note,
    wire::{Error, Event, RecoveryShare, RecoveryShares, SharedAmong},
};

/// Where they are noted.
pub(crate) const SHARES_KEY: &str = "recovery_shares";
/// What the file of a backup says.
pub(crate) const FORMAT: &str = "hausrecht-shares-v1";
/// The longest name.
const NAME_CHARS: usize = 80;

/// What any two of the three open, as it stands in the database and, without the names, in a backup.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Onions {
    /// [`FORMAT`].
    pub(crate) format: String,
    /// When they were made.
    pub(crate) made_us: UnixMicros,
    /// Age files, base64.
    pub(crate) onions: Vec<String>,
    /// The three [`Holder`]s as a JSON list, sealed to the owner, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holders: Option<String>,
}

/// Who holds a share.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) name: String,
    /// The public half of their share, by which it is known again.
    pub(crate) recipient: Recipient,
}

impl Onions {
    /// The age files.
    pub(crate) fn files(&self) -> Vec<Vec<u8>> {
        self.onions.iter().filter_map(|text| BASE64_STANDARD.decode(text).ok()).collect()
    }

    /// Who holds the shares.
    pub(crate) fn holders(&self, owner: &OwnerKeys) -> Vec<Holder> {
        self.holders
            .as_ref()
            .and_then(|text| BASE64_STANDARD.decode(text).ok())
            .and_then(|sealed| open_with(owner.identity(), &sealed).ok())
            .and_then(|plain| serde_json::from_slice(&plain).ok())
            .unwrap_or_default()
    }
}

impl Handle {
    /// Shares the owner's keys among three people, against the passphrase. What was shared before is not put into backups any more.
    ///
    /// # Errors
    /// Only the owner; the passphrase is wrong; not three different names; the log cannot be written.
    pub async fn share_recovery(&self, passphrase: String, names: Vec<String>) -> Result<RecoveryShares> {
        let person = self.inner.signed_in()?;
        person.owner_keys()?;
        let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
        let different: std::collections::BTreeSet<_> = names.iter().map(|name| name.to_lowercase()).collect();
        if names.len() != SHARES
            || different.len() != SHARES
            || names.iter().any(|name| name.is_empty() || name.chars().count() > NAME_CHARS)
        {
            return Err(Error::invalid(format!(
                "name three different people, each with up to {NAME_CHARS} letters"
            )));
        }
        let file = std::fs::read(self.inner.options.data_folder.join(OWNER_FILE))?;
        let secret = SecretString::from(passphrase);
        let _one = self.inner.trying.lock().await;
        let keys = Arc::new(blocking(move || Ok(OwnerKeys::open(&file, &secret)?)).await?);
        let shared = share(&keys);
        let made_us = self.inner.now();
        let holders: Vec<_> = names
            .iter()
            .zip(&shared.keys)
            .map(|(name, key)| Holder { name: name.clone(), recipient: key.recipient() })
            .collect();
        let holders =
            seal_to(&[keys.recipient()], &serde_json::to_vec(&holders)?).map_err(Error::internal)?;
        let onions = Onions {
            format: FORMAT.to_owned(),
            made_us,
            onions: shared.onions.iter().map(|onion| BASE64_STANDARD.encode(onion)).collect(),
            holders: Some(BASE64_STANDARD.encode(holders)),
        };
        let text = serde_json::to_string(&onions)?;
        let writer = Arc::clone(&self.inner);
        let signer = Arc::clone(&keys);
        let note = Note::new(Kind::SettingChanged)
            .by(person.id)
            .fact("setting", "recovery_shares")
            .fact("to", "made");
        let entry = self
            .inner
            .db
            .write(move |tables| {
                tables.set_meta(SHARES_KEY, &text)?;
                writer.logbook.append(tables, &note, Some(&signer))
            })
            .await
            .map_err(Error::order_unwritable)?;
        self.inner.tell(Event::LogGrew(entry + 1));
        let one = |(name, key): (String, &hausrecht_vault::Identity)| {
            let secret = key.to_secret_text();
            let identity = secret.expose_secret().to_owned();
            Ok(RecoveryShare { name, qr_svg: qr_svg(&identity)?, identity })
        };
        let shares = names.into_iter().zip(&shared.keys).map(one).collect::<Result<_>>()?;
        Ok(RecoveryShares { made_us, recipient: keys.recipient().to_string(), shares })
    }

    /// Among whom the owner's keys are.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn shared_among(&self) -> Result<Option<SharedAmong>> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let Some(onions) = self.onions().await? else { return Ok(None) };
        let names = onions.holders(&keys).into_iter().map(|holder| holder.name).collect();
        let backup = self.last_backup().await?;
        let in_backup = backup.is_some_and(|backup| backup.made_us >= onions.made_us);
        Ok(Some(SharedAmong { made_us: onions.made_us, names, in_backup }))
    }

    /// What two of three people open, if the owner's keys were shared.
    pub(crate) async fn onions(&self) -> Result<Option<Onions>> {
        let text = self.inner.db.read(|tables| Ok(tables.meta(SHARES_KEY)?)).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}
