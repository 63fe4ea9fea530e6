//! Letting others see who is signed in and what is said: every exchange is shown to an onlooker.

use url::Url;

use crate::{
    Error,
    capture::Exchange,
    http::{Limits, Payload, Reply},
    session::Session,
};

impl Session {
    /// The user name that requests are signed with.
    pub(crate) fn user_name(&self) -> Option<&str> {
        self.credentials.as_ref().map(|credentials| credentials.user())
    }

    /// Sends one request, and shows it with its answer to [`Settings::capture`](crate::Settings::capture).
    pub(super) async fn exchange(
        &self,
        url: &Url,
        payload: Payload<'_>,
        authorization: Option<String>,
        limits: Limits,
    ) -> Result<Reply, Error> {
        let reply = self.http.exchange(url, payload, authorization, limits).await;
        if let Some(capture) = &self.settings.capture {
            let (operation, request) = match payload {
                Payload::Get => ("snapshot", ""),
                Payload::Soap { action, envelope } => (action.rsplit('/').next().unwrap_or(action), envelope),
            };
            let answer = reply.as_ref().map(|reply| (reply.status, reply.body.as_slice()));
            capture.seen(&Exchange { url, operation, request, answer });
        }
        reply
    }
}
