//! Who may use the RTSP server: one account, by digest.

use gstreamer::glib;
use gstreamer_rtsp_server as server;
use server::{gst_rtsp::RTSPAuthMethod, prelude::*, subclass::prelude::*};

glib::wrapper! {
    /// Digest authentication that lets the one account do everything.
    pub struct Access(ObjectSubclass<imp::Access>) @extends server::RTSPAuth;
}

impl Access {
    /// Lets `user` in with `password`.
    pub fn new(user: &str, password: &str) -> Self {
        let access: Self = glib::Object::new();
        let token = server::RTSPToken::builder()
            .field(server::RTSP_TOKEN_MEDIA_FACTORY_ROLE, "user")
            .field(server::RTSP_TOKEN_TRANSPORT_CLIENT_SETTINGS, true)
            .build();
        access.set_supported_methods(RTSPAuthMethod::Digest);
        access.add_digest(user, password, &token);
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
        /// transport settings asks for the password just the same, and the token of the one account passes it.
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
