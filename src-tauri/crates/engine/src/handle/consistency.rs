//! Whether the log is still the one of an older checkpoint: nothing before it changed, nothing of it cut off.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hausrecht_ledger::{Checkpoint, InclusionProof, check_consistency, prove, prove_consistency, root};

use super::Handle;
use crate::{
    Result,
    logbook::Hashes,
    wire::{Consistency, Error, Standing},
};

impl Handle {
    /// Compares the log with an older checkpoint of it, the text of a C2SP signed note, and proves what came of it (RFC 6962, section
    /// 2.1.2). Needs nobody to be signed in: sizes and roots are no secret.
    ///
    /// # Errors
    /// The text is no checkpoint, or none of this log; the database cannot be written.
    pub async fn log_consistency(&self, old: &str) -> Result<Consistency> {
        let key = self.inner.logbook.verifier()?;
        // Whoever copies a note often loses the end of its last line.
        let old = format!("{}\n", old.replace("\r\n", "\n").trim_end());
        let old = Checkpoint::verify(&old, &key).map_err(|error| {
            Error::invalid(format!("{error}: give a checkpoint that this computer's log has signed"))
        })?;
        let writer = Arc::clone(&self.inner);
        let old_size = old.size;
        let (new, proof, root_then) = self
            .inner
            .db
            .write(move |tables| {
                let new = writer.logbook.checkpoint(tables)?;
                if old_size > new.size {
                    return Ok((new, Vec::new(), None));
                }
                let hashes = Hashes(tables);
                let proof = prove_consistency(old_size, new.size, &hashes).map_err(Error::internal)?;
                let root_then = root(old_size, &hashes).map_err(Error::internal)?;
                Ok((new, proof, Some(root_then)))
            })
            .await?;
        let now = Checkpoint::verify(&new.note, &key).map_err(Error::internal)?;
        let holds = check_consistency(&proof, old.size, &old.root, now.size, &now.root).is_ok();
        let standing = match root_then {
            None => Standing::Cut,
            Some(root) if root != old.root => Standing::Fork,
            // The stored hashes do not lead to the root that was signed just now.
            Some(_) if !holds => Standing::Fork,
            Some(_) => Standing::Grown,
        };
        let proof = if standing == Standing::Grown { proof } else { Vec::new() };
        Ok(Consistency {
            standing,
            old_size: old.size,
            new_size: now.size,
            proof: proof.iter().map(|hash| BASE64_STANDARD.encode(hash)).collect(),
            checkpoint: now.text,
        })
    }

    /// The proof that an entry stands in the log, a C2SP tlog-proof to be kept beside the entry. Needs nobody to be signed in: hashes
    /// say nothing.
    ///
    /// # Errors
    /// There is no such entry; the database cannot be written.
    pub async fn log_proof(&self, index: u64) -> Result<String> {
        let writer = Arc::clone(&self.inner);
        let (checkpoint, hashes) = self
            .inner
            .db
            .write(move |tables| {
                let checkpoint = writer.logbook.checkpoint(tables)?;
                if index >= checkpoint.size {
                    return Err(Error::not_found("this entry"));
                }
                let hashes = prove(checkpoint.size, index, &Hashes(tables)).map_err(Error::internal)?;
                Ok((checkpoint, hashes))
            })
            .await?;
        let key = self.inner.logbook.verifier()?;
        let checkpoint = Checkpoint::verify(&checkpoint.note, &key).map_err(Error::internal)?;
        Ok(InclusionProof::new(index, hashes, &checkpoint).to_string())
    }
}
