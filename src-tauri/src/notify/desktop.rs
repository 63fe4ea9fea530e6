//! The notification daemon of the desktop, over D-Bus (Desktop Notifications Specification 1.2).

use hausrecht_engine::SmallPicture;
use notify_rust::{Hint, Image, Notification, NotificationHandle, Urgency};
use serde::Serialize;

/// What a notification says.
#[derive(Debug)]
pub(super) struct Card {
    /// Camera and what happened. Shown as it is.
    pub(super) summary: String,
    /// When, and how many before it. Nothing from outside stands in it, for some daemons take it as markup.
    pub(super) body: String,
    /// The word for opening.
    pub(super) open: &'static str,
    pub(super) is_doorbell: bool,
    /// With the desktop's own sound of a bell.
    pub(super) rings: bool,
    /// The notification that this one takes the place of.
    pub(super) replaces: Option<u32>,
}

/// The program that shows notifications.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, specta::Type)]
pub(crate) struct NotificationServer {
    /// Its name; `None`: nothing on this desktop shows notifications.
    pub(crate) name: Option<String>,
    /// A click on a notification can open the window.
    pub(crate) clicks: bool,
    /// It plays sounds.
    pub(crate) sounds: bool,
}

/// Asks which program shows notifications. Waits for the answer, so it is for a thread that may.
pub(crate) fn server() -> NotificationServer {
    let Ok(information) = notify_rust::get_server_information() else {
        return NotificationServer::default();
    };
    let able = notify_rust::get_capabilities().unwrap_or_default();
    let can = |what: &str| able.iter().any(|capability| capability == what);
    NotificationServer { name: Some(information.name), clicks: can("actions"), sounds: can("sound") }
}

/// Hands a notification to the daemon.
pub(super) async fn show(card: &Card, picture: Option<SmallPicture>) -> anyhow::Result<NotificationHandle> {
    if picture.is_some() {
        tauri::async_runtime::spawn_blocking(ask_version).await?;
    }
    Ok(notification(card, picture).show_async().await?)
}

/// Lets `notify-rust` ask the daemon for the version of the specification, after which the hint for pictures is named. It
/// does so once, blocking, when the first picture is sent: within an asynchronous task that would panic.
fn ask_version() {
    let version = &*notify_rust::SPEC_VERSION;
    tracing::debug!(?version, "notifications");
}

fn notification(card: &Card, picture: Option<SmallPicture>) -> Notification {
    let mut notification = Notification::new();
    notification
        .appname("Hausrecht")
        .summary(&card.summary)
        .body(&card.body)
        .icon("camera-web")
        .action("default", card.open)
        .urgency(if card.is_doorbell { Urgency::Critical } else { Urgency::Normal });
    if card.rings {
        notification.sound_name("bell");
    } else {
        notification.hint(Hint::SuppressSound(true));
    }
    if let Some(id) = card.replaces {
        notification.id(id);
    }
    // In memory and over the bus alone: a path would need a file.
    if let Some(image) = picture.and_then(image) {
        notification.image_data(image);
    }
    notification
}

fn image(picture: SmallPicture) -> Option<Image> {
    let (width, height) = (i32::try_from(picture.width).ok()?, i32::try_from(picture.height).ok()?);
    Image::from_rgb(width, height, picture.rgb).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(is_doorbell: bool, rings: bool) -> Card {
        Card {
            summary: "Front door: Somebody rings".to_owned(),
            body: "07:05".to_owned(),
            open: "Open",
            is_doorbell,
            rings,
            replaces: None,
        }
    }

    #[test]
    fn whoever_rings_is_urgent_and_heard() {
        let bell = notification(&card(true, true), None);
        assert!(bell.hints.contains(&Hint::Urgency(Urgency::Critical)));
        assert!(bell.hints.contains(&Hint::SoundName("bell".to_owned())));
        let motion = notification(&card(false, false), None);
        assert!(motion.hints.contains(&Hint::Urgency(Urgency::Normal)));
        assert!(motion.hints.contains(&Hint::SuppressSound(true)));
    }

    #[test]
    fn a_picture_goes_along_as_bytes() {
        let picture = SmallPicture { width: 2, height: 1, rgb: vec![1, 2, 3, 4, 5, 6] };
        let shown = notification(&card(false, false), Some(picture));
        assert!(shown.hints.iter().any(|hint| matches!(hint, Hint::ImageData(_))));
        let broken = SmallPicture { width: 2, height: 9, rgb: vec![1] };
        let shown = notification(&card(false, false), Some(broken));
        assert!(!shown.hints.iter().any(|hint| matches!(hint, Hint::ImageData(_))));
    }
}
