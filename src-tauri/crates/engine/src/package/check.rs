//! Checks a package against itself and its log's signatures, and says each finding by itself.

use std::collections::BTreeSet;

use ed25519_dalek::VerifyingKey;
use hausrecht_ledger::{Entry, InclusionProof, Kind, VerifierKey};
use hausrecht_model::UnixMicros;
use sha2::{Digest, Sha256};

use super::{CHECKPOINT, GIVEN, KEY, MANIFEST, SUMS, read::Package, recorded_path, succeeded_path};
use crate::{
    Result,
    wire::{CheckedPart, Error, PackageCheck, PackageFilm, PackageFinding, PackageView},
};

impl Package {
    /// What the package says of itself, unchecked.
    pub fn view(&self) -> PackageView {
        let manifest = &self.manifest;
        PackageView {
            file: self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            made_us: manifest.made_us,
            recipient: manifest.recipient.clone(),
            purpose: manifest.purpose.clone(),
            caption: manifest.caption.clone(),
            log_key: manifest.log_key.clone(),
            films: manifest
                .films
                .iter()
                .map(|film| PackageFilm {
                    name: film.path.rsplit('/').next().unwrap_or_default().to_owned(),
                    camera_name: film.camera_name.clone(),
                    from_us: film.from_us,
                    duration_us: film.duration_us,
                    size_bytes: film.size_bytes,
                    pictures: film.pictures,
                    encoded: film.encoded,
                    hidden_us: film.hidden_us,
                    sha256: film.sha256.clone(),
                })
                .collect(),
            clips: u32::try_from(manifest.clips.len()).unwrap_or(u32::MAX),
        }
    }

    /// Checks everything; `key` is the log's key as the reader knows it otherwise. `done` is told how many bytes of the films were
    /// read, and says whether to go on.
    ///
    /// # Errors
    /// It was stopped, or `key` is no key. What is wrong with the package is no error but in the result.
    pub fn check(
        &mut self,
        key: Option<&str>,
        now: UnixMicros,
        mut done: impl FnMut(u64) -> bool,
    ) -> Result<PackageCheck> {
        let known = key.map(str::trim).map(str::parse::<VerifierKey>).transpose();
        let known = known.map_err(|error| Error::invalid(format!("the key of the log: {error}")))?;
        let mut findings = Vec::new();
        let mut found = |part: CheckedPart, outcome: std::result::Result<String, String>| {
            let (whole, text) = match outcome {
                Ok(text) => (true, text),
                Err(text) => (false, text),
            };
            findings.push(PackageFinding { part, whole, text });
        };
        let films = self.films(&mut done)?;
        found(CheckedPart::Films, films);
        found(CheckedPart::Papers, self.papers());
        let log = self.log_key(known.as_ref());
        let key = log.as_ref().ok().cloned();
        found(CheckedPart::LogKey, log.map(|key| key.to_string()));
        let size = match &key {
            Some(key) => {
                let given = self.given(key, now);
                let size = given.as_ref().ok().map(|(size, _)| *size);
                found(CheckedPart::Given, given.map(|(_, text)| text));
                found(CheckedPart::Clips, self.clips(key));
                size
            }
            None => None,
        };
        Ok(PackageCheck {
            whole: findings.iter().all(|finding| finding.whole),
            key_compared: known.is_some(),
            log_size: size,
            findings,
        })
    }

    fn films(&mut self, done: &mut impl FnMut(u64) -> bool) -> Result<std::result::Result<String, String>> {
        let mut wrong = Vec::new();
        let stopped = || Error::invalid("the check was stopped");
        for index in 0..self.manifest.films.len() {
            let film = self.manifest.films[index].clone();
            let Some(place) = self.places.get(&film.path).copied() else {
                wrong.push(format!("{} is missing", film.path));
                continue;
            };
            let mut sha256 = Sha256::new();
            let mut on = true;
            let read = self.each_part(place, |part| {
                sha256.update(part);
                on = done(part.len() as u64);
                if on { Ok(()) } else { Err(stopped()) }
            });
            if !on {
                return Err(stopped());
            }
            match read {
                Err(error) => wrong.push(format!("{}: {}", film.path, error.message)),
                Ok(())
                    if place.size_bytes != film.size_bytes
                        || hex::encode(sha256.finalize()) != film.sha256 =>
                {
                    wrong.push(format!("{} is not the film that the manifest names", film.path));
                }
                Ok(()) => {}
            }
        }
        Ok(if wrong.is_empty() { Ok(self.manifest.films.len().to_string()) } else { Err(wrong.join("; ")) })
    }

    /// The page, the script and the sums; and that there is nothing of which the manifest knows nothing.
    fn papers(&mut self) -> std::result::Result<String, String> {
        for other in self.manifest.others.clone() {
            let bytes = self.text(&other.path).map_err(|error| error.message)?;
            if hex::encode(Sha256::digest(&bytes)) != other.sha256 {
                return Err(format!("{} is not the file that the manifest names", other.path));
            }
        }
        let manifest = &self.manifest;
        let mut known: BTreeSet<String> = [MANIFEST, SUMS, KEY, CHECKPOINT].map(str::to_owned).into();
        known.extend(manifest.films.iter().map(|film| film.path.clone()));
        known.extend(manifest.others.iter().map(|other| other.path.clone()));
        let recorded = manifest.clips.iter().map(|clip| recorded_path(clip.entry));
        let named = manifest.earlier_keys.iter().map(|earlier| succeeded_path(earlier.entry));
        let entries = recorded.chain(named).chain([GIVEN.to_owned()]);
        known.extend(entries.flat_map(|path| [format!("{path}.json"), format!("{path}.proof")]));
        match self.places.keys().find(|name| !known.contains(*name)) {
            Some(name) => Err(format!("{name} is in it, and the manifest knows nothing of it")),
            None => Ok(manifest.others.len().to_string()),
        }
    }

