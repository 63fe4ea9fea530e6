//! Whether the desktop is locked or falls asleep: then nobody sees any window, looking costs nothing, and the vault locks.
//!
//! Heard from the screen savers of the session bus and from logind, where there are any. A desktop that tells nobody is never
//! taken as locked.

#[cfg(target_os = "linux")]
pub(crate) use linux::{Listener, follow};

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use gtk::{gio, glib, prelude::*};

    use crate::presenter::Screens;

    /// Interfaces of screen savers; each has the signal `ActiveChanged`.
    const SAVERS: [&str; 4] = [
        "org.freedesktop.ScreenSaver",
        "org.gnome.ScreenSaver",
        "org.cinnamon.ScreenSaver",
        "org.mate.ScreenSaver",
    ];
    const LOGIND: &str = "org.freedesktop.login1";
    const WAIT_MS: i32 = 1000;

    /// Each that says so by itself: the saver, the lock, sleep.
    #[derive(Default)]
    struct Signs {
        saver: AtomicBool,
        locked: AtomicBool,
        sleeping: AtomicBool,
        /// Any of these.
        asleep: AtomicBool,
    }

    /// What is done when the desktop is locked or falls asleep.
    pub(crate) type Listener = dyn Fn() + Send + Sync;

    impl Signs {
        fn tell(&self, screens: &Screens, falls_asleep: &Listener) {
            let asleep =
                [&self.saver, &self.locked, &self.sleeping].iter().any(|sign| sign.load(Ordering::Acquire));
            screens.set_asleep(asleep);
            if asleep && !self.asleep.swap(asleep, Ordering::AcqRel) {
                falls_asleep();
            }
            self.asleep.store(asleep, Ordering::Release);
        }
    }

    /// Listens from now on. Must be called on the main thread. The buses are to be kept for as long as somebody listens.
    pub(crate) fn follow(screens: &Arc<Screens>, falls_asleep: &Arc<Listener>) -> Vec<gio::DBusConnection> {
        let signs = Arc::new(Signs::default());
        let bus = |kind| {
            gio::bus_get_sync(kind, gio::Cancellable::NONE)
                .inspect_err(|error| tracing::debug!(%error, "the desktop does not say whether it is locked"))
                .ok()
        };
        let session = bus(gio::BusType::Session);
        if let Some(session) = &session {
            for saver in SAVERS {
                on(
                    session,
                    None,
                    saver,
                    "ActiveChanged",
                    None,
                    &signs,
                    (screens, falls_asleep),
                    |signs, said| {
                        if let Some((active,)) = said.get::<(bool,)>() {
                            signs.saver.store(active, Ordering::Release);
                        }
                    },
                );
            }
        }
        let system = bus(gio::BusType::System);
        if let Some(system) = &system {
            let manager = "org.freedesktop.login1.Manager";
            on(
                system,
                Some(LOGIND),
                manager,
                "PrepareForSleep",
                None,
                &signs,
                (screens, falls_asleep),
                |signs, said| {
                    if let Some((sleeping,)) = said.get::<(bool,)>() {
                        signs.sleeping.store(sleeping, Ordering::Release);
                    }
                },
            );
            if let Some(own) = own_session(system) {
                let properties = "org.freedesktop.DBus.Properties";
                let changed = "PropertiesChanged";
                on(
                    system,
                    Some(LOGIND),
                    properties,
                    changed,
                    Some(&own),
                    &signs,
                    (screens, falls_asleep),
                    |signs, said| {
                        let (_, values, _) =
                            said.get::<(String, glib::VariantDict, Vec<String>)>().unwrap_or_default();
                        if let Ok(Some(locked)) = values.lookup::<bool>("LockedHint") {
                            signs.locked.store(locked, Ordering::Release);
                        }
                    },
                );
            }
        }
        session.into_iter().chain(system).collect()
    }

    /// Where logind keeps the session that this program runs in.
    fn own_session(system: &gio::DBusConnection) -> Option<String> {
        let answer = system.call_sync(
            Some(LOGIND),
            "/org/freedesktop/login1",
            "org.freedesktop.login1.Manager",
            "GetSession",
            Some(&("auto",).to_variant()),
            None,
            gio::DBusCallFlags::NONE,
            WAIT_MS,
            gio::Cancellable::NONE,
        );
        let path = answer.ok()?.child_value(0);
        path.str().map(str::to_owned)
    }

    #[expect(clippy::too_many_arguments, reason = "a signal is named by so many things")]
    fn on(
        bus: &gio::DBusConnection,
        sender: Option<&str>,
        interface: &str,
        signal: &str,
        path: Option<&str>,
        signs: &Arc<Signs>,
        (screens, falls_asleep): (&Arc<Screens>, &Arc<Listener>),
        take: fn(&Signs, &glib::Variant),
    ) {
        let (signs, screens, falls_asleep) = (signs.clone(), screens.clone(), falls_asleep.clone());
        // Listened to for as long as the bus is kept.
        let _ = bus.signal_subscribe(
            sender,
            Some(interface),
            Some(signal),
            path,
            None,
            gio::DBusSignalFlags::NONE,
            move |_, _, _, _, _, said| {
                take(&signs, said);
                signs.tell(&screens, &*falls_asleep);
            },
        );
    }
}
