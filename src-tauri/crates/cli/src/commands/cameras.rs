//! `discover` and `camera`.

use std::{process::ExitCode, time::Duration};

use hausrecht_engine::{
    Handle,
    wire::{CameraPanel, CameraView, ConnectCameras},
};
use hausrecht_model::CameraId;

use super::camera_named;
use crate::{
    args::{Args, Camera},
    output, passphrase,
};

/// How long cameras have to answer.
const SEARCH: Duration = Duration::from_secs(3);

/// Looks for cameras; needs no vault and signs in nowhere.
pub(crate) async fn discover(json: bool) -> anyhow::Result<ExitCode> {
    let found = hausrecht_engine::find_cameras(SEARCH).await?;
    if json {
        output::json(&found)?;
    } else if found.is_empty() {
        output::print("No camera answered. Is it in this network, and ONVIF switched on in its settings?\n")?;
    } else {
        let rows: Vec<_> = found
            .iter()
            .map(|camera| {
                let note = if camera.outside_range { "outside your address range" } else { "" };
                vec![camera.name.clone(), camera.maker_model.clone(), camera.address.clone(), note.to_owned()]
            })
            .collect();
        output::table(&["NAME", "MODEL", "ADDRESS", ""], &rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn run(args: &Args, handle: &Handle, command: &Camera) -> anyhow::Result<ExitCode> {
    match command {
        Camera::List { long } => list(args.json, handle, *long).await?,
        Camera::Show { camera } => {
            show(args.json, &handle.camera_panel(camera_named(handle, camera)?).await?)?
        }
        // Examined before a vault is opened.
        Camera::Doctor { .. } => {}
        Camera::Streams { camera, main, sub } => {
            let id = camera_named(handle, camera)?;
            handle.choose_streams(id, main.clone(), sub.clone()).await?;
            done(args.json, "chosen")?;
        }
        Camera::Users { camera } => {
            let users = handle.camera_users(camera_named(handle, camera)?).await?;
            if args.json {
                output::json(&users)?;
            } else {
                let rows = users.iter().map(|user| {
                    let note = if user.in_use { "in use" } else { "" };
                    Ok(vec![user.name.clone(), word(user.level)?, note.to_owned()])
                });
                output::table(&["NAME", "LEVEL", ""], &rows.collect::<anyhow::Result<Vec<_>>>()?)?;
            }
        }
        Camera::Password { camera, user, new_password_file } => {
            let id = camera_named(handle, camera)?;
            let password = passphrase::secret(new_password_file.as_deref(), "New camera password")?;
            handle.set_camera_user_password(id, user.clone(), password).await?;
            done(args.json, "changed")?;
        }
        Camera::OwnAccount { camera } => {
            handle.make_own_account(camera_named(handle, camera)?).await?;
            done(args.json, "made and in use; the account from before is still in the camera")?;
        }
        Camera::Certificate { camera, accept } => {
            certificate(args.json, handle, camera_named(handle, camera)?, accept.as_deref()).await?;
        }
        Camera::Clock { camera } => {
            handle.set_camera_clock(camera_named(handle, camera)?).await?;
            done(args.json, "set")?;
        }
        Camera::Reboot { camera } => {
            handle.reboot_camera(camera_named(handle, camera)?).await?;
            done(args.json, "restarting; it is back in a minute or two")?;
        }
        Camera::Add { address, user, password_file, label } => {
            let found = handle.add_by_address(address).await?;
            let password = passphrase::secret(password_file.as_deref(), "Camera password")?;
            let request = ConnectCameras { keys: vec![found.key], user: user.clone(), password };
            for outcome in handle.connect_cameras(request).await? {
                if let Some(error) = outcome.error {
                    return Err(error.into());
                }
                if let (Some(label), Some(id)) = (label, outcome.camera) {
                    handle.rename_camera(id, label).await?;
                }
                let camera = handle.cameras()?.into_iter().find(|camera| Some(camera.id) == outcome.camera);
                if args.json {
                    output::json(&camera)?;
                } else if let Some(camera) = camera {
                    output::print(&format!(
                        "added {} ({}), {}\n",
                        camera.name, camera.maker_model, camera.id
                    ))?;
                }
            }
        }
        Camera::Remove { camera } => {
            handle.remove_camera(camera_named(handle, camera)?).await?;
            if !args.json {
                output::print("removed; its clips stay until their time\n")?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn done(json: bool, text: &str) -> anyhow::Result<()> {
    if json { Ok(()) } else { output::print(&format!("{text}\n")) }
}

/// The word for a value that is one in JSON too.
fn word(value: impl serde::Serialize) -> anyhow::Result<String> {
    let value = serde_json::to_value(value)?;
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

async fn list(json: bool, handle: &Handle, long: bool) -> anyhow::Result<()> {
    let cameras = handle.cameras()?;
    if !long {
        if json {
            return output::json(&cameras);
        }
        let rows = cameras.iter().map(|camera| {
            let CameraView { id, name, maker_model, address, .. } = camera;
            vec![id.to_string(), name.clone(), maker_model.clone(), address.clone()]
        });
        return output::table(&["ID", "NAME", "MODEL", "ADDRESS"], &rows.collect::<Vec<_>>());
    }
    let (mut panels, mut rows) = (Vec::new(), Vec::new());
    for camera in &cameras {
        let start = [camera.id.to_string(), camera.name.clone()];
        let rest = match handle.camera_panel(camera.id).await {
            Ok(panel) => {
                let streams = [Some(&panel.main), panel.sub.as_ref()].into_iter().flatten();
                let streams: Vec<_> = streams.map(|token| stream(&panel, token)).collect();
                let certificate = panel.certificate.clone().unwrap_or_else(|| "not encrypted".to_owned());
                let rest = [streams.join(", "), certificate];
                panels.push(serde_json::to_value(&panel)?);
                rest
            }
            Err(error) => {
                panels.push(serde_json::json!({"camera": camera.id.to_string(), "error": error}));
                [error.message, String::new()]
            }
        };
        rows.push(start.into_iter().chain(rest).collect());
    }
    if json { output::json(&panels) } else { output::table(&["ID", "NAME", "STREAMS", "CERTIFICATE"], &rows) }
}

fn stream(panel: &CameraPanel, token: &str) -> String {
    let found = panel.profiles.iter().find(|profile| profile.token == token);
    found.map_or_else(|| token.to_owned(), |profile| format!("{}x{}", profile.width, profile.height))
}

fn show(json: bool, panel: &CameraPanel) -> anyhow::Result<()> {
    if json {
        return output::json(panel);
    }
    let account = match panel.account_level {
        Some(level) => format!("{} ({})", panel.account, word(level)?),
        None => panel.account.clone(),
    };
    let mut text = format!(
        "model        {}\nfirmware     {}\naddress      {}\naccount      {account}{}\n",
        panel.maker_model,
        panel.firmware,
        panel.address,
        if panel.own_account { ", made by Hausrecht" } else { "" }
    );
    if panel.factory_password_suspected {
        text += "             its password is one that many cameras have: change it\n";
    }
    text += &format!("certificate  {}\n", panel.certificate.as_deref().unwrap_or("not encrypted"));
    if let Some(offset_ms) = panel.clock_offset_ms {
        text += &format!("clock        {offset_ms} ms off\n");
    }
    let features = serde_json::to_value(panel.features)?;
    for (name, presence) in features.as_object().into_iter().flatten() {
        text += &format!("{name:<12} {}\n", word(presence)?.replace('_', " "));
    }
    output::print(&text)?;
    let rows = panel.profiles.iter().map(|profile| {
        let role = if profile.token == panel.main {
            "recorded"
        } else if Some(&profile.token) == panel.sub.as_ref() {
            "small tiles"
        } else {
            ""
        };
        Ok(vec![
            profile.token.clone(),
            profile.name.clone(),
            profile.codec.map_or_else(|| Ok("unknown".to_owned()), word)?,
            format!("{}x{}", profile.width, profile.height),
            format!("{} fps", profile.fps),
            role.to_owned(),
        ])
    });
    let rows = rows.collect::<anyhow::Result<Vec<_>>>()?;
    output::table(&["STREAM", "NAME", "CODEC", "SIZE", "RATE", ""], &rows)
}

async fn certificate(
    json: bool,
    handle: &Handle,
    camera: CameraId,
    accept: Option<&str>,
) -> anyhow::Result<()> {
    // Whether it changed is seen when the camera is asked for something; other failures say nothing about it.
    let asked = handle.camera_panel(camera).await;
    let question = handle.camera_certificate(camera)?;
    if question.is_none() {
        asked?;
    }
    if let Some(seen) = accept {
        handle.accept_certificate(camera, seen.to_owned()).await?;
        return done(json, "accepted");
    }
    if json {
        return output::json(&question);
    }
    output::print(&match question {
        Some(question) => format!(
            "The camera shows another certificate than before. Nothing is sent to it until you accept it.\n\
             before  {}\nnow     {}\n",
            question.expected, question.seen
        ),
        None => "The camera shows the certificate that is remembered, or none.\n".to_owned(),
    })
}
