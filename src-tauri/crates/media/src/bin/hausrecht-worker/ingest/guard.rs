//! Keeps the password of an `rtspsrc` where it belongs: it is not handed over before the camera has said that it does not want it in
//! clear, and nothing is sent to anywhere else.

use std::sync::Mutex;

use gstreamer as gst;
use gstreamer::prelude::*;
use hausrecht_media::{FaultCode, Password};

use super::challenge;
use crate::{lock::lock, source::Address};

/// User and password of a camera.
#[derive(Debug)]
pub(crate) struct Account {
    /// Its name; empty if the camera asks for none.
    pub(crate) user: String,
    /// Its password.
    pub(crate) password: Password,
}

/// Lets `source` send to `address`, and from there to one place that the camera itself redirects to, if that is served by the same
/// program. Once its address is any other one, nothing is sent any more, and `fail` is told why. `sending` is called before
/// each request; the requests that make a tunnel are not among them, and never carry a password.
pub(crate) fn guard(
    source: &gst::Element,
    address: &Address,
    tunnelled: bool,
    account: Account,
    sending: impl Fn() + Send + Sync + 'static,
    fail: impl Fn(FaultCode, String) + Send + Sync + 'static,
) {
    let weak = source.downgrade();
    let way = Mutex::new(Way { here: address.clone(), redirected: false, tunnelled, asked: None });
    source.connect("before-send", false, move |_| {
        sending();
        let source = weak.upgrade()?;
        let location = source.property::<Option<String>>("location");
        let has_password = !account.user.is_empty();
        let allowed = lock(&way).may_send(location.as_deref(), has_password);
        match &allowed {
            Ok(()) if has_password => {
                source.set_property("user-id", &account.user);
                source.set_property("user-pw", account.password.reveal());
            }
            Ok(()) => {}
            Err((code, text)) => fail(*code, text.clone()),
        }
        Some(allowed.is_ok().to_value())
    });
}

/// Where a connection may send, and what is known of that place.
#[derive(Debug)]
struct Way {
    here: Address,
    redirected: bool,
    tunnelled: bool,
    asked: Option<Result<(), (FaultCode, String)>>,
}

impl Way {
    fn may_send(&mut self, location: Option<&str>, has_password: bool) -> Result<(), (FaultCode, String)> {
        if let Some(location) = location.filter(|location| *location != self.here.uri) {
            let there =
                Address::parse(location).filter(|there| !self.redirected && self.here.is_beside(there));
            let text = "the camera sends elsewhere, which is not followed";
            self.here = there.ok_or((FaultCode::Refused, text.into()))?;
            self.redirected = true;
            self.asked = None;
        }
        let (here, tunnelled) = (&self.here, self.tunnelled);
        let ask = || match (has_password, tunnelled) {
            (false, _) => Ok(()),
            (true, false) => challenge::ask(here, &challenge::RTSPSRC).map(drop),
            (true, true) => challenge::ask_through_tunnel(here, &challenge::RTSPSRC),
        };
        self.asked.get_or_insert_with(ask).clone()
    }
}
