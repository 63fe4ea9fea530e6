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
        GrantScope::Camera { .. } => {
            let rights: Vec<_> = grant.terms.rights.iter().map(|right| right.as_str()).collect();
            let back = grant.terms.back_hours.map(|hours| format!(", clips of the last {hours} h"));
            format!("{}: {}{}", grant.camera_name, rights.join(", "), back.unwrap_or_default())
        }
    }
}

fn until(grant: &GrantView) -> String {
    grant.until_us.map_or_else(|| "taken back".to_owned(), local)
}

/// A person who is added.
pub(crate) struct Who<'a> {
    pub(crate) name: &'a str,
    pub(crate) role: Option<&'a str>,
    pub(crate) until: Option<&'a str>,
}

pub(crate) async fn add(
    json: bool,
    handle: &Handle,
    who: Who<'_>,
    file: Option<&Path>,
    accept_weak: bool,
) -> anyhow::Result<ExitCode> {
    let until_us = who.until.map(parse_time).transpose()?;
    let passphrase = passphrase::secret(file, &format!("Passphrase of {}", who.name))?;
    let new = AddPerson {
        name: who.name.to_owned(),
        passphrase,
        accept_weak,
        role: who.role.unwrap_or_default().to_owned(),
        until_us,
    };
    let person = handle.add_person(new).await?;
    if json {
        output::json(&person)?;
    } else {
        output::print(&format!("added {} ({}); may view nothing yet\n", person.face.name, person.face.id))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn grant(json: bool, handle: &Handle, request: &Grant) -> anyhow::Result<ExitCode> {
    let people = handle.people().await?;
    let called = |name: &str| {
        let by_id = name.parse::<PersonId>().ok();
        people
            .iter()
            .find(|person| person.face.name == name || by_id == Some(person.face.id))
            .with_context(|| format!("there is nobody called “{name}”: see `hausrecht people`"))
    };
    let person = called(&request.person)?;
    let second = request.second.as_deref().map(called).transpose()?;
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
    let until_us = request.until.as_deref().map(parse_time).transpose()?;
    let mut give = GiveGrant::plain(person.face.id, scope, until_us, request.reason.clone());
    if !request.right.is_empty() {
        give.terms.rights.clone_from(&request.right);
    }
    give.terms.back_hours = request.back;
    give.terms.opens = request.opens;
    give.terms.second = second.map(|person| person.face.id);
    let given = handle.grant(give).await?;
    // The key that makes the wraps goes with the end of this program.
    handle.wraps_made().await;
    for grant in &given {
        if json {
            output::json(grant)?;
        } else {
            output::print(&format!("{}: {} may view {}\n", grant.id, request.person, covers(grant)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn take_back(
    json: bool,
    handle: &Handle,
    grant: &str,
    rekey: bool,
) -> anyhow::Result<ExitCode> {
    let outcome = handle.take_back(grant.parse::<GrantId>()?).await?;
    let anew = if rekey { handle.rekey(outcome.never_opened.clone()).await? } else { 0 };
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
    if rekey && !json {
        output::print(&format!("{anew} clips that were never opened through it were sealed anew\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