    fn log_key(&mut self, known: Option<&VerifierKey>) -> std::result::Result<VerifierKey, String> {
        let told: VerifierKey =
            self.manifest.log_key.parse().map_err(|error| format!("the key in the manifest: {error}"))?;
        let beside = self.text(KEY).map_err(|error| error.message)?;
        if String::from_utf8_lossy(&beside).trim() != told.to_string() {
            return Err(format!("{KEY} has another key than the manifest"));
        }
        match known {
            Some(known) if known.to_string() != told.to_string() => Err(format!(
                "it comes from the log {}, and the key that you gave is that of {}",
                told.name(),
                known.name()
            )),
            Some(_) | None => Ok(told),
        }
    }

    /// An entry with a proof that leads to the package's checkpoint, signed by the log or its owner.
    fn entry(&mut self, path: &str, key: &VerifierKey) -> std::result::Result<(Entry, u64, u64), String> {
        let leaf = self.text(&format!("{path}.json")).map_err(|error| error.message)?;
        let proof = self.text(&format!("{path}.proof")).map_err(|error| error.message)?;
        let checkpoint = self.text(CHECKPOINT).map_err(|error| error.message)?;
        let told = |error: &dyn std::fmt::Display| format!("{path}: {error}");
        let proof: InclusionProof = String::from_utf8_lossy(&proof).parse().map_err(|error| told(&error))?;
        if proof.checkpoint.as_bytes() != checkpoint {
            return Err(format!("{path}: its proof leads to another checkpoint than the package's"));
        }
        let size = proof.verify(&leaf, key).map_err(|error| told(&error))?.size;
        let entry = Entry::parse(&leaf).map_err(|error| told(&error))?;
        let mut signers = vec![*key.key()];
        let owner = self.manifest.owner_key.as_deref().map(|text| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text, &mut bytes).ok().and_then(|()| VerifyingKey::from_bytes(&bytes).ok())
        });
        match owner {
            Some(Some(owner)) => signers.push(owner),
            Some(None) => return Err("the owner's key in the manifest is no key".into()),
            None => {}
        }
        // An earlier key counts as soon as an entry that is proven, and signed by those above, names it.
        let earlier = (entry.kind != Kind::Succeeded).then(|| self.manifest.earlier_keys.clone());
        for earlier in earlier.into_iter().flatten() {
            let (succeeded, ..) = self.entry(&succeeded_path(earlier.entry), key)?;
            let names = succeeded.facts.get("key").and_then(|value| value.as_str()) == Some(&earlier.key);
            let known = earlier
                .key
                .parse::<VerifierKey>()
                .ok()
                .filter(|_| names && succeeded.kind == Kind::Succeeded);
            signers.push(*known.ok_or("an earlier log is named that no entry names")?.key());
        }
        if !signers.iter().any(|signer| entry.verify_signature(signer).is_ok()) {
            return Err(format!("{path}: signed by neither the log nor its owner"));
        }
        Ok((entry, proof.index, size))
    }

    fn given(&mut self, key: &VerifierKey, now: UnixMicros) -> std::result::Result<(u64, String), String> {
        let (entry, index, size) = self.entry(GIVEN, key)?;
        let named = entry.facts.get("manifest_sha256").and_then(|value| value.as_str());
        if entry.kind != Kind::Disclosed || named != Some(&self.manifest_sha256) {
            return Err("the entry in the log is of another package".into());
        }
        if entry.refers_to != Some(self.manifest.ordered) {
            return Err("the entry in the log is of another order".into());
        }
        // A day, for clocks that stand in another zone by mistake.
        if entry.at.0 > now.0.saturating_add(86_400_000_000) {
            return Err("the entry is from the future: this computer's clock is wrong, or the one that made the package".into());
        }
        Ok((size, index.to_string()))
    }

    fn clips(&mut self, key: &VerifierKey) -> std::result::Result<String, String> {
        for clip in self.manifest.clips.clone() {
            let (entry, index, _) = self.entry(&recorded_path(clip.entry), key)?;
            let sha256 = entry.facts.get("sha256").and_then(|value| value.as_str());
            let recorded = matches!(entry.kind, Kind::Recorded | Kind::CutShort | Kind::Rekeyed);
            if !recorded
                || index != clip.entry
                || sha256 != Some(&clip.sha256)
                || entry.camera != Some(clip.camera)
            {
                return Err(format!("entry {} of the log is of another clip", clip.entry));
            }
        }
        // A film that no clip reaches into was not cut from any of them.
        let slack_us = 5_000_000;
        for film in &self.manifest.films {
            let end_us = film.from_us.0.saturating_add(film.duration_us);
            let covered = self.manifest.clips.iter().any(|clip| {
                clip.camera == film.camera
                    && clip.start_us.0.saturating_sub(slack_us) < end_us
                    && clip.start_us.0.saturating_add(clip.duration_us).saturating_add(slack_us)
                        > film.from_us.0
            });
            if !covered {
                return Err(format!("{} is of a time of which no clip is named", film.path));
            }
        }
        Ok(self.manifest.clips.len().to_string())
    }
}
