//! `people`, `grant` and `take-back`.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use hausrecht_engine::{
    Handle,
    wire::{AddPerson, GiveGrant, GrantScope, GrantView},
};
use hausrecht_model::{GrantId, PersonId};

use super::camera_named;
use crate::{
    args::Grant,
    output::{self, local, parse_time},
    passphrase,
};

pub(crate) async fn list(json: bool, handle: &Handle) -> anyhow::Result<ExitCode> {
    let people = handle.people().await?;
    if json {
        output::json(&people)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = Vec::new();
    for person in &people {
        let id = person.face.id.to_string();
        let name = person.face.name.clone();
        if person.face.owner {
            rows.push(vec![id, name, "everything (owner)".into(), String::new(), String::new()]);
        } else if person.grants.is_empty() {
            rows.push(vec![id, name, "nothing".into(), String::new(), String::new()]);
        } else {
            for grant in &person.grants {
                rows.push(vec![id.clone(), name.clone(), covers(grant), until(grant), grant.id.to_string()]);
            }
        }
    }
    output::table(&["ID", "NAME", "MAY VIEW", "UNTIL", "GRANT"], &rows)?;
    Ok(ExitCode::SUCCESS)
}

fn covers(grant: &GrantView) -> String {
    match grant.scope {
        GrantScope::Clip { .. } => {
            format!("{}, clip of {}", grant.camera_name, grant.clip_start_us.map(local).unwrap_or_default())
        }
        GrantScope::Span { from_us, to_us, .. } => {
            format!("{}, {} to {}", grant.camera_name, local(from_us), local(to_us))
        }
        GrantScope::Camera { .. } => format!("{}, live and each new clip", grant.camera_name),
    }
}

fn until(grant: &GrantView) -> String {
    grant.until_us.map_or_else(|| "taken back".to_owned(), local)
}

pub(crate) async fn add(
    json: bool,
    handle: &Handle,
    name: &str,
    file: Option<&Path>,
    accept_weak: bool,
) -> anyhow::Result<ExitCode> {
    let passphrase = passphrase::secret(file, &format!("Passphrase of {name}"))?;
    let person = handle.add_person(AddPerson { name: name.to_owned(), passphrase, accept_weak }).await?;
    if json {
        output::json(&person)?;
    } else {
        output::print(&format!("added {} ({}); may view nothing yet\n", person.face.name, person.face.id))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn grant(json: bool, handle: &Handle, request: &Grant) -> anyhow::Result<ExitCode> {
    let people = handle.people().await?;
    let by_id = request.person.parse::<PersonId>().ok();
    let person = people
        .iter()
        .find(|person| person.face.name == request.person || by_id == Some(person.face.id))
        .with_context(|| format!("there is nobody called “{}”: see `hausrecht people`", request.person))?;
    let scope = match (&request.clip, &request.camera) {
        (Some(clip), _) => GrantScope::Clip { clip: clip.parse()? },
        (None, Some(camera)) => {
            let camera = camera_named(handle, camera)?;
            match (&request.from, &request.to) {
                (Some(from), Some(to)) => {
                    GrantScope::Span { camera, from_us: parse_time(from)?, to_us: parse_time(to)? }
                }
                (_, _) => GrantScope::Camera { camera },
            }
        }
        (None, None) => anyhow::bail!("give --clip or --camera"),
    };
    let grant = handle
        .grant(GiveGrant {
            person: person.face.id,
            scope,
            until_us: request.until.as_deref().map(parse_time).transpose()?,
            reason: request.reason.clone(),
        })
        .await?;
    if json {
        output::json(&grant)?;
    } else {
        output::print(&format!("{}: {} may view {}\n", grant.id, request.person, covers(&grant)))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn take_back(json: bool, handle: &Handle, grant: &str) -> anyhow::Result<ExitCode> {
    let outcome = handle.take_back(grant.parse::<GrantId>()?).await?;
    if json {
        output::json(&outcome)?;
    } else if outcome.opened == 0 {
        output::print("taken back; nothing was ever opened through it\n")?;
    } else {
        output::print(&format!(
            "taken back; through it clips were opened {} times, and a copy of those may exist\n",
            outcome.opened
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
