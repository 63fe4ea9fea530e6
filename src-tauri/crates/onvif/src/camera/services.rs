//! Where the camera's services are, by GetServices or, on older cameras, by GetCapabilities.

use crate::{
    Error,
    session::{Service, Session},
    soap::{Operation, ns},
    xml::Element,
};

/// A service that a camera may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Information, users, network, clock.
    Device,
    /// Relays and inputs.
    DeviceIo,
    /// Profiles in H.264 and older.
    Media,
    /// Profiles in H.265 too, masks.
    Media2,
    /// Event subscriptions.
    Events,
    /// The picture itself.
    Imaging,
    /// Turning and zooming.
    Ptz,
    /// Rules that find things in the picture.
    Analytics,
    /// What is kept on the camera's own card.
    Recording,
    /// Searching that.
    Search,
    /// Watching that.
    Replay,
}

impl Part {
    const ALL: [Self; 11] = [
        Self::Device,
        Self::DeviceIo,
        Self::Media,
        Self::Media2,
        Self::Events,
        Self::Imaging,
        Self::Ptz,
        Self::Analytics,
        Self::Recording,
        Self::Search,
        Self::Replay,
    ];

    /// The namespace of its operations.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Device => ns::DEVICE,
            Self::DeviceIo => ns::DEVICE_IO,
            Self::Media => ns::MEDIA,
            Self::Media2 => ns::MEDIA2,
            Self::Events => ns::EVENTS,
            Self::Imaging => ns::IMAGING,
            Self::Ptz => ns::PTZ,
            Self::Analytics => ns::ANALYTICS,
            Self::Recording => ns::RECORDING,
            Self::Search => ns::SEARCH,
            Self::Replay => ns::REPLAY,
        }
    }

    /// What a camera without it does not offer, in words that complete a sentence.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Device => "settings",
            Self::DeviceIo => "relays and inputs",
            Self::Media | Self::Media2 => "any stream",
            Self::Events => "events",
            Self::Imaging => "picture settings",
            Self::Ptz => "turning and zooming",
            Self::Analytics => "rules for its picture analysis",
            Self::Recording | Self::Search => "a look at recordings of its own",
            Self::Replay => "playing recordings of its own",
        }
    }

    /// Where GetCapabilities names it.
    fn capability(self) -> &'static [&'static str] {
        match self {
            Self::Device => &["Device"],
            Self::DeviceIo => &["Extension", "DeviceIO"],
            Self::Media => &["Media"],
            Self::Media2 => &["Extension", "Media2"],
            Self::Events => &["Events"],
            Self::Imaging => &["Imaging"],
            Self::Ptz => &["PTZ"],
            Self::Analytics => &["Analytics"],
            Self::Recording => &["Extension", "Recording"],
            Self::Search => &["Extension", "Search"],
            Self::Replay => &["Extension", "Replay"],
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// The addresses as the camera names them, and the device service as it answers.
#[derive(Debug)]
pub(super) struct Services {
    device: Service,
    named: Named,
    others: [Option<Service>; Part::ALL.len()],
}

impl Services {
    /// Asks for the services; what GetServices leaves out is looked up with GetCapabilities. Either may fail in every
    /// way, as long as the other names something.
    pub(super) async fn read(session: &Session) -> Result<Self, Error> {
        let origin = session.origin();
        let device = Service::new(origin, origin.as_str());
        let mut named = Named::default();
        let ask = Operation::new(ns::DEVICE, "GetServices", "<IncludeCapability>false</IncludeCapability>");
        match session.call(&device, &ask).await {
            Ok(body) => named.add_services(&body),
            Err(error) if is_final(&error) => return Err(error),
            Err(error) => tracing::debug!(%error, "no GetServices"),
        }
        if !named.is_complete() {
            let ask = Operation::new(ns::DEVICE, "GetCapabilities", "<Category>All</Category>");
            match session.call(&device, &ask).await {
                Ok(body) => named.add_capabilities(&body),
                Err(error) if is_final(&error) => return Err(error),
                // A camera that answers neither is not there; one that refuses both may still be asked for its name.
                Err(error) if named.is_empty() && !has_answered(&error) => return Err(error),
                Err(error) => tracing::debug!(%error, "no GetCapabilities"),
            }
        }
        let others = Part::ALL.map(|part| named.said(part).map(|said| Service::new(origin, said)));
        Ok(Self { device, named, others })
    }

    /// The service, if the camera names it; the device service is the one that answered.
    pub(super) fn get(&self, part: Part) -> Option<&Service> {
        if part == Part::Device { Some(&self.device) } else { self.others[part.index()].as_ref() }
    }

    /// All addresses as the camera names them.
    pub(super) fn all_said(&self) -> impl Iterator<Item = &str> {
        self.named.0.iter().flatten().map(String::as_str)
    }

    /// The address of a service as the camera names it.
    pub(super) fn said(&self, part: Part) -> Option<&str> {
        self.named.said(part)
    }
}

/// Whether asking for something else is useless or harmful.
fn is_final(error: &Error) -> bool {
    error.needs_a_person() || matches!(error, Error::Unreachable { .. } | Error::RefusedForNow { .. })
}

fn has_answered(error: &Error) -> bool {
    matches!(
        error,
        Error::Fault { .. } | Error::Status { .. } | Error::Unreadable { .. } | Error::NotAllowed { .. }
    )
}

#[derive(Debug, Default)]
struct Named([Option<String>; Part::ALL.len()]);

impl Named {
    fn said(&self, part: Part) -> Option<&str> {
        self.0[part.index()].as_deref()
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Whether all is there that cameras are known to leave out of GetServices and to name in GetCapabilities.
    fn is_complete(&self) -> bool {
        let has = |part| self.said(part).is_some();
        (has(Part::Media) || has(Part::Media2)) && has(Part::Events) && has(Part::Ptz) && has(Part::Imaging)
    }

    fn add_services(&mut self, body: &Element) {
        for service in body.children("Service") {
            let (Some(namespace), Some(xaddr)) =
                (service.text_at(&["Namespace"]), service.text_at(&["XAddr"]))
            else {
                continue;
            };
            let namespace = namespace.trim_end_matches('/');
            if let Some(part) = Part::ALL.into_iter().find(|part| part.namespace() == namespace) {
                self.0[part.index()].get_or_insert_with(|| xaddr.to_owned());
            }
        }
    }

    fn add_capabilities(&mut self, body: &Element) {
        let Some(all) = body.child("Capabilities") else { return };
        for part in Part::ALL {
            let xaddr = all.at(part.capability()).and_then(|capability| capability.text_at(&["XAddr"]));
            if let (slot @ None, Some(xaddr)) = (&mut self.0[part.index()], xaddr) {
                *slot = Some(xaddr.to_owned());
            }
        }
    }
}
