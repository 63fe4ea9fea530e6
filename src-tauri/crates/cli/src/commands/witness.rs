//! `witness`: remembers for the logs of others how far they were, and cosigns what continues that. And the owner's side: who witnesses this log.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use axum::{
    Router, extract::State, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse,
    routing::post,
};
use hausrecht_engine::{Handle, Witness, wire::WitnessView};
use hausrecht_model::clock::SystemClock;

use crate::{
    args::{Serve, Stamps, Witnesses},
    output::{self, local},
};

/// The largest request that is read: a checkpoint and a proof have some 4 KiB.
const REQUEST_BYTES: usize = 64 << 10;

pub(crate) async fn serve(json: bool, wish: &Serve) -> anyhow::Result<ExitCode> {
    let witness = Witness::open(&wish.folder, &wish.name, &wish.log, Arc::new(SystemClock::new()))?;
    let key = witness.key()?;
    let listener = tokio::net::TcpListener::bind(&wish.listen).await.with_context(|| wish.listen.clone())?;
    let address = listener.local_addr()?;
    if json {
        output::json(&serde_json::json!({ "address": address.to_string(), "key": key }))?;
    } else {
        output::print(&format!("This witness answers at http://{address}/ and has the key\n\n  {key}\n"))?;
    }
    let app = Router::new()
        .route("/add-checkpoint", post(add))
        .layer(axum::extract::DefaultBodyLimit::max(REQUEST_BYTES))
        .with_state(Arc::new(witness));
    let ended = async {
        // Without its signals it is ended like any other program.
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(ended).await?;
    Ok(ExitCode::SUCCESS)
}

async fn add(State(witness): State<Arc<Witness>>, body: String) -> impl IntoResponse {
    let answer = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await;
    match answer {
        Ok(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(CONTENT_TYPE, answer.content_type)], answer.body)
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/plain")], String::new()),
    }
}

/// The owner's side.
pub(crate) async fn own(json: bool, handle: &Handle, wish: &Witnesses) -> anyhow::Result<ExitCode> {
    let all = match wish {
        Witnesses::List => handle.witnesses().await?,
        Witnesses::Ask => handle.ask_witnesses().await?,
        Witnesses::Add { url, key } => handle.add_witness(url.clone(), key.clone()).await?,
        Witnesses::Remove { url } => handle.remove_witness(url.clone()).await?,
    };
    let grave = all.iter().any(|one| {
        use hausrecht_engine::wire::WitnessTrouble::{Cut, Fork};
        one.problem.as_ref().is_some_and(|problem| matches!(problem.trouble, Cut | Fork))
    });
    if json {
        output::json(&all)?;
    } else {
        let row = |one: &WitnessView| {
            let state = match (&one.problem, one.seen_us) {
                (Some(problem), _) => problem.detail.clone(),
                (None, Some(at)) => format!("saw {} entries on {}", one.size, local(at)),
                (None, None) => "not asked yet".to_owned(),
            };
            vec![one.name.clone(), one.url.clone(), state]
        };
        output::table(&["WITNESS", "ADDRESS", ""], &all.iter().map(row).collect::<Vec<_>>())?;
    }
    // As of a log that was changed.
    Ok(if grave { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

/// Time stamps of the log.
pub(crate) async fn stamps(json: bool, handle: &Handle, wish: &Stamps) -> anyhow::Result<ExitCode> {
    let now = match wish {
        Stamps::Show => handle.time_stamps().await?,
        Stamps::Ask => handle.stamp_now().await?,
        Stamps::Authority { url } => handle.set_time_authority(url.clone()).await?,
        Stamps::Export { folder } => {
            let exported = handle.export_stamps(&std::path::absolute(folder).context("the folder")?).await?;
            if json {
                output::json(&exported)?;
            } else {
                output::print(&format!("{} stamps in {}", exported.count, exported.folder))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    if json {
        output::json(&now)?;
    } else {
        let authority = now.authority.as_deref().unwrap_or("no authority is named");
        let newest = now.newest.as_ref().map_or_else(
            || "nothing is stamped yet".to_owned(),
            |stamp| format!("{} entries on {}", stamp.size, local(stamp.time_us)),
        );
        let problem = now.problem.as_ref().map(|why| format!("\n{why}")).unwrap_or_default();
        output::print(&format!("{authority}: {newest}{problem}"))?;
    }
    Ok(if now.problem.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
