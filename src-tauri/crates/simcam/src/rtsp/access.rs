//! Who may use the RTSP server: every account of the camera, by digest.

use std::sync::Mutex;

use gstreamer::glib;
use gstreamer_rtsp_server as server;
use server::{gst_rtsp::RTSPAuthMethod, prelude::*, subclass::prelude::*};

use crate::{accounts::Accounts, lock::lock};

glib::wrapper! {
    /// Digest authentication that lets every account watch.
    pub struct Access(ObjectSubclass<imp::Access>) @extends server::RTSPAuth;
}

impl Access {
    /// Lets those in who are among `accounts`, also when they change.
    pub fn new(accounts: &Accounts) -> Self {
        let access: Self = glib::Object::new();
        access.set_supported_methods(RTSPAuthMethod::Digest);
        let following = access.downgrade();
        let known: Mutex<Vec<String>> = Mutex::default();
        accounts.follow(move |accounts| {
            let Some(access) = following.upgrade() else { return };
            let mut known = lock(&known);
            for gone in known.drain(..) {
                access.remove_digest(&gone);
            }
            for account in accounts {
                let token = server::RTSPToken::builder()
                    .field(server::RTSP_TOKEN_MEDIA_FACTORY_ROLE, "user")
                    .field(server::RTSP_TOKEN_TRANSPORT_CLIENT_SETTINGS, true)
                    .build();
                access.add_digest(&account.name, &account.password, &token);
                known.push(account.name.clone());
            }
        });
        access
    }
}

mod imp {
    use super::{RTSPAuthImpl, RTSPAuthImplExt, glib, server};
    use glib::subclass::prelude::*;

    #[derive(Default)]
    pub struct Access;

    #[glib::object_subclass]
    impl ObjectSubclass for Access {
        const NAME: &'static str = "HausrechtSimcamAccess";
        type Type = super::Access;
        type ParentType = server::RTSPAuth;
    }

    impl ObjectImpl for Access {}

    impl RTSPAuthImpl for Access {
        /// The bindings cannot give a factory its permissions, without which the server denies it to everybody. The check of the
        /// transport settings asks for the password just the same, and every account's token passes it.
        fn check(&self, ctx: &server::RTSPContext, check: &glib::GString) -> bool {
            if check == server::RTSP_AUTH_CHECK_MEDIA_FACTORY_ACCESS
                || check == server::RTSP_AUTH_CHECK_MEDIA_FACTORY_CONSTRUCT
            {
                self.parent_check(ctx, &server::RTSP_AUTH_CHECK_TRANSPORT_CLIENT_SETTINGS.to_owned())
            } else {
                self.parent_check(ctx, check)
            }
        }
    }
}
