//! The desktop shell: window, tray, commands and pictures on the screen, around an engine that knows none of them.
//!
//! The only crate that knows Tauri. It holds no key, decides nothing, and keeps nothing but what is on the screen.

mod asleep;
mod chooser;
mod commands;
mod demo;
mod events;
mod failure;
mod folder;
mod frames;
#[cfg(unix)]
mod handover;
mod notify;
mod open;
mod options;
mod presenter;
mod seam;
mod tray;
mod window;

use std::{
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::Parser;
use hausrecht_engine::{
    Engine, Handle,
    wire::{Event, Session},
};
use tauri::{AppHandle, Manager};
use tokio::sync::broadcast::error::RecvError;

use crate::{commands::Shell, demo::Demo, options::Arguments, presenter::Screens};

/// How long a search may find nothing before `--auto-demo` starts the demo cameras.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs the program until the person quits.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    prepare_process();
    let dialog = !arguments.no_dialog;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            failure::report("Hausrecht cannot start", &error.to_string(), dialog);
            return ExitCode::FAILURE;
        }
    };

    let engine_options = arguments.engine();
    let data_folder = engine_options.data_folder.clone();
    #[cfg(unix)]
    if handover::give(&data_folder, &arguments.files) {
        return ExitCode::SUCCESS;
    }
    let demo = Arc::new(Demo::new(&engine_options.data_folder));
    runtime.block_on(async { demo.resume() });
    let engine = match runtime.block_on(Engine::start(engine_options)) {
        Ok(engine) => engine,
        Err(error) => return failure::report_start(&error, dialog),
    };
    let anew = Arc::new(AtomicBool::new(false));
    let shown = show(&arguments, &data_folder, &runtime, &engine, &demo, &anew);

    // The window is gone: cameras, recorders, clips, checkpoint and store follow, in the engine's order.
    runtime.block_on(engine.stop());
    demo.stop();
    if anew.load(Ordering::SeqCst) {
        begin_again(&arguments);
    }
    match shown {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => {
            failure::report("Hausrecht cannot show its window", &format!("{error:#}"), dialog);
            ExitCode::FAILURE
        }
    }
}

/// Begins again in this process's place, so that whatever it held is free before the next start wants it. Returns only where that
/// cannot be done: then the person starts the program.
fn begin_again(arguments: &Arguments) {
    let given: Vec<_> = arguments.files.iter().map(|path| path.as_os_str()).collect();
    let rest = std::env::args_os().skip(1).filter(|one| !given.contains(&one.as_os_str()));
    match std::env::current_exe() {
        #[cfg(unix)]
        Ok(program) => {
            let error =
                std::os::unix::process::CommandExt::exec(std::process::Command::new(program).args(rest));
            tracing::error!("the program cannot begin again: {error}");
        }
        #[cfg(not(unix))]
        Ok(program) => {
            if let Err(error) = std::process::Command::new(program).args(rest).spawn() {
                tracing::error!("the program cannot begin again: {error}");
            }
        }
        Err(error) => tracing::error!("the program cannot begin again: {error}"),
    }
}

/// Shows the window; returns when the person quits.
fn show(
    arguments: &Arguments,
    data_folder: &std::path::Path,
    runtime: &tokio::runtime::Runtime,
    engine: &Handle,
    demo: &Arc<Demo>,
    anew: &Arc<AtomicBool>,
) -> anyhow::Result<i32> {
    tauri::async_runtime::set(runtime.handle().clone());
    let screens = Screens::new(Arc::new(engine.clone()), runtime.handle().clone());
    let main = runtime.block_on(screens.begin(window::MAIN))?;
    let shell = Shell {
        engine: engine.clone(),
        screens: screens.clone(),
        demo: demo.clone(),
        anew: Arc::clone(anew),
        small: Mutex::default(),
        kept: folder::Kept::default(),
    };
    let auto_demo = arguments.auto_demo;
    let given = arguments.files.clone();
    let data_folder = data_folder.to_owned();
    let screens_at_the_end = screens.clone();
    let engine_for_notifications = engine.clone();

    let seam = seam::builder();
    let handler = seam.invoke_handler();
    let app = tauri::Builder::default()
        .invoke_handler(move |invoke| {
            let window = invoke.message.webview_ref().label().to_owned();
            let command = invoke.message.command().to_owned();
            if !seam::may_call(&window, &command) {
                tracing::warn!(window, command, "a window asked for what is not for it");
                invoke.resolver.reject("this window may not do that");
                return true;
            }
            handler(invoke)
        })
        .setup(move |app| {
            let app = app.handle();
            seam.mount_events(app);
            app.manage(shell);
            app.manage(open::Waiting::default());
            app.manage(open::Package::default());
            app.manage(open::Backup::default());
            let tray = tray::put(app);
            window::make(app, &main, tray)?;
            #[cfg(target_os = "linux")]
            app.manage(asleep::follow(&screens, &lock_with_desktop(&engine_for_notifications)));
            notify::begin(app, &engine_for_notifications);
            open::open(app, given);
            #[cfg(unix)]
            if let Err(error) = handover::listen(app, &data_folder) {
                tracing::warn!(%error, "a later start cannot give its files to this one");
            }
            tauri::async_runtime::spawn(pass_on_events(app.clone(), auto_demo));
            tauri::async_runtime::spawn(quit_on_signal(app.clone()));
            Ok(())
        })
        .build(tauri::generate_context!())?;
    let code = app.run_return(|_, _| {});
    screens_at_the_end.clear();
    Ok(code)
}

