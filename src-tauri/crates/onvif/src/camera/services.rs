//! Where the camera's services are, by GetServices or, on older cameras, by GetCapabilities.

use crate::{
    Error,
    session::{Service, Session},
    soap::{Operation, ns},
    xml::Element,
};

/// The addresses as the camera names them, and the device service as it answers.
#[derive(Debug)]
pub(super) struct Services {
    pub(super) device: Service,
    pub(super) media: Option<Service>,
    pub(super) media2: Option<Service>,
    pub(super) events: Option<String>,
}

impl Services {
    /// Asks for the services; what GetServices leaves out is looked up with GetCapabilities.
    pub(super) async fn read(session: &Session) -> Result<Self, Error> {
        let origin = session.origin();
        let device = Service::new(origin, origin.as_str());
        let mut named = Named::default();
        let ask = Operation::new(ns::DEVICE, "GetServices", "<IncludeCapability>false</IncludeCapability>");
        let by_services = session.call(&device, &ask).await;
        match by_services {
            Ok(body) => named.add_services(&body),
            Err(error @ (Error::Fault { .. } | Error::Status { .. } | Error::Unreadable { .. })) => {
                tracing::debug!(%error, "no GetServices");
            }
            Err(error) => return Err(error),
        }
        if (named.media.is_none() && named.media2.is_none()) || named.events.is_none() {
            let ask = Operation::new(ns::DEVICE, "GetCapabilities", "<Category>All</Category>");
            match session.call(&device, &ask).await {
                Ok(body) => named.add_capabilities(&body),
                Err(error @ (Error::Fault { .. } | Error::Status { .. })) => {
                    tracing::debug!(%error, "no GetCapabilities");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            device,
            media: named.media.map(|said| Service::new(origin, &said)),
            media2: named.media2.map(|said| Service::new(origin, &said)),
            events: named.events,
        })
    }
}

#[derive(Debug, Default)]
struct Named {
    media: Option<String>,
    media2: Option<String>,
    events: Option<String>,
}

impl Named {
    fn add_services(&mut self, body: &Element) {
        for service in body.children("Service") {
            let (Some(namespace), Some(xaddr)) =
                (service.text_at(&["Namespace"]), service.text_at(&["XAddr"]))
            else {
                continue;
            };
            let slot = match namespace.trim_end_matches('/') {
                ns::MEDIA => &mut self.media,
                ns::MEDIA2 => &mut self.media2,
                ns::EVENTS => &mut self.events,
                _ => continue,
            };
            slot.get_or_insert_with(|| xaddr.to_owned());
        }
    }

    fn add_capabilities(&mut self, body: &Element) {
        let xaddr = |name| body.text_at(&["Capabilities", name, "XAddr"]).map(str::to_owned);
        self.media = self.media.take().or_else(|| xaddr("Media"));
        self.events = self.events.take().or_else(|| xaddr("Events"));
    }
}
