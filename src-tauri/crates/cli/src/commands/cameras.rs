//! `discover` and `camera`.

use std::{process::ExitCode, time::Duration};

use hausrecht_engine::{Handle, wire::ConnectCameras};

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
        Camera::List => {
            let cameras = handle.cameras()?;
            if args.json {
                output::json(&cameras)?;
            } else {
                let rows: Vec<_> = cameras
                    .iter()
                    .map(|camera| {
                        vec![
                            camera.id.to_string(),
                            camera.name.clone(),
                            camera.maker_model.clone(),
                            camera.address.clone(),
                        ]
                    })
                    .collect();
                output::table(&["ID", "NAME", "MODEL", "ADDRESS"], &rows)?;
            }
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