/// What must be so before anything else: no core dumps with keys in them, the log on standard error, and the renderer of
/// the page that pictures can stand above.
fn prepare_process() {
    #[cfg(unix)]
    {
        let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        if rustix::process::setrlimit(rustix::process::Resource::Core, none).is_err() {
            tracing::warn!("core dumps cannot be turned off");
        }
    }
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,hausrecht=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    #[cfg(target_os = "linux")]
    if let Err(error) = gtk::glib::setenv("WEBKIT_DISABLE_DMABUF_RENDERER", "1", true) {
        tracing::warn!(%error, "the page keeps the default renderer");
    }
}

/// Hands the engine's events to the window, and draws the shell's own conclusions from them.
async fn pass_on_events(app: AppHandle, auto_demo: bool) {
    let shell = app.state::<Shell>();
    let mut events = shell.engine.subscribe();
    let waiting = Arc::new(AtomicBool::new(false));
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            // Snapshots replace each other, so what was skipped is made good by the next.
            Err(RecvError::Lagged(skipped)) => {
                tracing::warn!(skipped, "the window is slow");
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        match &event {
            // Whatever the page does, nobody sees a picture once nobody is signed in.
            Event::Session(Session::Empty | Session::Locked { .. }) => {
                shell.screens.clear();
            }
            Event::Tiles(tiles) => shell.screens.note_states(tiles),
            Event::Discovery(discovery)
                if auto_demo && discovery.searching && discovery.cameras.is_empty() =>
            {
                if !waiting.swap(true, Ordering::AcqRel) {
                    let (engine, demo, waiting) = (shell.engine.clone(), shell.demo.clone(), waiting.clone());
                    tokio::spawn(async move {
                        tokio::time::sleep(PATIENCE).await;
                        start_demo_if_alone(&engine, &demo);
                        waiting.store(false, Ordering::Release);
                    });
                }
            }
            Event::Session(Session::Open { .. }) => open::go_on(&app),
            Event::Discovery(_)
            | Event::Cameras(_)
            | Event::Player(_)
            | Event::Together(_)
            | Event::CardJobs(_)
            | Event::CardPlayer(_)
            | Event::Exports(_)
            | Event::Footage(_)
            | Event::ClipsChanged
            | Event::GrantsChanged
            | Event::Wrapping(_)
            | Event::LogGrew(_)
            | Event::Verify(_)
            | Event::Notice(_)
            | Event::Happened(_) => {}
        }
        events::emit(&app, event);
    }
}

/// Signs out when the desktop is locked or falls asleep.
#[cfg(target_os = "linux")]
fn lock_with_desktop(engine: &Handle) -> Arc<asleep::Listener> {
    let engine = engine.clone();
    Arc::new(move || {
        let engine = engine.clone();
        tauri::async_runtime::spawn(async move { engine.lock_with_desktop().await });
    })
}

/// Starts the demo cameras if no camera answers and none was ever added.
fn start_demo_if_alone(engine: &Handle, demo: &Demo) {
    let Ok(added) = engine.cameras() else { return };
    if !engine.discovery().cameras.is_empty() || !added.is_empty() || !demo.available() {
        return;
    }
    tracing::info!("no camera answers: starting the demo cameras");
    if let Err(error) = demo.start() {
        tracing::warn!(%error, "the demo cameras do not start");
    } else if let Err(error) = engine.discover() {
        tracing::warn!(%error, "no search for the demo cameras");
    }
}

/// Quits in order when the desktop's session or a terminal ends the program.
async fn quit_on_signal(app: AppHandle) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut hang_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    app.exit(0);
}
